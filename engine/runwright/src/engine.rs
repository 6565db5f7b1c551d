//! The engine: starts executions, and is asked about them.

use std::sync::Arc;

use runwright_compiler::Targets;
use runwright_executor::{hold::Held, interactive::INPUTS, migrate::Misfit, ports::Clock as _, repair::Repair};
use runwright_model::{
    event::{Hold, Mode, Signal},
    id::ExecutionId,
    log::LogLine,
    plan::Plan,
    status::Status,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    Error, Library, Runbook,
    adapter::SystemClock,
    attachments,
    builder::Builder,
    call::{Answer, Begin, Call, Word},
    link::Link,
    parameters::Parameters,
    view::{ExecutionRow, ExecutionView, WhyView},
};

/// How often a start brings the components that are lacking.
const BRING_MAX: usize = 3;

/// A running engine: of this process, or of another one that is asked. Cheap to clone.
///
/// Every method that asks the engine fails when it is closed, and as [`Builder::join`] says when another process holds
/// the store.
#[derive(Clone)]
pub struct Engine {
    library: Library,
    link: Arc<Link>,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The runbook, as [`Library::runbook`] answered it.
    pub runbook: Runbook,
    /// Parameters: native JSON, or text that is converted.
    pub parameters: Map<String, Value>,
    /// Its id; a new one when absent.
    pub id: Option<ExecutionId>,
    /// Who starts it: a user's name. A client of another process can name none but its own.
    pub by: String,
    /// To its end, or step by step as people say.
    pub mode: Mode,
}

/// An execution that was started, or found.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Its id.
    pub id: ExecutionId,
    /// Whether it was there already: same id, same input.
    pub existing: bool,
}

/// How long to wait for an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// Until its status is final.
    Ended,
    /// Until its status is final, or only a person can make it go on.
    NeedsPerson,
}

