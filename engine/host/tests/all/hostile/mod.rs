//! Components made to do harm. Each is run beside one that behaves: the host stays alive, the neighbour ends well,
//! and the reason can be read and is not long.

mod boundary;
mod computing;
mod floods;
mod manifests;
mod shapes;
mod texts;

use std::sync::Arc;

use runwright_host::{Error, Host, Limits};
use runwright_model::{
    digest::Digest,
    failure::Failure,
    invocation::{Invocation, Invoked, Invoker},
};
use serde_json::json;

use crate::{
    common::{Script, failure, host_with, invocation, outputs, run},
    guest::Guest,
};

/// A reason is no longer than this, whatever a guest puts into it.
const REASON_BYTES_MAX: usize = 20 * 1024;

/// Limits that a test reaches soon, and a neighbour on a busy machine does not.
fn limits() -> Limits {
    Limits {
        call_cpu_ms: 2_000,
        memory_bytes: 16 << 20,
        ..Limits::default()
    }
}

/// Runs a component beside a neighbour, which must end well while it runs and after it.
async fn beside(host: &Host, component: Digest, calls: &Arc<Script>) -> Invoked {
    let (neighbour, done) = (host.clone(), Script::done());
    let neighbour = tokio::spawn(async move { run(&neighbour, &done, json!({"do": "echo"})).await });
    let hostile = Invocation {
        component,
        ..invocation(json!({}))
    };
    let invoked = host.invoke(hostile, calls.clone()).await;
    outputs(neighbour.await.unwrap());
    outputs(run(host, &Script::done(), json!({"do": "echo"})).await);
    invoked
}

/// Runs a guest on a host of its own.
async fn attack(guest: &Guest, limits: Limits, calls: &Arc<Script>) -> Invoked {
    let host = host_with(limits);
    let component = host.load(guest.component()).await.unwrap();
    beside(&host, component, calls).await
}

/// How a guest failed, with limits that it reaches soon.
async fn beaten(guest: &Guest) -> Failure {
    let failure = failure(attack(guest, limits(), &Script::done()).await);
    assert_readable(&failure.message);
    failure
}

/// Whether a guest was stopped by this limit, and the reason says in which function of which plugin.
async fn assert_stopped_by(guest: &Guest, which: &str) -> Failure {
    let failure = beaten(guest).await;
    assert_eq!(failure.code.as_deref(), Some("RW-H013"), "{}", failure.message);
    for part in [
        format!("Limit `{which}` exceeded"),
        format!("raise `{which}` under `[limits]`"),
    ] {
        assert!(failure.message.contains(&part), "{part}: {}", failure.message);
    }
    assert!(
        failure.message.contains("`run` of the plugin of t:act"),
        "{}",
        failure.message
    );
    failure
}

/// Whether a guest was stopped with this code, and the reason says this.
async fn assert_beaten(guest: &Guest, code: &str, part: &str) {
    let failure = beaten(guest).await;
    assert_eq!(failure.code.as_deref(), Some(code), "{}", failure.message);
    assert!(failure.message.contains(part), "{part}: {}", failure.message);
}

/// Whether a host refuses a component, goes on, and says this.
async fn assert_refused(component: Vec<u8>, code: &str, part: &str) -> Error {
    let host = host_with(limits());
    let error = host.load(component).await.unwrap_err();
    outputs(run(&host, &Script::done(), json!({"do": "echo"})).await);
    let said = error.to_string();
    assert_readable(&said);
    assert_eq!(error.code(), code, "{said}");
    assert!(said.contains(part), "{part}: {said}");
    error
}

#[track_caller]
fn assert_readable(reason: &str) {
    assert!(
        reason.len() <= REASON_BYTES_MAX,
        "{} bytes: {reason:.2000}",
        reason.len()
    );
    let obeyed = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!reason.chars().any(obeyed), "a terminal obeys it: {reason:?}");
}
