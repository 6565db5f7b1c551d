//! A plugin that does what its input `Do` says, one line a call: the steps of generated runbooks.

use runwright_model::{
    capability::{Answer, Error, Outcome, Request, approvals, commands, executions, files, http, waits},
    event::Phase,
    failure::{Failure, FailureKind},
    invocation::{Calls, Invocation, Invoked},
    status::Status,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use crate::plugin::{Plugins, returned};

/// `sim:do`, which can be undone, and `sim:plain`, which cannot.
///
/// Lines: `run NAME`, `write NAME`, `post NAME`, `stat NAME`, `sleep MS`, `until MS`, `probe NAME`,
/// `ask QUORUM A,B MS|-`, `signal NAME MS|-`, `child RUNBOOK X`, `fail KIND UNTIL` (fails while the attempt is
/// smaller). Outputs: `Done`, `Round` (the visit) and `Value` (what the calls answered). Undoing makes one
/// command `undo NAME` for each `run`, `write` and `post`, backwards.
#[must_use]
pub fn scripted() -> Plugins {
    let body = |invocation: Invocation, calls: std::sync::Arc<dyn Calls>| async move {
        let done = match invocation.phase() {
            Phase::Run => run(&invocation, &*calls).await,
            Phase::Rollback => undo(&invocation, &*calls).await,
        };
        done.unwrap_or_else(|ended| ended)
    };
    Plugins::default().with("sim:do", body).with_plain("sim:plain", body)
}

async fn run(invocation: &Invocation, calls: &dyn Calls) -> Result<Invoked, Invoked> {
    let mut said = String::new();
    let lines = invocation.inputs["Do"].as_array().into_iter().flatten();
    for line in lines.filter_map(Value::as_str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        said.push_str(&perform(&words, invocation, calls).await?);
        said.push(';');
    }
    Ok(Invoked::Returned(json!({
        "Done": "yes",
        "Round": invocation.of.visit,
        "Value": said,
    })))
}

async fn undo(invocation: &Invocation, calls: &dyn Calls) -> Result<Invoked, Invoked> {
    let done = invocation.done.iter().flat_map(|done| done.calls.iter().rev());
    for (request, _) in done {
        if let Some(name) = effect_name(request) {
            let outcome = returned(calls, command(&format!("undo {name}"))).await?;
            text(outcome)?;
        }
    }
    Ok(Invoked::Returned(Value::Null))
}

/// What an effect of a script is called: the name in its line.
#[must_use]
pub fn effect_name(request: &Request) -> Option<String> {
    match request {
        Request::Commands(commands::Request::Run { command, .. }) => Some(command.arguments.join(" ")),
        Request::Files(files::Request::Write { path, .. }) => Some(path.trim_start_matches('/').to_owned()),
        Request::Http(request) => Some(request.url.clone()),
        Request::Commands(commands::Request::RunDocument { .. })
        | Request::Files(_)
        | Request::Aws(_)
        | Request::Parameters(_)
        | Request::Approvals(_)
        | Request::Waits(_)
        | Request::Blobs(_)
        | Request::Executions(_) => None,
    }
}

fn command(line: &str) -> Request {
    let command = commands::Command {
        arguments: vec![line.to_owned()],
        ..Default::default()
    };
    Request::Commands(commands::Request::Run { on: None, command })
}

async fn perform(words: &[&str], invocation: &Invocation, calls: &dyn Calls) -> Result<String, Invoked> {
    let request = match *words {
        ["run", name] => command(name),
        ["write", name] => Request::Files(files::Request::Write {
            on: None,
            path: format!("/{name}"),
            contents: name.as_bytes().to_vec().into(),
            options: files::WriteOptions::default(),
        }),
        ["post", name] => Request::Http(http::Request {
            method: "POST".into(),
            url: name.to_owned(),
            ..Default::default()
        }),
        ["stat", name] => Request::Files(files::Request::Stat {
            on: None,
            path: format!("/{name}"),
        }),
        ["sleep", ms] => Request::Waits(waits::Request::Sleep {
            duration_ms: ms.parse().expect("generated"),
        }),
        ["until", ms] => Request::Waits(waits::Request::SleepUntil {
            moment: later(calls, ms).expect("generated"),
        }),
        ["probe", name] => Request::Waits(probe(name, calls)),
        ["ask", quorum, who, deadline] => Request::Approvals(approvals::Request {
            message: "go on?".into(),
            approvers: who.split(',').map(str::to_owned).collect(),
            quorum: quorum.parse().expect("generated"),
            deadline: later(calls, deadline),
        }),
        ["signal", name, deadline] => Request::Waits(waits::Request::Signal {
            name: name.to_owned(),
            deadline: later(calls, deadline),
        }),
        ["child", runbook, value] => return child(runbook, value, calls).await,
        ["fail", kind, until] => return fail(kind, until.parse().expect("generated"), invocation),
        _ => unreachable!("no such line: {words:?}"),
    };
    text(returned(calls, request).await?)
}

fn later(calls: &dyn Calls, ms: &str) -> Option<Timestamp> {
    let ms: i64 = ms.parse().ok()?;
    Some(Timestamp::from_millis(calls.now().as_millis() + ms))
}

fn probe(name: &str, calls: &dyn Calls) -> waits::Request {
    waits::Request::Probe {
        on: None,
        probe: waits::Probe::Tcp {
            host: name.to_owned(),
            port: 1,
        },
        patience: waits::Patience {
            deadline: calls.now().after(std::time::Duration::from_secs(600)),
            interval_ms: 300,
            backoff_percent: 200,
            max_interval_ms: 3_000,
        },
    }
}

async fn child(runbook: &str, value: &str, calls: &dyn Calls) -> Result<String, Invoked> {
    let parameters: Map<String, Value> = [("X".to_owned(), Value::from(value))].into_iter().collect();
    let start = executions::Request::Start {
        runbook: runbook.to_owned(),
        parameters,
    };
    let id = match returned(calls, Request::Executions(start)).await? {
        Ok(Answer::Executions(executions::Answer::Started(id))) => id,
        other => return text(other),
    };
    match returned(calls, Request::Executions(executions::Request::Wait { id })).await? {
        Ok(Answer::Executions(executions::Answer::Ended(end))) if end.status == Status::Success => {
            Ok(Value::Object(end.outputs).to_string())
        }
        Ok(Answer::Executions(executions::Answer::Ended(end))) => {
            Err(failed(FailureKind::Failed, format!("the child is {}", end.status)))
        }
        other => text(other),
    }
}

fn fail(kind: &str, until: u32, invocation: &Invocation) -> Result<String, Invoked> {
    if invocation.of.attempt >= until {
        return Ok("late".into());
    }
    let kind = serde_json::from_value(Value::from(kind)).expect("generated");
    Err(failed(kind, "the script says so".into()))
}

fn failed(kind: FailureKind, message: String) -> Invoked {
    Invoked::Failed(Failure::new(kind, message))
}

/// The answer in words; what went wrong ends the script.
fn text(outcome: Outcome) -> Result<String, Invoked> {
    match outcome {
        Ok(Answer::Commands(commands::Answer::Completed(completed))) => match completed.exit_code {
            Some(0) => Ok(completed.stdout),
            code => Err(failed(FailureKind::Failed, format!("exit code {code:?}"))),
        },
        Ok(Answer::Approvals(decision)) if !decision.approved => Err(failed(FailureKind::Rejected, "rejected".into())),
        Ok(Answer::Approvals(_)) => Ok("approved".into()),
        Ok(Answer::Waits(waits::Answer::Signal(signal))) => Ok(signal.payload.to_string()),
        Ok(
            Answer::Done
            | Answer::Commands(commands::Answer::Document(_))
            | Answer::Files(_)
            | Answer::Http(_)
            | Answer::Aws(_)
            | Answer::Parameters(_)
            | Answer::Waits(_)
            | Answer::Blobs(_)
            | Answer::Executions(_),
        ) => Ok("ok".into()),
        Err(error) => {
            let kind = match &error {
                Error::Denied { .. } => FailureKind::Denied,
                Error::Invalid(_) => FailureKind::InvalidInput,
                Error::Throttled(_) => FailureKind::Throttled,
                Error::TimedOut(_) => FailureKind::TimedOut,
                Error::LimitExceeded { .. } => FailureKind::LimitExceeded,
                Error::NotFound(_) | Error::Unavailable(_) => FailureKind::Failed,
                Error::Uncertain(_) => FailureKind::Uncertain,
            };
            Err(failed(kind, error.to_string()))
        }
    }
}
