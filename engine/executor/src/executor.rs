//! The handle: starts executions, and hands people's words to them.

use std::sync::{Arc, atomic::Ordering};

use runwright_model::{
    event::{Hold, Pause, Signal, Started},
    id::ExecutionId,
    plan::Plan,
    status::Status,
};
use tokio::sync::oneshot;

use crate::{
    Error,
    actor::LOOK_AGAIN,
    hold::{self, Held, Holds},
    input::{Ask, Input},
    repair::Repair,
    rollback,
    shared::{Ports, Shared},
    start,
    state::State,
    wake,
};

/// Runs executions. Cheap to clone; all clones are the same executor.
#[derive(Clone)]
pub struct Executor {
    shared: Arc<Shared>,
}

impl Executor {
    /// Claims the store and makes everything go on whose time has come, now and later: also what a stopped process
    /// left in the middle. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the store cannot be claimed.
    pub async fn open(ports: Ports) -> Result<Self, Error> {
        let executor = Self::at_rest(ports).await?;
        tokio::spawn(wake::watch(executor.shared.clone()));
        Ok(executor)
    }

    /// Claims the store, and makes nothing go on but what it is asked to: to look at executions. Must be called inside
    /// a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the store cannot be claimed.
    pub async fn at_rest(ports: Ports) -> Result<Self, Error> {
        let epoch = ports.store.claim().await?;
        let holds = Holds::load(&*ports.store).await?;
        Ok(Self {
            shared: Shared::new(ports, epoch, holds),
        })
    }

    /// Starts an execution. Answers whether it was there already with the same input.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] when the id is taken by another input; errors of the store.
    pub async fn start(&self, id: ExecutionId, plan: Arc<Plan>, started: Started) -> Result<bool, Error> {
        start::begin(&self.shared, id, plan, started).await
    }

