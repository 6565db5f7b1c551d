//! How an actor writes: state and journal change together, and a full disk is waited for.

use std::{sync::atomic::Ordering, time::Duration};

use runwright_model::{
    event::{Event, Record, Try},
    time::Timestamp,
};
use runwright_store::{Append, Durability};
use tokio::sync::oneshot;

use crate::{
    Error,
    actor::{ACTIVE, Actor},
    decide::Decision,
    limits, summary,
};

impl Actor {
    pub(crate) async fn append(&mut self, events: Vec<Event>, durability: Durability) -> Result<Timestamp, Error> {
        // A clock that jumped back must not put a record before the one it follows.
        let at = self.shared.ports.clock.now().max(self.state.last_at);
        let expected = self.state.length;
        let mut records = Vec::with_capacity(events.len());
        let secrets = self.state.secrets.len();
        for event in events {
            records.push(Record {
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
        let active = self.state.ended.is_none() || self.state.started.parent.is_some();
        let wake = active.then_some(ACTIVE);
        self.hand_in(expected, records, wake, durability).await?;
        self.shared.changes.bump(&self.id);
        Ok(at)
    }

    pub(crate) async fn hand_in(
        &mut self,
        expected: u64,
        records: Vec<Record>,
        wake: Option<Timestamp>,
        durability: Durability,
    ) -> Result<(), Error> {
        let append = Append {
            execution: self.id.clone(),
            expected,
            epoch: self.shared.epoch,
            records,
            summary: summary::of(&self.state),
            wake,
            durability,
        };
        self.append_with_room(append).await?;
        self.unsynced = durability == Durability::Buffered;
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
            self.closing.is_some() && self.state.paused.is_none()
        };
        // What was stopped here goes on when the store is opened again.
        let wake = if goes_on { Some(ACTIVE) } else { decision.wake };
        // That a parent was told may be forgotten: it is told again.
        let durability = if ended && !self.unsynced {
            Durability::Buffered
        } else {
            Durability::Durable
        };
        self.hand_in(self.state.length, Vec::new(), wake, durability).await?;
        self.shared.changes.bump(&self.id);
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
