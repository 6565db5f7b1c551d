//! A capability call as test files name it.

use std::collections::BTreeMap;

use runwright_model::{
    capability::{Request, aws, commands, executions, http, waits},
    grant,
};
use serde_json::{Map, Value, json};

use super::file::{Mock, OfCalls};

/// The call in a line, as a mock or an expectation would name it.
pub(crate) fn line(request: &Request) -> String {
    let (kind, text) = named(request);
    format!("{kind} `{text}`")
}

fn named(request: &Request) -> (&'static str, String) {
    match request {
        Request::Commands(commands::Request::Run { command, .. }) => {
            let arguments = command.arguments.join(" ");
            match &command.script {
                Some(script) if arguments.is_empty() => ("script", script.clone()),
                Some(script) => ("command", format!("{arguments} {script}")),
                None => ("command", arguments),
            }
        }
        Request::Commands(request @ commands::Request::RunDocument { .. }) => {
            ("command", request.command().arguments.join(" "))
        }
        Request::Files(request) => ("file", file(request)),
        Request::Http(request) => ("http", format!("{} {}", request.method, request.url)),
        Request::Parameters(request) => ("parameter", parameter(request)),
        Request::Approvals(request) => ("approval", request.message.clone()),
        Request::Waits(waits::Request::Probe { probe, .. }) => ("probe", probed(probe)),
        Request::Waits(_) => ("wait", request.function().to_owned()),
        Request::Blobs(_) => ("blob", request.function().to_owned()),
        Request::Executions(executions::Request::Start { runbook, .. }) => ("execution", runbook.clone()),
        Request::Executions(executions::Request::Wait { id }) => ("wait", id.to_string()),
        Request::Aws(request) => ("aws", request.operations().join(" ")),
    }
}

/// `write /etc/app.conf`.
fn file(request: &runwright_model::capability::files::Request) -> String {
    let function = Request::Files(request.clone()).function();
    format!("{} {}", after_dot(function), request.path().0)
}

/// `put /app/password`.
fn parameter(request: &runwright_model::capability::parameters::Request) -> String {
    let function = Request::Parameters(request.clone()).function();
    format!("{} {}", after_dot(function), request.name().unwrap_or_default())
}

fn after_dot(function: &str) -> &str {
    function.split_once('.').map_or(function, |(_, name)| name)
}

/// `tcp db:5432`, `http://…`, a path, or a command.
pub(crate) fn probed(probe: &waits::Probe) -> String {
    match probe {
        waits::Probe::Tcp { host, port } => format!("tcp {host}:{port}"),
        waits::Probe::Http { url, .. } => url.clone(),
        waits::Probe::File { path } => path.clone(),
        waits::Probe::Command { arguments } => arguments.join(" "),
    }
}

/// Whether a mock answers this call.
pub(crate) fn answers(mock: &Mock, request: &Request) -> bool {
    match request {
        Request::Commands(commands::Request::Run { command, .. }) => {
            (mock.command.is_some() || mock.script.is_some())
                && mock.command.as_ref().is_none_or(|words| words.fit(&command.arguments))
                && script_fits(mock.script.as_deref(), command)
        }
        Request::Commands(request @ commands::Request::RunDocument { .. }) => {
            mock.script.is_none()
                && mock
                    .command
                    .as_ref()
                    .is_some_and(|words| words.fit(&request.command().arguments))
        }
        Request::Http(request) => fits(mock.http.as_deref(), &address(request)),
        Request::Aws(request) => any_fits(mock.aws.as_deref(), request),
        Request::Waits(waits::Request::Probe { probe, .. }) => fits(mock.probe.as_deref(), &probed(probe)),
        Request::Waits(_)
        | Request::Files(_)
        | Request::Parameters(_)
        | Request::Approvals(_)
        | Request::Blobs(_)
        | Request::Executions(_) => false,
    }
}

