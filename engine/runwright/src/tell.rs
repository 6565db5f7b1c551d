//! A person's word to an execution, in the process that holds the store.

use runwright_executor::{repair::Repair, rollback};
use runwright_model::{
    event::{Event, Hold, Signal},
    id::{ExecutionId, StepId},
};

use crate::{Error, bind, call::Word, holder::Holder};

impl Holder {
    /// Says it, durably. With `since`, it was said before from that record on and its answer was lost: then it is not
    /// said twice.
    pub(crate) async fn tell(&self, id: &ExecutionId, word: &Word, by: &str, since: Option<u64>) -> Result<(), Error> {
        if let Some(since) = since
            && self.was_said(id, word, by, since).await?
        {
            return Ok(());
        }
        let name = by.to_owned();
        let executor = &self.executor;
        match word {
            Word::Signal { name, step, payload } => {
                let signal = Signal {
                    name: name.clone(),
                    step: self.step(id, step.as_deref()).await?,
                    by: by.to_owned(),
                    payload: payload.clone(),
                };
                executor.signal(id, signal).await?;
            }
            Word::Cancel { reason } => executor.cancel(id, name, reason.clone()).await?,
            Word::Pause { reason } => executor.pause(id, name, reason.clone()).await?,
            Word::Unpause => executor.unpause(id, name).await?,
            Word::Repair(repair) => executor.repair(id, self.bound(id, repair, name).await?).await?,
            Word::Rollback { to, skip } => {
                let request = rollback::Request {
                    by: name,
                    to: to.clone(),
                    skip: skip.clone(),
                };
                executor.rollback(id, request).await?;
            }
        }
        Ok(())
    }

    /// Whether the journal holds what this word leads to, from this record on.
    async fn was_said(&self, id: &ExecutionId, word: &Word, by: &str, since: u64) -> Result<bool, Error> {
        let records = self.store.read(id, since).await?;
        let is_trace = |event: &Event| match (word, event) {
            (Word::Signal { name, payload, .. }, Event::Signalled(sent)) => {
                sent.by == by && sent.name == *name && sent.payload == *payload
            }
            (Word::Cancel { .. }, Event::CancelRequested { by: who, .. })
            | (Word::Unpause, Event::Unpaused { by: who }) => who == by,
            (Word::Pause { .. }, Event::Paused(pause)) => pause.by == by && pause.hold.is_none(),
            (Word::Repair(_), Event::Resumed(resumption)) => resumption.by == by,
            (Word::Rollback { .. }, Event::RollbackStarted { .. }) => true,
            (
                Word::Signal { .. }
                | Word::Cancel { .. }
                | Word::Pause { .. }
                | Word::Unpause
                | Word::Repair(_)
                | Word::Rollback { .. },
                _,
            ) => false,
        };
        Ok(records.iter().any(|record| is_trace(&record.event)))
    }

    async fn step(&self, id: &ExecutionId, name: Option<&str>) -> Result<Option<StepId>, Error> {
        match name {
            None => Ok(None),
            Some(name) => Ok(Some(self.executor.state(id).await?.step_called(name)?)),
        }
    }

    /// The repair with its parameters checked and converted as at a start.
    async fn bound(&self, id: &ExecutionId, repair: &Repair, by: String) -> Result<Repair, Error> {
        let mut repair = Repair { by, ..repair.clone() };
        if !repair.parameters.is_empty() {
            let state = self.executor.state(id).await?;
            let mut all = state.started.parameters.clone();
            all.extend(repair.parameters.clone());
            let mut bound = bind::parameters(&state.plan, all, &self.parameters).await?;
            bound.retain(|name, _| repair.parameters.contains_key(name));
            repair.parameters = bound;
        }
        Ok(repair)
    }

    /// Releases a hold. One that is gone already was released by the call that is repeated.
    pub(crate) async fn release(&self, what: &Hold, by: &str, again: bool) -> Result<usize, Error> {
        if again && !self.executor.holds().iter().any(|held| held.hold == *what) {
            return Ok(0);
        }
        Ok(self.executor.release(what, by).await?)
    }
}
