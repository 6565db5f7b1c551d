//! What answers in a scenario instead of plugins, machines and services.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runwright_executor::ports::{Clock as _, Prepared, Runbooks};
use runwright_host::Host;
use runwright_local::Local;
use runwright_model::{
    capability::{Answer, Backend, CallContext, Error as CallError, Outcome, Request, aws, commands, http, waits},
    event::{Phase, Started},
    failure::{Failure, FailureKind},
    id::ExecutionId,
    invocation::{Calls, Invocation, Invoked, Invoker},
    time::Timestamp,
};
use runwright_store::Store;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::{
    call,
    clock::{LullCalls, VirtualClock},
    disk::Disk,
    file::{Mock, ms},
};
use crate::adapter::LibraryRunbooks;

/// The header by which the Python component knows a response that nobody has to parse.
const PARSED: &str = "x-runwright-parsed";

/// Everything outside.
pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) host: Arc<Host>,
    pub(crate) local: Local,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runbooks: LibraryRunbooks,
    /// The name of the runbook under test.
    pub(crate) runbook: String,
    /// In the order in which they are asked, each with how often it has answered.
    pub(crate) mocks: Vec<(Mock, Mutex<u32>)>,
    pub(crate) disk: Mutex<Disk>,
    pub(crate) seen: Mutex<Seen>,
}

/// What came up.
#[derive(Default)]
pub(crate) struct Seen {
    /// Calls that no mock answers: the step's name, and the call.
    pub(crate) unanswered: Vec<(String, String)>,
    /// Steps that a mock ran, with what undoing them fails with.
    mocked: BTreeMap<(ExecutionId, String), Option<String>>,
    /// Calls and steps that began: when, and the mock that answers. One that is made again, because the engine stopped, is
    /// still the same.
    begun: BTreeMap<(Of, String), (Timestamp, Mock)>,
    /// Calls that are to stop.
    stopped: BTreeSet<String>,
    /// When a probe was made first.
    probed: BTreeMap<String, Timestamp>,
    /// Wakes the calls under way.
    stops: Arc<Notify>,
}

/// What a mock answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Step,
    Call,
}

/// A poisoned lock means a panic while one of these small lists was changed; they are still lists.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// The next mock that fits; it has answered once more then.
    fn take(&self, fits: impl Fn(&Mock) -> bool) -> Option<Mock> {
        self.mocks.iter().find_map(|(mock, used)| {
            let mut used = lock(used);
            let fresh = mock.times.is_none_or(|times| *used < times);
            (fresh && fits(mock)).then(|| {
                *used += 1;
                mock.clone()
            })
        })
    }

    /// Which mocks were asked, in their order.
    pub(crate) fn asked(&self) -> Vec<bool> {
        self.mocks.iter().map(|(_, used)| *lock(used) > 0).collect()
    }

    async fn runbook_of(&self, execution: &ExecutionId) -> String {
        let head = self.store.head(execution).await.ok().flatten();
        head.map(|head| head.summary.runbook).unwrap_or_default()
    }

    /// Whether a mock is for this step, or for all.
    fn is_for(&self, mock: &Mock, runbook: &str, step: &str) -> bool {
        let of = mock.runbook.as_deref();
        // A step without a runbook is one of the runbook under test.
        let place = match (of, &mock.step) {
            (Some(of), _) => of == runbook,
            (None, Some(_)) => runbook == self.runbook,
            (None, None) => true,
        };
        place && mock.step.as_deref().is_none_or(|name| name == step)
    }

    fn unanswered(&self, step: &str, what: String) {
        lock(&self.seen).unanswered.push((step.to_owned(), what));
    }

    async fn pass(&self, began: Timestamp, takes: Option<&str>) {
        if let Some(takes) = takes {
            let until = began.after(Duration::from_millis(ms(takes)));
            self.clock.sleep_until(until).await;
        }
    }

    /// When this began and what answers it: as it was found the first time, or as it is found now. A step and its first call
    /// have the same key, so what it is for counts too.
    fn begun(&self, of: Of, key: &str, find: impl FnOnce() -> Option<Mock>) -> Option<(Timestamp, Mock)> {
        let key = (of, key.to_owned());
        if let Some(begun) = lock(&self.seen).begun.get(&key) {
            return Some(begun.clone());
        }
        let begun = (self.clock.now(), find()?);
        lock(&self.seen).begun.insert(key, begun.clone());
        Some(begun)
    }

    async fn instead_of_plugin(&self, invocation: &Invocation) -> Option<Invoked> {
        let key = (invocation.execution.clone(), invocation.step.clone());
        if invocation.phase() == Phase::Rollback {
            let mocked = lock(&self.seen).mocked.get(&key).cloned()?;
            return Some(match mocked {
                None => Invoked::Returned(Value::Null),
                Some(message) => Invoked::Failed(Failure::new(FailureKind::Failed, message)),
            });
        }
        let runbook = self.runbook_of(&invocation.execution).await;
        let (began, mock) = self.begun(Of::Step, &invocation.idempotency_key, || {
            self.take(|mock| is_step(mock) && mock.step.is_some() && self.is_for(mock, &runbook, &invocation.step))
        })?;
        lock(&self.seen).mocked.insert(key, mock.undo_fails.clone());
        self.pass(began, mock.takes.as_deref()).await;
        Some(match (mock.fails, mock.outputs) {
            (Some(message), _) => {
                let kind = mock.kind.unwrap_or(FailureKind::Failed);
                Invoked::Failed(Failure::new(kind, message))
            }
            (None, outputs) => Invoked::Returned(Value::Object(outputs.unwrap_or_default())),
        })
    }

    fn probe(&self, mock: &Mock, key: String) -> Outcome {
        let now = self.clock.now();
        let first = *lock(&self.seen).probed.entry(key).or_insert(now);
        let comes = match mock.comes.as_deref() {
            Some("never") => false,
            Some(text) => now.since(first) >= Duration::from_millis(ms(text)),
            None => true,
        };
        if comes {
            Ok(Answer::Done)
        } else {
            Err(CallError::Unavailable("the scenario says: not yet".to_owned()))
        }
    }
}

