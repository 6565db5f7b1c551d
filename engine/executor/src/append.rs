//! How an actor writes: state and journal change together, and a full disk is waited for.

use std::{sync::atomic::Ordering, time::Duration};

use runwright_model::{
    event::{Event, Record, Try},
    status::Status,
    time::Timestamp,
};
use runwright_store::{Append, Durability};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    Error,
    actor::{ACTIVE, Actor},
    decide::Decision,
    limits, summary,
};

impl Actor {
    /// Takes events into the state and the journal. What need not be durable may go to the store a moment later, together
    /// with what follows: an append costs the store the same for one record as for some.
    pub(crate) async fn append(&mut self, events: Vec<Event>, durability: Durability) -> Result<Timestamp, Error> {
        // A clock that jumped back must not put a record before the one it follows.
        let at = self.shared.ports.clock.now().max(self.state.last_at);
        let secrets = self.state.secrets.len();
        let mut lingers = durability == Durability::Buffered;
        for event in events {
            lingers &= may_linger(&event);
            self.pending.push(Record {
                sequence: self.state.length,
                at,
                event: event.clone(),
            });
            self.state.apply(at, event).map_err(|why| Error::Journal {
                execution: self.id.clone(),
                why,
            })?;
        }
        if self.state.secrets.len() != secrets {
            self.shared.set_secrets(&self.id, &self.state.secrets);
        }
        self.unsynced = true;
        if !lingers || self.pending.len() >= limits::PENDING_RECORDS_MAX {
            self.hand_in(durability).await?;
        } else if self.linger_until.is_none() {
            self.linger_until = Some(Instant::now() + Duration::from_millis(limits::LINGER_MS));
        }
        Ok(at)
    }

    /// Hands what is pending to the store: from here on others see it.
    pub(crate) async fn hand_in(&mut self, durability: Durability) -> Result<(), Error> {
        let active = self.state.ended.is_none() || self.state.started.parent.is_some();
        self.hand_in_with(active.then_some(ACTIVE), durability).await
    }

    /// The same, with a place in the wake-up index.
    pub(crate) async fn hand_in_with(&mut self, wake: Option<Timestamp>, durability: Durability) -> Result<(), Error> {
        let records = std::mem::take(&mut self.pending);
        self.linger_until = None;
        let summary = summary::of(&self.state);
        let goes_on = summary.status == Status::InProgress && summary.waiting.is_none();
        let append = Append {
            execution: self.id.clone(),
            expected: self.state.length - records.len() as u64,
            epoch: self.shared.epoch,
            records: records.into(),
            summary,
            wake,
            durability,
        };
        self.append_with_room(append).await?;
        self.unsynced = durability == Durability::Buffered;
        if goes_on {
            self.shared.changes.bump(&self.id);
        } else {
            self.shared.changes.bump_rested(&self.id);
        }
        Ok(())
    }

    /// Appends; while the disk is full, waits and tries again: a full disk is a state, not an end.
    async fn append_with_room(&self, append: Append) -> Result<(), Error> {
        let store = &self.shared.ports.store;
        loop {
            let full = match store.append(append.clone()).await {
                Err(error @ runwright_store::Error::Full { .. }) => error,
                other => {
                    self.shared.stall(&self.id, None);
                    return Ok(other?);
                }
            };
            if self.shared.closing.load(Ordering::Relaxed) {
                return Err(full.into());
            }
            self.shared.stall(&self.id, Some(full.to_string()));
            // Not by the clock, which may be set back meanwhile.
            tokio::time::sleep(Duration::from_millis(limits::FULL_RETRY_MS)).await;
        }
    }

    /// Leaves things so that nobody needs to remember the execution.
    pub(crate) async fn rest(&mut self, decision: &Decision) -> Result<(), Error> {
        let ended = self.state.ended.is_some();
        if ended && !self.unsynced && self.state.started.parent.is_none() {
            return Ok(());
        }
        let goes_on = if ended {
            let told = self.tell_parent().await?;
            if !told && !self.unsynced {
                // It is due since its end, and stays so.
                return Ok(());
            }
            !told
        } else {
            // A child that was not told yet is told then.
            self.closing.is_some() && (self.state.paused.is_none() || !self.looking_at.is_empty())
        };
        // What was stopped here goes on when the store is opened again.
        let wake = if goes_on { Some(ACTIVE) } else { decision.wake };
        // That a parent was told may be forgotten: it is told again.
        let durability = if ended && !self.unsynced {
            Durability::Buffered
        } else {
            Durability::Durable
        };
        self.hand_in_with(wake, durability).await?;
        self.bump_family();
        Ok(())
    }

    /// Acknowledges what a person asked for once it is durable.
    pub(crate) async fn answer(
        &mut self,
        events: Result<Vec<Event>, Error>,
        reply: oneshot::Sender<Result<(), Error>>,
    ) -> Result<(), Error> {
        let answer = match events {
            Ok(events) => {
                self.append_some(events, Durability::Durable).await?;
                Ok(())
            }
            Err(error) => Err(error),
        };
        let _ = reply.send(answer);
        Ok(())
    }

    pub(crate) async fn append_some(&mut self, events: Vec<Event>, durability: Durability) -> Result<(), Error> {
        if !events.is_empty() {
            self.append(events, durability).await?;
        }
        Ok(())
    }

    /// The answer to a call that cannot be made again must not be lost with the process.
    pub(crate) fn answer_durability(&self, of: Try, call: u32) -> Durability {
        let made = self.state.open_calls(of).and_then(|calls| calls.get(call as usize));
        let repeatable = made.is_none_or(|call| call.request.is_repeatable());
        if repeatable {
            Durability::Buffered
        } else {
            Durability::Durable
        }
    }
}

/// Whether an event only says how far a step is, so that nobody misses it for some milliseconds. Whatever others ask
/// the store about executions (who is held, who has ended) is handed in at once.
fn may_linger(event: &Event) -> bool {
    match event {
        Event::StepStarted { .. }
        | Event::StepSucceeded { .. }
        | Event::StepSkipped { .. }
        | Event::IterationStarted { .. }
        | Event::StepExited { .. }
        | Event::VariableSet { .. }
        | Event::CallRequested { .. }
        | Event::CallCompleted { .. }
        | Event::RollbackStepStarted { .. }
        | Event::RollbackStepSucceeded { .. } => true,
        Event::Started(_)
        | Event::AttemptFailed { .. }
        | Event::StepFailed { .. }
        | Event::CallProbed { .. }
        | Event::Signalled(_)
        | Event::CancelRequested { .. }
        | Event::Paused(_)
        | Event::Unpaused { .. }
        | Event::Resumed(_)
        | Event::RollbackStarted { .. }
        | Event::RollbackStepFailed { .. }
        | Event::RollbackStepSkipped { .. }
        | Event::Ended { .. } => false,
    }
}