impl Engine {
    /// A builder with the defaults.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn over(library: Library, link: Arc<Link>) -> Self {
        Self { library, link }
    }

    /// Runbooks and plugins.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The parameter store.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'_> {
        Parameters(self)
    }

    pub(crate) async fn ask<T>(&self, by: Option<&str>, call: Call) -> Result<T, Error>
    where
        T: TryFrom<Answer, Error = Error>,
    {
        self.link.ask(by, call).await?.try_into()
    }

    /// Starts an execution, or finds it when its id is taken by the same input. It is durable when this returns.
    ///
    /// # Errors
    ///
    /// [`Error::Document`], [`Error::Parameters`], [`Error::Mismatch`], and those of the store.
    pub async fn start(&self, request: StartRequest) -> Result<Begun, Error> {
        self.begin(request, None).await
    }

    /// Starts an execution that runs the runbook once for each target, as its children.
    ///
    /// # Errors
    ///
    /// Those of [`Engine::start`], and [`Error::State`] when it cannot run on these targets.
    pub async fn start_on(&self, request: StartRequest, targets: Targets) -> Result<Begun, Error> {
        self.begin(request, Some(targets)).await
    }

    async fn begin(&self, request: StartRequest, targets: Option<Targets>) -> Result<Begun, Error> {
        let StartRequest {
            runbook,
            parameters,
            id,
            by,
            mode,
        } = request;
        if targets.is_some() && mode == Mode::Interactive {
            return Err(Error::State(
                "a run on targets cannot be interactive: start it for one target, or in the mode Auto".into(),
            ));
        }
        let Some(plan) = runbook.compiled.plan else {
            let diagnostics = runbook.compiled.diagnostics;
            return Err(Error::Document {
                source_text: Box::new(runbook.source),
                diagnostics,
            });
        };
        crate::outside::check(&plan)?;
        let folder = attachments::folder(runbook.path.as_ref());
        attachments::check(&plan, folder, &self.library.shelf)?;
        self.library.distribution.note(&plan)?;
        // What is not there before this call is this call's, also when it had to be repeated.
        let is_new = match &id {
            None => true,
            Some(id) => self.length(id).await?.is_none(),
        };
        let id = id.unwrap_or_else(|| ExecutionId::generate(SystemClock.now(), &SystemClock.random()));
        let call = Call::Start {
            id: id.clone(),
            plan: Arc::new(plan),
            parameters,
            targets,
            mode,
            place: self.library.place(),
        };
        for _ in 0..BRING_MAX {
            match self.ask(Some(&by), call.clone()).await? {
                Begin::Begun { existing } => {
                    let existing = existing && !is_new;
                    return Ok(Begun { id, existing });
                }
                Begin::Lacks(components) => self.bring(components).await?,
            }
        }
        Err(Error::State(format!(
            "execution {id} was not started: the components of its plugins vanish from the store as fast as they are brought"
        )))
    }

    async fn bring(&self, components: Vec<runwright_model::digest::Digest>) -> Result<(), Error> {
        for digest in components {
            let known = self.library.shelf.known(&digest);
            let component = known.expect("who compiled the plan knows its components").to_vec();
            self.ask::<()>(None, Call::Keep { component }).await?;
        }
        Ok(())
    }

    /// How many records its journal has; `None` when there is none.
    async fn length(&self, id: &ExecutionId) -> Result<Option<u64>, Error> {
        self.ask(None, Call::Length { id: id.clone() }).await
    }

    /// The same of an execution that must be there.
    async fn since(&self, id: &ExecutionId) -> Result<u64, Error> {
        let length = self.length(id).await?;
        length.ok_or_else(|| Error::NoExecution(id.to_string()))
    }

    /// One execution, whole.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`], or a journal that cannot be read.
    pub async fn show(&self, id: &ExecutionId) -> Result<ExecutionView, Error> {
        let view: Box<ExecutionView> = self.ask(None, Call::Show { id: id.clone() }).await?;
        Ok(*view)
    }

    /// Executions, newest id first; only those with this status, when one is given. At most so many.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn list(&self, status: Option<Status>, most: usize) -> Result<Vec<ExecutionRow>, Error> {
        self.ask(None, Call::List { status, most }).await
    }

    /// Executions that have not ended, oldest first.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn unfinished(&self) -> Result<Vec<ExecutionRow>, Error> {
        self.ask(None, Call::Unfinished).await
    }

    /// Log lines from this number on, at most so many, each with its number.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`], or a store that fails.
    pub async fn logs(&self, id: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>, Error> {
        let id = id.clone();
        self.ask(None, Call::Logs { id, from, most }).await
    }

    /// Returns when the execution's state or log has changed since `seen`, with the new count. Start with 0.
    ///
    /// # Errors
    ///
    /// Only those of every method.
    pub async fn changed(&self, id: &ExecutionId, seen: u64) -> Result<u64, Error> {
        let id = id.clone();
        self.ask(None, Call::Changed { id, seen }).await
    }

    /// Waits. The execution goes on while it is waited for.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`]; [`Error::State`] when it cannot go on.
    pub async fn wait(&self, id: &ExecutionId, until: Until) -> Result<ExecutionView, Error> {
        let id = id.clone();
        let view: Box<ExecutionView> = self.ask(None, Call::Wait { id, until }).await?;
        Ok(*view)
    }

    /// Approves or rejects what a step asks; `step` when more than one asks. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when nothing asks, or `by` is no approver or has decided.
    pub async fn decide(
        &self,
        id: &ExecutionId,
        step: Option<&str>,
        approve: bool,
        by: &str,
        comment: Option<&str>,
    ) -> Result<(), Error> {
        let name = if approve { Signal::APPROVE } else { Signal::REJECT };
        self.signal(id, name, step, by, json!({ "comment": comment })).await
    }

    /// Starts a step of an interactive execution; the only one that can be started when none is named. `inputs` are put
    /// over those of the document. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when the execution is not interactive, or this step does not come next.
    pub async fn start_step(
        &self,
        id: &ExecutionId,
        step: Option<&str>,
        by: &str,
        inputs: Map<String, Value>,
    ) -> Result<(), Error> {
        let payload = match inputs.is_empty() {
            true => Value::Null,
            false => json!({ INPUTS: inputs }),
        };
        self.signal(id, Signal::START_STEP, step, by, payload).await
    }

    /// Ends an interactive execution as what ran says. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when the execution is not interactive, has ended, or a step is under way.
    pub async fn complete(&self, id: &ExecutionId, by: &str) -> Result<(), Error> {
        self.signal(id, Signal::COMPLETE, None, by, Value::Null).await
    }

    /// Sends a signal (`Resume` for a paused step). Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when nothing waits for it.
    pub async fn signal(
        &self,
        id: &ExecutionId,
        name: &str,
        step: Option<&str>,
        by: &str,
        payload: Value,
    ) -> Result<(), Error> {
        let word = Word::Signal {
            name: name.to_owned(),
            step: step.map(str::to_owned),
            payload,
        };
        self.tell(id, by, word).await
    }

    async fn tell(&self, id: &ExecutionId, by: &str, word: Word) -> Result<(), Error> {
        let call = Call::Tell {
            id: id.clone(),
            since: self.since(id).await?,
            word,
        };
        self.ask(Some(by), call).await
    }

    /// Makes an execution go on that a stopped process left.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`].
    pub async fn resume(&self, id: &ExecutionId) -> Result<(), Error> {
        self.ask(None, Call::Resume { id: id.clone() }).await
    }

    /// Asks an execution to stop. Durable when it returns: nothing starts after it.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it has ended or rolls back.
    pub async fn cancel(&self, id: &ExecutionId, by: &str, reason: Option<&str>) -> Result<(), Error> {
        let reason = reason.map(str::to_owned);
        self.tell(id, by, Word::Cancel { reason }).await
    }

    /// Holds an execution and its children: what is under way ends, and nothing new begins. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it has ended or is being cancelled.
    pub async fn pause(&self, id: &ExecutionId, by: &str, reason: Option<&str>) -> Result<(), Error> {
        let reason = reason.map(str::to_owned);
        self.tell(id, by, Word::Pause { reason }).await
    }

    /// Lets a paused execution go on. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it is not paused, or a hold on its runbook or on everything is in force.
    pub async fn unpause(&self, id: &ExecutionId, by: &str) -> Result<(), Error> {
        self.tell(id, by, Word::Unpause).await
    }

    /// Holds every execution of a runbook, or every execution, now and later. Durable when it returns.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn hold(&self, what: Hold, by: &str, reason: Option<&str>) -> Result<(), Error> {
        let reason = reason.map(str::to_owned);
        self.ask(Some(by), Call::Hold { what, reason }).await
    }

    /// Releases a hold. Answers how many executions it had paused: they go on.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it is not held.
    pub async fn release(&self, what: Hold, by: &str) -> Result<usize, Error> {
        self.ask(Some(by), Call::Release { what }).await
    }

    /// The holds in force.
    ///
    /// # Errors
    ///
    /// Only those of every method.
    pub async fn holds(&self) -> Result<Vec<Held>, Error> {
        self.ask(None, Call::Holds).await
    }

    /// Makes an ended execution go on, with steps that run again and values that are changed. Earlier attempts keep their
    /// outputs and logs. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it cannot go on so, or when finished steps read what is changed and [`Repair::affected`]
    /// does not say what becomes of them; [`Error::Parameters`].
    pub async fn repair(&self, id: &ExecutionId, by: &str, repair: Repair) -> Result<(), Error> {
        self.tell(id, by, Word::Repair(repair)).await
    }

    /// Starts the plan of an execution again with the same parameters, as a new execution. The plan and the plugins are
    /// those it began with.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`]; [`Error::Mismatch`] when the id is taken.
    pub async fn rerun(&self, of: &ExecutionId, by: &str, id: Option<ExecutionId>) -> Result<Begun, Error> {
        let id = id.unwrap_or_else(|| ExecutionId::generate(SystemClock.now(), &SystemClock.random()));
        let is_new = self.length(&id).await?.is_none();
        let call = Call::Rerun {
            of: of.clone(),
            id: id.clone(),
        };
        match self.ask(Some(by), call).await? {
            Begin::Begun { existing } => Ok(Begun {
                id,
                existing: existing && !is_new,
            }),
            Begin::Lacks(_) => Err(Error::Garbled("a rerun lacks no component".into())),
        }
    }

    /// Undoes what an ended execution did, or goes on with a rollback that failed. With `to`, only what ended after that
    /// step; with `skip` (a step and a reason), a failed undo is left as it is.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it has not ended or there is nothing to undo.
    pub async fn rollback(
        &self,
        id: &ExecutionId,
        by: &str,
        to: Option<&str>,
        skip: Option<(&str, &str)>,
    ) -> Result<(), Error> {
        let word = Word::Rollback {
            to: to.map(str::to_owned),
            skip: skip.map(|(step, reason)| (step.to_owned(), reason.to_owned())),
        };
        self.tell(id, by, word).await
    }

    /// Why an execution stands as it does, and what can be done about it.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`], or a journal that cannot be read.
    pub async fn why(&self, id: &ExecutionId) -> Result<WhyView, Error> {
        let view: Box<WhyView> = self.ask(None, Call::Why { id: id.clone() }).await?;
        Ok(*view)
    }

    /// What keeps an execution from going on with this plan; empty when it could. Nothing is changed.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`], or a journal that cannot be read.
    pub async fn misfits(&self, id: &ExecutionId, plan: &Plan) -> Result<Vec<Misfit>, Error> {
        let call = Call::Misfits {
            id: id.clone(),
            plan: Arc::new(plan.clone()),
        };
        self.ask(None, call).await
    }

    /// Whether executions go on when this engine is closed: another process holds the store, or is connected and takes
    /// over.
    pub async fn has_successor(&self) -> bool {
        self.link.has_successor()
    }

    /// The executions that stand still when this engine is closed: something of them goes on in this process, and no
    /// other process is connected that takes over. Children are not counted. Empty when another process holds the
    /// store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn leaves(&self) -> Result<Vec<ExecutionRow>, Error> {
        self.link.leaves().await
    }

    /// Stops what is running (it goes on with the next engine), makes everything durable, and gives the store free. A
    /// process that is connected takes over.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn close(self) -> Result<(), Error> {
        self.link.close().await
    }
}