/// Whether a mock answers instead of a plugin.
pub(crate) fn is_step(mock: &Mock) -> bool {
    mock.command.is_none() && mock.script.is_none() && mock.aws.is_none() && mock.http.is_none() && mock.probe.is_none()
}

#[async_trait::async_trait]
impl Invoker for World {
    async fn invoke(&self, invocation: Invocation, calls: Arc<dyn Calls>) -> Invoked {
        if let Some(invoked) = self.instead_of_plugin(&invocation).await {
            return invoked;
        }
        if let Some(error) = crate::outside::lacking(&invocation.action, &invocation.component) {
            let what = format!("its plugin, or to the step: {error}");
            self.unanswered(&invocation.step, what.clone());
            return Invoked::Failed(Failure::new(FailureKind::Internal, what));
        }
        let busy = self.clock.busy();
        let calls = LullCalls {
            clock: self.clock.clone(),
            calls,
        };
        let invoked = self.host.invoke(invocation, Arc::new(calls)).await;
        drop(busy);
        invoked
    }
}

#[async_trait::async_trait]
impl Backend for World {
    async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        match request {
            Request::Files(request) => return lock(&self.disk).perform(request, self.clock.now()),
            Request::Parameters(_) | Request::Blobs(_) => return self.local.perform(request, context).await,
            Request::Commands(_)
            | Request::Http(_)
            | Request::Approvals(_)
            | Request::Waits(_)
            | Request::Executions(_)
            | Request::Aws(_) => {}
        }
        let runbook = self.runbook_of(&context.execution).await;
        let find = || self.take(|mock| call::answers(mock, &request) && self.is_for(mock, &runbook, &context.step));
        // Each try of a probe is one of its own.
        let mock = match &request {
            Request::Waits(_) => find().map(|mock| (self.clock.now(), mock)),
            Request::Commands(_)
            | Request::Http(_)
            | Request::Approvals(_)
            | Request::Executions(_)
            | Request::Aws(_)
            | Request::Files(_)
            | Request::Parameters(_)
            | Request::Blobs(_) => self.begun(Of::Call, &context.idempotency_key, find),
        };
        let Some((began, mock)) = mock else {
            let line = call::line(&request);
            self.unanswered(&context.step, format!("the call {line}"));
            return Err(CallError::Unavailable(format!("no mock answers {line}")));
        };
        if let Request::Waits(_) = request {
            return self.probe(&mock, context.idempotency_key);
        }
        self.take_time(began, &mock, &context).await?;
        if let Some(message) = mock.fails.clone() {
            return Err(failing(mock.kind, message));
        }
        Ok(answer(&request, &mock))
    }

    async fn stop(&self, _: &Request, context: &CallContext) {
        let mut seen = lock(&self.seen);
        seen.stopped.insert(context.idempotency_key.clone());
        seen.stops.notify_waiters();
    }
}

