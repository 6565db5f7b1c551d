//! A host for tests: files and parameters in memory, scripted commands and answers, a clock that only
//! waits move.
//!
//! [`FakeHost`] refuses what the real host refuses (a missing folder, a parameter that may not be
//! overwritten), so that a plugin's failures are tested as well as its success. It records every call in the
//! journal's form: [`FakeHost::done`] is what a rollback would be told.

mod crash;
mod fake;
mod files;
mod host;
mod manifest;
mod parameters;
mod record;

use serde_json::Value;

use crate::{Action, Context, Done, Failure, guest};

pub use crash::crashes;
pub use fake::FakeHost;
pub use manifest::check_manifest;

/// A first attempt of a step named `step`, without a deadline.
#[must_use]
pub fn context() -> Context {
    Context {
        execution_id: "execution-1".to_owned(),
        step: "step".to_owned(),
        visit: 1,
        attempt: 1,
        idempotency_key: "00000000-0000-7000-8000-000000000001".to_owned(),
        deadline: None,
        trace_parent: None,
    }
}

/// Runs an action as the engine does: from JSON to JSON.
///
/// # Errors
///
/// The action's failure, or `invalid-input` when the inputs do not fit its type.
///
/// # Panics
///
/// When inputs or outputs have a key that the manifest does not name, or outputs lack a required one.
#[expect(clippy::needless_pass_by_value, reason = "tests write json!(…) in place")]
pub fn run<A: Action>(host: &FakeHost, inputs: Value) -> Result<Value, Failure> {
    run_in::<A>(host, &context(), &inputs)
}

/// The same in a context of one's own.
///
/// # Errors
///
/// As [`run`].
///
/// # Panics
///
/// As [`run`].
pub fn run_in<A: Action>(host: &FakeHost, context: &Context, inputs: &Value) -> Result<Value, Failure> {
    let manifest = A::manifest();
    manifest::check_inputs(&manifest, inputs);
    let outputs = guest::run::<A>(host, context, &inputs.to_string())?;
    let outputs = serde_json::from_str(&outputs).unwrap_or(Value::Null);
    manifest::check_outputs(&manifest, &outputs);
    Ok(outputs)
}

/// Rolls an action back as the engine does, telling it what is in `done`.
///
/// # Errors
///
/// The action's failure.
#[expect(clippy::needless_pass_by_value, reason = "tests write json!(…) in place")]
pub fn rollback<A: Action>(host: &FakeHost, inputs: Value, done: &Done) -> Result<(), Failure> {
    A::rollback(host, &context(), guest::parse::<A>(&inputs.to_string())?, done)
}
