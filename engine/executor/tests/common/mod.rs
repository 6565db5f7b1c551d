//! What the scenario tests share: plugins, a plan from text, an executor over a tape.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

pub(crate) mod machine;

use std::{collections::BTreeMap, sync::Arc};

use runwright_compiler::{Catalog, Compiled, Severity, Source};
use runwright_executor::{Error, Executor, Ports, state::State};
use runwright_model::{
    capability::{Answer, Request, approvals, commands, files, waits},
    digest::Digest,
    event::{Mode, Phase, Signal, Started},
    failure::{Failure, FailureKind},
    grant::Policy,
    id::ExecutionId,
    invocation::{Calls, Invocation, Invoked},
    plan::Plan,
    status::Status,
    time::Timestamp,
};
use runwright_store::Store;
use runwright_testkit::{NoRunbooks, Plugins, Tape, TestClock, World, object, returned};
use serde_json::{Map, Value, json};

/// When the tests' clock begins.
pub(crate) const BEGIN: Timestamp = Timestamp::from_millis(1_000_000);

async fn pure(invocation: Invocation, _: Arc<dyn Calls>) -> Invoked {
    Invoked::Returned(if invocation.phase() == Phase::Run {
        invocation.inputs
    } else {
        Value::Null
    })
}

/// The plugins of the scenarios.
///
/// - `test:do`: one command per entry of `Commands`; a command that exits with 1 fails the step. Undone with
///   `undo COMMAND`, backwards.
/// - `test:ask`, `test:pause`, `test:sleep`: waits.
/// - `test:pure`: no call; returns its inputs. `aws:executeScript`: the same.
/// - `test:told`: fails, and tells its inputs with the failure. `Status` and `Id` are its outputs.
/// - `test:list`: no call; returns its input `Items`, which is a list of texts.
/// - `test:flaky`: a command, then fails until attempt `Until`.
/// - `test:stubborn`: cannot be undone; `test:slow-undo`: sleeps five seconds to be undone.
/// - `test:unstable`: makes another call each time it is run; `test:forgetful`: makes none the second time.
/// - `test:vast`: one call with `Bytes` of arguments, of the kind `Call`: `blob`, `file` or `command`.
pub(crate) fn plugins() -> Plugins {
    Plugins::default()
        .with("test:do", |invocation, calls| async move {
            unwrap(run_do(invocation, &*calls).await)
        })
        .with("test:ask", |_, calls| async move { unwrap(ask(&*calls).await) })
        .with("test:pause", |_, calls| async move {
            let wait = waits::Request::Signal {
                name: "Resume".into(),
                deadline: None,
            };
            unwrap(wait_for(&*calls, wait).await)
        })
        .with("test:sleep", |invocation, calls| async move {
            if invocation.phase() == Phase::Rollback {
                return Invoked::Returned(Value::Null);
            }
            let duration_ms = invocation.inputs["Ms"].as_u64().unwrap();
            unwrap(wait_for(&*calls, waits::Request::Sleep { duration_ms }).await)
        })
        .with("test:pure", pure)
        .with("aws:executeScript", pure)
        .with("test:told", |invocation, _| async move {
            let failure = Failure::new(FailureKind::Failed, "it failed");
            Invoked::Failed(failure.with_details(invocation.inputs))
        })
        .gives(
            "test:told",
            serde_json::from_value(json!({
                "type": "object",
                "properties": {"Status": {"type": "string"}, "Id": {"type": "string"}},
            }))
            .unwrap(),
        )
        .with("test:list", |invocation, _| async move {
            Invoked::Returned(invocation.inputs)
        })
        .takes(
            "test:list",
            serde_json::from_value(json!({
                "type": "object",
                "properties": {"Items": {"type": "array", "items": {"type": "string"}}},
            }))
            .unwrap(),
        )
        .with("test:stubborn", |invocation, _| async move {
            if invocation.phase() == Phase::Rollback {
                return Invoked::Failed(Failure::new(FailureKind::Rejected, "it does not want to"));
            }
            Invoked::Returned(json!({}))
        })
        .with("test:slow-undo", |invocation, calls| async move {
            if invocation.phase() == Phase::Run {
                return Invoked::Returned(json!({}));
            }
            unwrap(wait_for(&*calls, waits::Request::Sleep { duration_ms: 5_000 }).await)
        })
        .with("test:flaky", |invocation, calls| async move {
            unwrap(flaky(invocation, &*calls).await)
        })
        .with(
            "test:unstable",
            |_, calls| async move { unwrap(unstable(&*calls).await) },
        )
        .with(
            "test:forgetful",
            |_, calls| async move { unwrap(forgetful(&*calls).await) },
        )
        .with("test:vast", |invocation, calls| async move {
            unwrap(vast(&invocation.inputs, &*calls).await)
        })
}

fn unwrap(result: Result<Invoked, Invoked>) -> Invoked {
    result.unwrap_or_else(|invoked| invoked)
}

