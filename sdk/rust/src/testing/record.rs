//! Calls in the form the journal keeps them, which is the form a rollback reads.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{AwsRequest, Command, Condition, Denial, Error, Excess, NewValue, NodeEnd, Request, WriteOptions};

pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::from(STANDARD.encode(bytes))
}

pub(super) fn command(command: &Command) -> Value {
    let environment: serde_json::Map<String, Value> = command
        .environment
        .iter()
        .map(|(k, v)| (k.clone(), Value::from(v.as_str())))
        .collect();
    json!({
        "arguments": command.arguments, "script": command.script,
        "stdin": command.stdin.as_deref().map(bytes), "environment": environment,
        "working_directory": command.working_directory, "run_as": command.run_as, "timeout_ms": command.timeout_ms,
    })
}

pub(super) fn node_end(end: &NodeEnd) -> Value {
    json!({
        "node": end.node, "status": end.status, "response_code": end.response_code,
        "stdout": end.stdout, "stderr": end.stderr,
    })
}

pub(super) fn options(options: &WriteOptions) -> Value {
    json!({"mode": options.mode, "owner": options.owner, "group": options.group, "parents": options.parents})
}

pub(super) fn new_value(value: &NewValue) -> Value {
    match value {
        NewValue::Given(text) => json!({"given": text}),
        NewValue::Generated(length) => json!({"generated": length}),
    }
}

pub(super) fn http(request: &Request) -> Value {
    json!({
        "method": request.method, "url": request.url, "headers": request.headers,
        "body": request.body.as_deref().map(bytes), "timeout_ms": request.timeout_ms, "redirects": request.redirects,
    })
}

pub(super) fn aws(request: &AwsRequest) -> Value {
    json!({
        "service": request.service, "region": request.region, "host": request.host, "method": request.method,
        "path": request.path, "headers": request.headers, "body": bytes(&request.body),
        "credentials": request.credentials, "timeout_ms": request.timeout_ms,
    })
}

pub(super) fn condition(condition: &Condition) -> Value {
    match condition {
        Condition::Tcp((host, port)) => json!({"tcp": {"host": host, "port": port}}),
        Condition::Http((url, status)) => json!({"http": {"url": url, "status": status}}),
        Condition::File(path) => json!({"file": {"path": path}}),
        Condition::Command(arguments) => json!({"command": {"arguments": arguments}}),
    }
}

pub(super) fn error(error: &Error) -> Value {
    match error {
        Error::Denied(Denial { capability, missing }) => {
            json!({"denied": {"capability": capability, "missing": missing}})
        }
        Error::NotFound(message) => json!({"not-found": message}),
        Error::Invalid(message) => json!({"invalid": message}),
        Error::Throttled(message) => json!({"throttled": message}),
        Error::TimedOut(message) => json!({"timed-out": message}),
        Error::LimitExceeded(Excess { which, limit, used }) => {
            json!({"limit-exceeded": {"which": which, "limit": limit, "used": used}})
        }
        Error::Unavailable(message) => json!({"unavailable": message}),
        Error::Uncertain(message) => json!({"uncertain": message}),
    }
}
