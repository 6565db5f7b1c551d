//! A stop of the engine at every call.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use serde_json::Value;

use super::{FakeHost, fake::Stopped, rollback, run};
use crate::{Action, Call, Failure};

/// Stops the engine at each call of a step and runs the step again from its start, as the engine does: the same calls must
/// follow with the same end. Where the action undoes, it is also rolled back after each stop, and that must succeed.
/// `host` makes the same world each time; answers how many stops there were.
///
/// ```
/// # use runwright_sdk::{Action, Context, Failure, Host, Manifest};
/// # struct Nap;
/// # impl Action for Nap {
/// #     type Inputs = serde_json::Value;
/// #     type Outputs = serde_json::Value;
/// #     fn manifest() -> Manifest { Manifest::new("my:nap", "1.0.0", "Sleeps twice.") }
/// fn run(host: &impl Host, _: &Context, _: serde_json::Value) -> Result<serde_json::Value, Failure> {
///     host.sleep(1_000)?;
///     host.sleep(1_000)?;
///     Ok(serde_json::json!({}))
/// }
/// # }
/// use runwright_sdk::testing::{FakeHost, crashes};
/// assert_eq!(crashes::<Nap>(FakeHost::new, serde_json::json!({})), 2);
/// ```
///
/// # Panics
///
/// With the stop after which something was different.
#[expect(clippy::needless_pass_by_value, reason = "tests write json!(…) in place")]
pub fn crashes<A: Action>(host: impl Fn() -> FakeHost, inputs: Value) -> usize {
    let whole = host();
    let end = run::<A>(&whole, inputs.clone());
    let calls = whole.calls.borrow().clone();
    for stop in 0..calls.len() {
        let stopped = host();
        stopped.stops_at.set(Some(stop));
        assert!(
            until_stopped::<A>(&stopped, &inputs).is_none(),
            "run again, the step made fewer calls than {}",
            stop + 1
        );
        same(&calls[..stop], &stopped.calls.borrow(), stop);
        if A::manifest().rollback {
            stopped.stops_at.set(None);
            let undone = rollback::<A>(&stopped, inputs.clone(), &stopped.done(None));
            assert_eq!(undone, Ok(()), "the rollback after a stop at call {}", stop + 1);
        }
        let again = host();
        assert_eq!(
            run::<A>(&again, inputs.clone()),
            end,
            "the end after a stop at call {}",
            stop + 1
        );
        same(&calls, &again.calls.borrow(), stop);
    }
    calls.len()
}

/// The step's end, unless the engine stopped before.
fn until_stopped<A: Action>(host: &FakeHost, inputs: &Value) -> Option<Result<Value, Failure>> {
    match catch_unwind(AssertUnwindSafe(|| run::<A>(host, inputs.clone()))) {
        Ok(end) => Some(end),
        Err(cause) if cause.is::<Stopped>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

fn same(expected: &[Call], made: &[Call], stop: usize) {
    for (number, (expected, made)) in expected.iter().zip(made).enumerate() {
        assert_eq!(
            (&made.function, &made.request),
            (&expected.function, &expected.request),
            "call {} of the step is another one after a stop at call {}: a step that runs again must make the same calls",
            number + 1,
            stop + 1
        );
    }
    assert_eq!(
        made.len(),
        expected.len(),
        "the number of calls after a stop at call {}",
        stop + 1
    );
}