async fn command(calls: &dyn Calls, line: &str) -> Result<i32, Invoked> {
    let command = commands::Command {
        arguments: vec![line.to_owned()],
        ..Default::default()
    };
    let request = Request::Commands(commands::Request::Run { on: None, command });
    match returned(calls, request).await? {
        Ok(Answer::Commands(commands::Answer::Completed(completed))) => Ok(completed.exit_code.unwrap_or(-1)),
        other => Err(Invoked::Failed(Failure::new(FailureKind::Failed, format!("{other:?}")))),
    }
}

async fn run_do(invocation: Invocation, calls: &dyn Calls) -> Result<Invoked, Invoked> {
    if let Some(done) = &invocation.done {
        for (request, _) in done.calls.iter().rev() {
            if let Request::Commands(commands::Request::Run { command: made, .. }) = request {
                command(calls, &format!("undo {}", made.arguments[0])).await?;
            }
        }
        return Ok(Invoked::Returned(Value::Null));
    }
    let lines = invocation.inputs["Commands"].as_array().unwrap().clone();
    for line in lines {
        let line = line.as_str().unwrap();
        if command(calls, line).await? != 0 {
            return Ok(Invoked::Failed(Failure::new(
                FailureKind::Failed,
                format!("{line} failed"),
            )));
        }
    }
    Ok(Invoked::Returned(object("Done", "yes")))
}

async fn ask(calls: &dyn Calls) -> Result<Invoked, Invoked> {
    let question = approvals::Request {
        message: "go on?".into(),
        approvers: vec!["*".into()],
        quorum: 1,
        deadline: None,
    };
    match returned(calls, Request::Approvals(question)).await? {
        Ok(Answer::Approvals(decision)) if decision.approved => Ok(Invoked::Returned(object("Approved", true))),
        _ => Ok(Invoked::Failed(Failure::new(FailureKind::Rejected, "rejected"))),
    }
}

async fn wait_for(calls: &dyn Calls, wait: waits::Request) -> Result<Invoked, Invoked> {
    match returned(calls, Request::Waits(wait)).await? {
        Ok(_) => Ok(Invoked::Returned(json!({}))),
        Err(error) => Ok(Invoked::Failed(Failure::new(FailureKind::TimedOut, error.to_string()))),
    }
}

async fn flaky(invocation: Invocation, calls: &dyn Calls) -> Result<Invoked, Invoked> {
    if invocation.phase() == Phase::Rollback {
        return Ok(Invoked::Returned(Value::Null));
    }
    command(calls, &format!("flaky {}", invocation.of.attempt)).await?;
    if u64::from(invocation.of.attempt) < invocation.inputs["Until"].as_u64().unwrap() {
        return Ok(Invoked::Failed(Failure::new(FailureKind::Failed, "not yet")));
    }
    Ok(Invoked::Returned(json!({})))
}

async fn unstable(calls: &dyn Calls) -> Result<Invoked, Invoked> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let path = format!("/{}", RUNS.fetch_add(1, Ordering::Relaxed));
    let _ = returned(calls, Request::Files(files::Request::Stat { on: None, path })).await?;
    wait_for(calls, waits::Request::Sleep { duration_ms: 5_000 }).await
}

async fn forgetful(calls: &dyn Calls) -> Result<Invoked, Invoked> {
    use std::sync::atomic::{AtomicBool, Ordering};
    static RAN: AtomicBool = AtomicBool::new(false);
    if RAN.swap(true, Ordering::Relaxed) {
        return Ok(Invoked::Returned(object("Done", "all of it")));
    }
    command(calls, "a").await?;
    wait_for(calls, waits::Request::Sleep { duration_ms: 5_000 }).await
}

async fn vast(inputs: &Value, calls: &dyn Calls) -> Result<Invoked, Invoked> {
    let bytes = vec![b'x'; usize::try_from(inputs["Bytes"].as_u64().unwrap()).unwrap()];
    let request = match inputs["Call"].as_str().unwrap() {
        "blob" => Request::Blobs(runwright_model::capability::blobs::Request::Put { contents: bytes.into() }),
        "file" => Request::Files(files::Request::Stat {
            on: None,
            path: format!("/{}", String::from_utf8(bytes).unwrap()),
        }),
        _ => {
            return command(calls, std::str::from_utf8(&bytes).unwrap())
                .await
                .map(|_| Invoked::Returned(json!({})));
        }
    };
    match returned(calls, request).await? {
        Ok(_) => Ok(Invoked::Returned(json!({}))),
        Err(error) => Ok(Invoked::Failed(Failure::new(FailureKind::Failed, error.to_string()))),
    }
}

/// The plan of a document.
pub(crate) fn plan(text: &str) -> Arc<Plan> {
    let compiled = compiled(text);
    Arc::new(compiled.plan.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics)))
}

/// The codes of the errors that keep a document from being a plan.
pub(crate) fn refused(text: &str) -> Vec<&'static str> {
    let errors = compiled(text).diagnostics.into_iter();
    errors
        .filter(|found| found.severity == Severity::Error)
        .map(|found| found.code)
        .collect()
}