/// Whether this is one of the calls that are expected.
pub(crate) fn is_of(expected: &OfCalls, request: &Request) -> bool {
    let named = match request {
        Request::Commands(commands::Request::Run { command, .. }) => {
            (expected.command.is_some() || expected.script.is_some())
                && expected
                    .command
                    .as_ref()
                    .is_none_or(|words| words.fit(&command.arguments))
                && script_fits(expected.script.as_deref(), command)
        }
        Request::Commands(request @ commands::Request::RunDocument { .. }) => {
            expected.script.is_none()
                && expected
                    .command
                    .as_ref()
                    .is_some_and(|words| words.fit(&request.command().arguments))
        }
        Request::Http(request) => fits(expected.http.as_deref(), &address(request)),
        Request::Aws(request) => any_fits(expected.aws.as_deref(), request),
        Request::Waits(waits::Request::Probe { probe, .. }) => fits(expected.probe.as_deref(), &probed(probe)),
        Request::Files(request) => fits(expected.file.as_deref(), &file(request)),
        Request::Parameters(request) => fits(expected.parameter.as_deref(), &parameter(request)),
        Request::Approvals(request) => fits(expected.approval.as_deref(), &request.message),
        Request::Executions(executions::Request::Start { runbook, .. }) => fits(expected.execution.as_deref(), runbook),
        Request::Executions(executions::Request::Wait { .. })
        | Request::Waits(
            waits::Request::Sleep { .. } | waits::Request::SleepUntil { .. } | waits::Request::Signal { .. },
        )
        | Request::Blobs(_) => false,
    };
    named
        && expected
            .with
            .as_ref()
            .is_none_or(|with| is_part(with, &details(request)))
}

fn address(request: &http::Request) -> String {
    format!("{} {}", request.method.to_ascii_uppercase(), request.url)
}

fn fits(pattern: Option<&str>, text: &str) -> bool {
    pattern.is_some_and(|pattern| grant::matches(pattern, text))
}

fn any_fits(pattern: Option<&str>, request: &aws::Request) -> bool {
    request.operations().iter().any(|operation| fits(pattern, operation))
}

fn script_fits(pattern: Option<&str>, command: &commands::Command) -> bool {
    let text = command.script.as_deref().unwrap_or_default();
    pattern.is_none_or(|pattern| grant::matches(pattern, text))
}

/// What `with` is compared with.
pub(crate) fn details(request: &Request) -> Value {
    match request {
        Request::Commands(commands::Request::Run { command, .. }) => json!({
            "arguments": command.arguments,
            "script": command.script,
            "stdin": command.stdin.as_ref().map(|bytes| text(&bytes.0)),
            "environment": command.environment,
            "workingDirectory": command.working_directory,
            "runAs": command.run_as,
        }),
        Request::Commands(commands::Request::RunDocument { request }) => Value::Object(request.clone()),
        Request::Files(runwright_model::capability::files::Request::Write { contents, options, .. }) => {
            json!({"contents": text(&contents.0), "mode": options.mode.map(|mode| format!("{mode:04o}"))})
        }
        Request::Http(request) => {
            let headers: Map<String, Value> = request
                .headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into()))
                .collect();
            let body = request.body.as_ref().map(|bytes| read(&bytes.0));
            json!({"headers": headers, "body": body})
        }
        Request::Aws(request) => arguments(request),
        Request::Executions(executions::Request::Start { parameters, .. }) => Value::Object(parameters.clone()),
        Request::Approvals(request) => json!({"approvers": request.approvers, "quorum": request.quorum}),
        Request::Files(_) | Request::Parameters(_) | Request::Waits(_) | Request::Blobs(_) | Request::Executions(_) => {
            serde_json::to_value(request).unwrap_or_default()
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// JSON when it is some, else text.
fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(text(bytes)))
}

/// The arguments of an operation as they are sent: a JSON body, or the fields of a form (`InstanceId.1`).
fn arguments(request: &aws::Request) -> Value {
    let body = &request.body.0;
    if let Ok(value @ Value::Object(_)) = serde_json::from_slice(body) {
        return value;
    }
    let fields: BTreeMap<String, String> = aws::fields(&text(body)).collect();
    json!(fields)
}

/// Whether the expected value is a part of another: of a map some keys, of everything else the whole. A text may be a
/// pattern.
pub(crate) fn is_part(expected: &Value, of: &Value) -> bool {
    match (expected, of) {
        (Value::Object(expected), Value::Object(of)) => expected
            .iter()
            .all(|(key, value)| of.get(key).is_some_and(|found| is_part(value, found))),
        (Value::Array(expected), Value::Array(of)) => {
            expected.len() == of.len() && expected.iter().zip(of).all(|(value, found)| is_part(value, found))
        }
        (Value::String(pattern), Value::String(text)) => grant::matches(pattern, text),
        (expected, of) => expected == of,
    }
}
