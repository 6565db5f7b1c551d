//! Clocks that stand, and sleeping.
//!
//! Both clocks show the time of the last journalled answer, so a replay reads what the first run read. A guest
//! that sleeps by its language's own means polls a timer; that becomes a `waits.sleep` like any other: it is
//! journalled, holds no instance, and needs the grant `waits: true`. WASI's poll has no way to say no, so a
//! refusal ends the call.

use runwright_model::{
    capability::{Answer, Error, Request, waits},
    failure::{Failure, FailureKind},
};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    DynPollable, Pollable,
    bindings::{
        clocks::{monotonic_clock, wall_clock},
        io::poll,
    },
    subscribe,
};

use crate::{
    capability::types::millis,
    codes,
    state::{Ended, State},
};

const NANOS_PER_MILLI: u64 = 1_000_000;
/// What both clocks say of their steps: a millisecond, as the journal keeps time.
const RESOLUTION_NS: u64 = NANOS_PER_MILLI;

/// A timer's place in the table of resources. When it is over stands in [`State::timers`].
struct Timer;

#[async_trait::async_trait]
impl Pollable for Timer {
    /// Never asked: [`poll`](poll::Host) below looks timers up by itself.
    async fn ready(&mut self) {}
}

impl State {
    fn now_ns(&self) -> u64 {
        millis(self.calls.now())
            .saturating_mul(NANOS_PER_MILLI)
            .max(self.clock_floor_ns)
    }

    fn timer(&mut self, over_ns: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = self.table.push(Timer)?;
        let pollable = subscribe(&mut self.table, timer)?;
        self.timers.insert(pollable.rep(), over_ns);
        Ok(pollable)
    }

    /// Whatever is no timer is ready: input is at its end, and output is taken at once.
    fn is_ready(&self, pollable: &Resource<DynPollable>) -> bool {
        self.timers
            .get(&pollable.rep())
            .is_none_or(|over| *over <= self.now_ns())
    }

    /// Waits, durably, until the steady clock shows this.
    async fn sleep_until_ns(&mut self, over_ns: u64) -> wasmtime::Result<()> {
        let duration_ms = over_ns.saturating_sub(self.now_ns()).div_ceil(NANOS_PER_MILLI);
        match self.call(Request::Waits(waits::Request::Sleep { duration_ms })).await? {
            Ok(Answer::Done) => {
                self.clock_floor_ns = over_ns;
                Ok(())
            }
            Ok(_) => Err(self.end(Ended::Failed(no_sleep(
                FailureKind::Internal,
                "got the answer of another function",
            )))),
            Err(error) => Err(self.end(Ended::Failed(no_sleep(kind(&error), &error.to_string())))),
        }
    }
}

fn no_sleep(kind: FailureKind, reason: &str) -> Failure {
    let message = format!(
        "The plugin slept by its language's own means, which the engine makes a `waits.sleep`, and that failed: \
         {reason}. List `waits` in the plugin's manifest and grant it, or let the plugin call `waits.sleep`."
    );
    Failure::new(kind, message).with_code(codes::SLEEP)
}

fn kind(error: &Error) -> FailureKind {
    match error {
        Error::Denied { .. } => FailureKind::Denied,
        Error::Throttled(_) => FailureKind::Throttled,
        Error::TimedOut(_) => FailureKind::TimedOut,
        Error::LimitExceeded { .. } => FailureKind::LimitExceeded,
        Error::Uncertain(_) => FailureKind::Uncertain,
        Error::NotFound(_) | Error::Invalid(_) | Error::Unavailable(_) => FailureKind::Failed,
    }
}

impl monotonic_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.now_ns())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(RESOLUTION_NS)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.timer(when)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.timer(self.now_ns().saturating_add(duration))
    }
}

impl wall_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = millis(self.calls.now());
        let nanoseconds = u32::try_from(now % 1_000 * NANOS_PER_MILLI).expect("less than a second in nanoseconds");
        Ok(wall_clock::Datetime {
            seconds: now / 1_000,
            nanoseconds,
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let nanoseconds = u32::try_from(RESOLUTION_NS).expect("a millisecond in nanoseconds");
        Ok(wall_clock::Datetime {
            seconds: 0,
            nanoseconds,
        })
    }
}

impl poll::Host for State {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        let ready = |state: &Self| -> Vec<u32> {
            (0_u32..)
                .zip(&pollables)
                .filter(|(_, p)| state.is_ready(p))
                .map(|(index, _)| index)
                .collect()
        };
        let now = ready(self);
        if !now.is_empty() {
            return Ok(now);
        }
        // Only timers are left, so the nearest one decides: the same in every replay.
        let Some(nearest) = pollables
            .iter()
            .filter_map(|p| self.timers.get(&p.rep()))
            .min()
            .copied()
        else {
            return Err(wasmtime::Error::msg("the plugin polled an empty list"));
        };
        self.sleep_until_ns(nearest).await?;
        Ok(ready(self))
    }
}

impl poll::HostPollable for State {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        Ok(self.is_ready(&pollable))
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        match self.timers.get(&pollable.rep()).copied() {
            Some(over) if over > self.now_ns() => self.sleep_until_ns(over).await,
            Some(_) | None => Ok(()),
        }
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.timers.remove(&pollable.rep());
        poll::HostPollable::drop(&mut self.table, pollable)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Limits, Nothing, state::Step};

    /// Go's runtime takes zero for a broken clock and ends the program.
    #[test]
    fn the_steady_clock_never_shows_zero() {
        let mut describing = State::new(
            Arc::new(Nothing),
            &Limits::default(),
            "describe",
            "describe",
            Step::default(),
        );
        assert_eq!(millis(describing.calls.now()), 0);
        assert_ne!(monotonic_clock::Host::now(&mut describing).unwrap(), 0);
    }
}
