//! The calls that the worlds of the SDKs record are those of the journal: what a rollback reads in a unit test is what it reads
//! from the engine. Their own tests compare with the same file (Rust's, in `sdk/rust/behaviours`, with these types).

use runwright_model::capability::{Answer, Error, Request};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

const CALLS: &str = include_str!("../../../sdk/behaviours/calls.json");

/// Reads it as `T`, which must write the same again: no field is missing, none is too many.
fn same<T: Serialize + DeserializeOwned>(value: &Value) -> T {
    let read: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"));
    assert_eq!(
        &serde_json::to_value(&read).expect("what was read can be written"),
        value
    );
    read
}

#[test]
fn calls_of_the_sdks_are_calls_of_the_journal() {
    let calls: Vec<Value> = serde_json::from_str(CALLS).unwrap();
    assert!(calls.len() > 30, "every function is there");
    for call in calls {
        let request: Request = same(&call["request"]);
        assert_eq!(call["function"], request.function());
        match (call.get("answer"), call.get("error")) {
            (Some(answer), None) => drop(same::<Answer>(answer)),
            (None, Some(error)) => drop(same::<Error>(error)),
            other => panic!("{other:?}"),
        }
    }
}