    /// Makes an execution go on that a stopped process left. Does nothing when it has ended or runs.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn resume(&self, id: &ExecutionId) -> Result<(), Error> {
        if self.shared.ports.store.head(id).await?.is_none() {
            return Err(Error::NotFound(id.clone()));
        }
        self.shared.send(id, Input::Look);
        Ok(())
    }

    /// Sends a signal, an approval or a rejection. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when nothing waits for it or the sender may not send it.
    pub async fn signal(&self, id: &ExecutionId, signal: Signal) -> Result<(), Error> {
        self.ask(id, Ask::Signal(signal)).await
    }

    /// Asks an execution to end. Durable when it returns: nothing new starts after that.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it has ended or rolls back.
    pub async fn cancel(&self, id: &ExecutionId, by: String, reason: Option<String>) -> Result<(), Error> {
        self.ask(id, Ask::Cancel { by, reason }).await
    }

    /// Holds an execution: what is under way ends, and nothing new begins. Its children are held with it. Durable
    /// when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it has ended or is being cancelled.
    pub async fn pause(&self, id: &ExecutionId, by: String, reason: Option<String>) -> Result<(), Error> {
        let pause = Pause { by, reason, hold: None };
        self.ask(id, Ask::Pause(pause)).await
    }

    /// Lets a paused execution go on. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it is not paused, or its parent is, or a hold on its runbook or on everything is in force.
    pub async fn unpause(&self, id: &ExecutionId, by: String) -> Result<(), Error> {
        let state = self.state(id).await?;
        let with_parent = |pause: &Pause| pause.hold == Some(Hold::Parent);
        if let Some(parent) = state
            .started
            .parent
            .filter(|_| state.paused.as_ref().is_some_and(with_parent))
            && let Some(head) = self.shared.ports.store.head(&parent.execution).await?
            && head.summary.status == Status::Paused
        {
            return Err(Error::State(format!(
                "execution {id} is held with its parent: `runwright unpause {}` lets both go on.",
                parent.execution
            )));
        }
        if let Some(hold) = self
            .shared
            .holds
            .on(&state.started.runbook)
            .and_then(|pause| pause.hold)
        {
            return Err(Error::State(format!(
                "execution {id} is held with {hold}: `runwright unpause` releases that."
            )));
        }
        self.ask(id, Ask::Unpause { by, hold: None }).await
    }

    /// Holds every execution of a runbook, or every execution, now and later. Durable when it returns.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn hold(&self, what: Hold, by: String, reason: Option<String>) -> Result<(), Error> {
        hold::set(&self.shared, what, by, reason).await
    }

    /// Releases a hold. Answers how many executions it had paused, which go on.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it is not held.
    pub async fn release(&self, what: &Hold, by: &str) -> Result<usize, Error> {
        hold::release(&self.shared, what, by).await
    }

    /// The holds in force.
    #[must_use]
    pub fn holds(&self) -> Vec<Held> {
        self.shared.holds.all()
    }

    /// Makes an ended execution go on, with steps that run again and values that are changed. Durable when it
    /// returns. What was done before stays in its journal and log.
    ///
    /// # Errors
    ///
    /// [`Error::Choose`] when finished steps read what is changed and [`Repair::affected`] does not say what becomes
    /// of them; [`Error::State`] when it cannot go on so.
    pub async fn repair(&self, id: &ExecutionId, repair: Repair) -> Result<(), Error> {
        self.ask(id, Ask::Repair(repair)).await
    }

    /// Undoes what an ended execution did, all of it or back to a step; also goes on with a rollback that failed.
    /// Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it has not ended or there is nothing to undo.
    pub async fn rollback(&self, id: &ExecutionId, request: rollback::Request) -> Result<(), Error> {
        self.ask(id, Ask::Rollback(request)).await
    }

    /// Why an execution stands still although nobody holds it: the disk is full, or the store or the machine stopped
    /// it in this process.
    #[must_use]
    pub fn why_stopped(&self, id: &ExecutionId) -> Option<String> {
        self.shared.why_stalled(id).or_else(|| self.shared.why_stopped(id))
    }

    async fn ask(&self, id: &ExecutionId, ask: Ask) -> Result<(), Error> {
        if self.shared.ports.store.head(id).await?.is_none() {
            return Err(Error::NotFound(id.clone()));
        }
        let (reply, answer) = oneshot::channel();
        let ask = Box::new(ask);
        self.shared.send(id, Input::Asked { ask, reply });
        match answer.await {
            Ok(answer) => answer,
            Err(_) => Err(self.stopped(id).unwrap_or(Error::Closed)),
        }
    }

    fn stopped(&self, id: &ExecutionId) -> Option<Error> {
        let why = self.shared.why_stopped(id)?;
        Some(Error::State(format!("execution {id} cannot go on: {why}")))
    }

    /// The state of an execution, from its journal.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; a journal that cannot be read.
    pub async fn state(&self, id: &ExecutionId) -> Result<State, Error> {
        self.shared.load(id).await
    }

    /// Returns when the execution or its log has changed since `seen`, with the new count. Begin with 0.
    pub async fn changed(&self, id: &ExecutionId, seen: u64) -> u64 {
        self.shared.changes.changed(id, seen).await
    }

    /// Waits until the execution's status is final; with `person`, also until only a person can make it go
    /// on. Answers the status.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::State`] when the execution cannot go on in this process.
    pub async fn wait(&self, id: &ExecutionId, person: bool) -> Result<Status, Error> {
        // Counted from before the first look, so that no change is missed.
        let mut seen = self.shared.changes.version();
        loop {
            let Some(head) = self.shared.ports.store.head(id).await? else {
                return Err(Error::NotFound(id.clone()));
            };
            let status = head.summary.status;
            if status.is_final() || (person && self.needs_person(id).await?) {
                return Ok(status);
            }
            if let Some(error) = self.stopped(id) {
                return Err(error);
            }
            seen = self.shared.changes.rested(id, seen).await;
        }
    }

    /// Whether only a person can make it go on, its children included.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; a journal that cannot be read.
    pub async fn needs_person(&self, id: &ExecutionId) -> Result<bool, Error> {
        let Some(head) = self.shared.ports.store.head(id).await? else {
            return Err(Error::NotFound(id.clone()));
        };
        if head.summary.status == Status::Waiting || head.summary.status == Status::Paused {
            return Ok(true);
        }
        if head.summary.status != Status::InProgress || head.summary.waiting.is_none() {
            return Ok(false);
        }
        let state = self.shared.load(id).await?;
        let children = state.awaited_children();
        for of in state.open_tries() {
            let Some((_, call)) = state.waiting_call(of) else {
                return Ok(false);
            };
            let child = children.iter().find(|(parent, _, _)| *parent == of);
            let person = match child {
                Some((_, _, child)) => Box::pin(self.needs_person(child)).await?,
                None => call.needs_person(),
            };
            if !person {
                return Ok(false);
            }
        }
        Ok(!state.open.is_empty())
    }

    /// Whether something of the execution is going on in this process.
    #[must_use]
    pub fn is_active(&self, id: &ExecutionId) -> bool {
        self.shared.is_active(id)
    }

    /// The executions of which something is going on in this process, in order of their ids.
    #[must_use]
    pub fn active(&self) -> Vec<ExecutionId> {
        self.shared.active()
    }

    /// Stops what is running, keeps it for a resume, and makes everything durable.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn close(&self) -> Result<(), Error> {
        self.shared.closing.store(true, Ordering::Relaxed);
        self.shared.wake.notify_one();
        for id in self.shared.active() {
            self.shared.send(&id, Input::Close);
        }
        let patience = tokio::time::Instant::now() + LOOK_AGAIN * 5;
        while !self.shared.active().is_empty() && tokio::time::Instant::now() < patience {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        self.shared.logs.flush().await;
        self.shared.ports.store.sync().await?;
        Ok(())
    }

    /// Returns when every log line so far is stored.
    pub async fn flush_logs(&self) {
        self.shared.logs.flush().await;
    }
}