impl World {
    /// The time an answer takes, unless the call is over before: its deadline came, or it was stopped.
    async fn take_time(&self, began: Timestamp, mock: &Mock, context: &CallContext) -> Result<(), CallError> {
        let Some(takes) = mock.takes.as_deref() else {
            return Ok(());
        };
        let end = began.after(Duration::from_millis(ms(takes)));
        let over = context.deadline.filter(|deadline| *deadline < end);
        let stops = lock(&self.seen).stops.clone();
        let stopped = async {
            loop {
                let notified = stops.notified();
                if lock(&self.seen).stopped.contains(&context.idempotency_key) {
                    return;
                }
                notified.await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => Err(CallError::Uncertain("it was stopped before it ended".to_owned())),
            () = self.clock.sleep_until(over.unwrap_or(end)) => match over {
                Some(_) => Err(CallError::TimedOut("it was ended at its deadline".to_owned())),
                None => Ok(()),
            },
        }
    }
}

fn failing(kind: Option<FailureKind>, message: String) -> CallError {
    match kind.unwrap_or(FailureKind::Failed) {
        FailureKind::InvalidInput => CallError::Invalid(message),
        FailureKind::Throttled => CallError::Throttled(message),
        FailureKind::TimedOut => CallError::TimedOut(message),
        FailureKind::Uncertain => CallError::Uncertain(message),
        FailureKind::Failed
        | FailureKind::Verification
        | FailureKind::Denied
        | FailureKind::LimitExceeded
        | FailureKind::Rejected
        | FailureKind::Cancelled
        | FailureKind::Plugin
        | FailureKind::NonDeterminism
        | FailureKind::Internal => CallError::Unavailable(message),
    }
}

/// What a mock answers.
fn answer(request: &Request, mock: &Mock) -> Answer {
    match request {
        Request::Commands(commands::Request::Run { .. }) => {
            Answer::Commands(commands::Answer::Completed(commands::Completed {
                exit_code: Some(mock.exit.unwrap_or(0)),
                stdout: mock.stdout.clone().unwrap_or_default(),
                stderr: mock.stderr.clone().unwrap_or_default(),
                duration_ms: mock.takes.as_deref().map_or(0, ms),
                ..commands::Completed::default()
            }))
        }
        Request::Commands(commands::Request::RunDocument { request }) => {
            Answer::Commands(commands::Answer::Document(on_nodes(request, mock)))
        }
        Request::Http(_) => Answer::Http(http::Response {
            status: mock.status.unwrap_or(200),
            headers: headers(mock),
            body: body(mock.body.as_ref()).into(),
        }),
        Request::Aws(_) => Answer::Aws(of_aws(mock)),
        Request::Waits(
            waits::Request::Sleep { .. }
            | waits::Request::SleepUntil { .. }
            | waits::Request::Signal { .. }
            | waits::Request::Probe { .. },
        )
        | Request::Files(_)
        | Request::Parameters(_)
        | Request::Approvals(_)
        | Request::Blobs(_)
        | Request::Executions(_) => Answer::Done,
    }
}

/// A Command document that ended alike on all nodes that are named, or on one.
fn on_nodes(request: &Map<String, Value>, mock: &Mock) -> commands::DocumentEnd {
    let exit = mock.exit.unwrap_or(0);
    let status = if exit == 0 { "Success" } else { "Failed" };
    let named = request.get("InstanceIds").and_then(Value::as_array);
    let named: Vec<&str> = named.into_iter().flatten().filter_map(Value::as_str).collect();
    let names = if named.is_empty() { vec!["i-test"] } else { named };
    let node = |name: &&str| commands::NodeEnd {
        node: (*name).to_owned(),
        status: status.to_owned(),
        response_code: exit,
        stdout: mock.stdout.clone().unwrap_or_default(),
        stderr: mock.stderr.clone().unwrap_or_default(),
    };
    let targets = u32::try_from(names.len()).unwrap_or(u32::MAX);
    commands::DocumentEnd {
        command_id: "test".to_owned(),
        status: status.to_owned(),
        details: status.to_owned(),
        targets,
        errors: if exit == 0 { 0 } else { targets },
        nodes: names.iter().map(node).collect(),
    }
}

fn headers(mock: &Mock) -> Vec<(String, String)> {
    let lower = |(name, value): (&String, &String)| (name.to_ascii_lowercase(), value.clone());
    mock.headers.iter().map(lower).collect()
}

fn body(body: Option<&Value>) -> Vec<u8> {
    match body {
        None => Vec::new(),
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(other) => other.to_string().into_bytes(),
    }
}

/// A response as it is sent, or one that the component takes as parsed.
fn of_aws(mock: &Mock) -> aws::Response {
    let mut headers = headers(mock);
    let (status, parsed) = match (&mock.error, &mock.answer) {
        (Some(refusal), _) => {
            let error = json!({"Error": {"Code": refusal.code, "Message": refusal.message}});
            (refusal.status.unwrap_or(400), Some(error))
        }
        (None, answer) if mock.body.is_none() => (
            mock.status.unwrap_or(200),
            Some(answer.clone().unwrap_or_else(|| json!({}))),
        ),
        (None, _) => (mock.status.unwrap_or(200), None),
    };
    if parsed.is_some() {
        headers.push((PARSED.to_owned(), "1".to_owned()));
    }
    aws::Response {
        status,
        headers,
        body: body(parsed.as_ref().or(mock.body.as_ref())).into(),
    }
}

#[async_trait::async_trait]
impl Runbooks for World {
    async fn prepare(&self, name: &str, parameters: Map<String, Value>, parent: &Started) -> Result<Prepared, Failure> {
        let busy = self.clock.busy();
        let prepared = self.runbooks.prepare(name, parameters, parent).await;
        drop(busy);
        prepared
    }
}