fn compiled(text: &str) -> Compiled {
    let source = Source {
        name: "test".into(),
        origin: "test.yaml".into(),
        text: text.to_owned(),
    };
    let catalog = Catalog {
        actions: plugins().specs(),
        ..Catalog::default()
    };
    runwright_compiler::parse(&source).compile(&catalog)
}

/// A document with these steps.
pub(crate) fn document(steps: &str) -> String {
    format!("schemaVersion: '0.3'\nmainSteps:\n{steps}")
}

/// A step that fails.
pub(crate) const FAILS: &str = "action: test:do\n  inputs: {Commands: ['false']}";
/// A step that works.
pub(crate) const WORKS: &str = "action: test:do\n  inputs: {Commands: [ok]}";

/// A step: its name, what it does, and its other keys, with a semicolon between two.
pub(crate) fn step(name: &str, body: &str, more: &str) -> String {
    let more: String = more
        .split(';')
        .filter(|m| !m.trim().is_empty())
        .map(|m| format!("  {}\n", m.trim()))
        .collect();
    format!("- name: {name}\n  {body}\n{more}")
}

/// A list of such steps.
pub(crate) fn steps(list: &[(&str, &str, &str)]) -> String {
    list.iter().map(|(name, body, more)| step(name, body, more)).collect()
}

/// What an execution needs to begin.
pub(crate) fn started(plan: &Plan) -> Started {
    Started {
        plan: plan.digest(),
        runbook: plan.name.clone(),
        parameters: Map::new(),
        request: Digest::of(b"test"),
        by: "kim".into(),
        globals: BTreeMap::new(),
        parent: None,
        secrets: Vec::new(),
        rerun_of: None,
        mode: Mode::Auto,
    }
}

/// The execution of the tests.
pub(crate) fn id() -> ExecutionId {
    "test".parse().unwrap()
}

/// An executor over a tape that stops after so many appends.
pub(crate) async fn executor(tape: &Tape, world: &World, appends: usize) -> (Executor, Arc<dyn Store>) {
    executor_over(Arc::new(tape.open(appends).await.unwrap()), world).await
}

/// An executor over this store.
pub(crate) async fn executor_over(store: Arc<dyn Store>, world: &World) -> (Executor, Arc<dyn Store>) {
    (Executor::open(ports(store.clone(), world)).await.unwrap(), store)
}

/// An executor over this store that makes nothing go on by itself.
pub(crate) async fn executor_at_rest(store: Arc<dyn Store>, world: &World) -> Executor {
    Executor::at_rest(ports(store, world)).await.unwrap()
}

fn ports(store: Arc<dyn Store>, world: &World) -> Ports {
    Ports {
        store,
        invoker: Arc::new(plugins()),
        backend: Arc::new(world.clone()),
        secrets: Arc::new(world.clone()),
        clock: Arc::new(TestClock::starting_at(BEGIN)),
        runbooks: Arc::new(NoRunbooks),
        policy: Policy::default(),
    }
}

/// Lets the execution run to its end or to the end of its store, giving what it waits for.
pub(crate) async fn drive(executor: &Executor) -> Result<(), Error> {
    loop {
        if executor.wait(&id(), true).await?.is_final() {
            return Ok(());
        }
        let state = executor.state(&id()).await?;
        if state.status() == Status::Paused {
            executor.unpause(&id(), "kim".into()).await?;
            continue;
        }
        let waiting = state
            .open_tries()
            .into_iter()
            .find(|of| state.waiting_call(*of).is_some());
        let Some(of) = waiting else { continue };
        let step = state.plan.step(of.step).name.clone();
        let name = if step == "Ask" { Signal::APPROVE } else { Signal::RESUME };
        let signal = Signal {
            name: name.into(),
            step: Some(of.step),
            by: "kim".into(),
            payload: json!({}),
        };
        executor.signal(&id(), signal).await?;
    }
}

/// Runs a document to its end without a crash.
pub(crate) async fn run(text: &str) -> (State, World) {
    run_with(text, json!({})).await
}

/// The same, with these parameters.
pub(crate) async fn run_with(text: &str, given: Value) -> (State, World) {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(text);
    let Value::Object(given) = given else {
        panic!("parameters are an object")
    };
    let started = Started {
        parameters: runwright_compiler::bind(&plan, &given).unwrap(),
        ..started(&plan)
    };
    executor.start(id(), plan.clone(), started).await.unwrap();
    executor.wait(&id(), false).await.unwrap();
    (executor.state(&id()).await.unwrap(), world)
}

/// Name and status of each step.
pub(crate) fn statuses(state: &State) -> Vec<(String, Status)> {
    state
        .plan
        .step_ids()
        .map(|id| (state.plan.step(id).name.clone(), state.step_status(id)))
        .collect()
}

/// The statuses in one line: `A Success, B Pending | Failed`.
pub(crate) fn line(state: &State) -> String {
    let steps: Vec<String> = statuses(state)
        .iter()
        .map(|(name, status)| format!("{name} {status}"))
        .collect();
    format!("{} | {}", steps.join(", "), state.status())
}
