//! The answers to a running plugin's calls: from the journal first, then from the world.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU32, Ordering},
};

use runwright_model::{
    capability::{Answer, CallContext, Error as CallError, Outcome, Request, executions, parameters},
    digest::Digest,
    event::Try,
    failure::{Failure, FailureKind},
    grant::Grants,
    id::ExecutionId,
    invocation::{Called, Calls, Invoked},
    log::{Level, LogLine, LogSink, Stream},
    time::Timestamp,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    input::{Input, Ticket},
    react,
    shared::Shared,
    state::Call,
};

/// One running try's line to the engine.
pub(crate) struct Live {
    pub(crate) shared: Arc<Shared>,
    pub(crate) actor: mpsc::UnboundedSender<Input>,
    pub(crate) execution: ExecutionId,
    pub(crate) step: String,
    pub(crate) of: Try,
    /// Its plugin.
    pub(crate) component: Digest,
    /// Tells this run of the try from an earlier one that was stopped.
    pub(crate) generation: u64,
    /// The calls in the journal when the run began.
    pub(crate) recorded: Vec<Call>,
    pub(crate) grants: Arc<Grants>,
    /// The role that the runbook assumes.
    pub(crate) role: Option<Arc<str>>,
    pub(crate) deadline: Option<Timestamp>,
    /// The number of the next call.
    pub(crate) next: AtomicU32,
    /// What the guest's clock shows.
    pub(crate) clock: AtomicI64,
}

#[async_trait::async_trait]
impl Calls for Live {
    async fn call(&self, request: Request) -> Called {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        match self.recorded.get(number as usize) {
            Some(recorded) => self.replay(number, recorded, request).await,
            None => self.ask(number, request).await,
        }
    }

    fn log(&self, level: Level, stream: Stream, text: &str) {
        // What was written before a recorded call was written when that call was made.
        if self.next.load(Ordering::Relaxed) as usize >= self.recorded.len() {
            self.line(level, stream, text);
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::Relaxed))
    }
}

impl Live {
    /// How the try ended. One that returned, and has not made the calls that it made before, has not ended well.
    pub(crate) fn ended(&self, invoked: Invoked) -> Invoked {
        let made = self.next.load(Ordering::Relaxed);
        match invoked {
            Invoked::Returned(_) if (made as usize) < self.recorded.len() => {
                Invoked::Failed(react::fewer_calls(&self.replayed(), made, &self.recorded))
            }
            Invoked::Returned(_) | Invoked::Failed(_) | Invoked::Suspended => invoked,
        }
    }

    fn replayed(&self) -> react::Replayed<'_> {
        react::Replayed {
            execution: &self.execution,
            step: &self.step,
            component: &self.component,
        }
    }

    async fn replay(&self, number: u32, recorded: &Call, request: Request) -> Called {
        if recorded.digest != request.digest() {
            return Called::Stopped(react::non_determinism(
                &self.replayed(),
                number,
                &recorded.request,
                &request,
            ));
        }
        let Some((outcome, at)) = &recorded.outcome else {
            // Requested before a stop, and not answered.
            if request.is_wait() {
                return Called::Suspended;
            }
            return self.perform(number, request, true).await;
        };
        self.clock.store(at.as_millis(), Ordering::Relaxed);
        match (&request, outcome) {
            // The journal holds no secret: the same version is read again.
            (Request::Parameters(parameters::Request::Reveal { .. }), Ok(_)) => {
                Called::Answered(self.make(number, request.clone(), true).await)
            }
            _ => Called::Answered(outcome.clone()),
        }
    }

    /// A call that is not in the journal: the actor checks and journals it.
    async fn ask(&self, number: u32, request: Request) -> Called {
        let (reply, ticket) = oneshot::channel();
        let input = Input::Call {
            of: self.of,
            generation: self.generation,
            call: number,
            request: request.clone(),
            reply,
        };
        if self.actor.send(input).is_err() {
            return stopped();
        }
        match ticket.await {
            Ok(Ticket::Perform) => self.perform(number, request, false).await,
            Ok(Ticket::Answered(outcome, at)) => {
                self.clock.store(at.as_millis(), Ordering::Relaxed);
                Called::Answered(outcome)
            }
            Ok(Ticket::Suspended) => Called::Suspended,
            Ok(Ticket::Stopped(failure)) => Called::Stopped(failure),
            Err(_) => stopped(),
        }
    }

    async fn perform(&self, number: u32, request: Request, again: bool) -> Called {
        let reveals = matches!(request, Request::Parameters(parameters::Request::Reveal { .. }));
        let outcome = self.make(number, request, again).await;
        let kept = match (&outcome, reveals) {
            (Ok(_), true) => Ok(Answer::Done),
            _ => outcome.clone(),
        };
        let (reply, appended) = oneshot::channel();
        let input = Input::Performed {
            of: self.of,
            generation: self.generation,
            call: number,
            outcome: kept,
            reply,
        };
        if self.actor.send(input).is_err() {
            return stopped();
        }
        match appended.await {
            Ok(at) => {
                self.clock.store(at.as_millis(), Ordering::Relaxed);
                Called::Answered(outcome)
            }
            Err(_) => stopped(),
        }
    }

    /// Makes the effect happen.
    async fn make(&self, number: u32, request: Request, again: bool) -> Outcome {
        let key = self.of.idempotency_key(&self.execution, number);
        if let Request::Executions(executions::Request::Start { runbook, parameters }) = request {
            let child = self.execution.child(&key);
            let started = self
                .shared
                .start_child(child.clone(), &self.execution, self.of, &runbook, parameters)
                .await;
            return started
                .map(|()| Answer::Executions(executions::Answer::Started(child)))
                .map_err(|failure| CallError::Invalid(failure.message));
        }
        let placeholders = self.shared.secrets_of(&self.execution);
        let secrets = self.shared.ports.secrets.secrets(placeholders).await?;
        let context = CallContext {
            execution: self.execution.clone(),
            step: self.step.clone(),
            idempotency_key: key,
            deadline: self.deadline,
            again,
            log: Arc::new(Lines {
                shared: self.shared.clone(),
                execution: self.execution.clone(),
                step: self.step.clone(),
                attempt: self.of.attempt,
            }),
            secrets,
            grants: self.grants.clone(),
            role: self.role.clone(),
        };
        react::checked_answer(self.shared.ports.backend.perform(request, context).await)
    }

    fn line(&self, level: Level, stream: Stream, text: &str) {
        self.shared
            .log(&self.execution, &self.step, self.of.attempt, level, stream, text);
    }
}

fn stopped() -> Called {
    Called::Stopped(Failure::new(
        FailureKind::Internal,
        "the engine stopped; the step goes on when it is resumed.",
    ))
}

/// A step's log, for backends.
pub(crate) struct Lines {
    pub(crate) shared: Arc<Shared>,
    pub(crate) execution: ExecutionId,
    pub(crate) step: String,
    pub(crate) attempt: u32,
}

impl LogSink for Lines {
    fn line(&self, level: Level, stream: Stream, text: &str) {
        self.shared
            .log(&self.execution, &self.step, self.attempt, level, stream, text);
    }
}

impl Shared {
    /// Queues one line for the log.
    pub(crate) fn log(&self, id: &ExecutionId, step: &str, attempt: u32, level: Level, stream: Stream, text: &str) {
        let line = LogLine {
            at: self.ports.clock.now(),
            step: step.to_owned(),
            attempt,
            level,
            stream,
            text: text.to_owned(),
        };
        self.logs.write(id.clone(), line);
    }
}
