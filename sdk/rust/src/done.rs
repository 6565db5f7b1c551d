//! Reading back what a step did, for its rollback.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Call, Done};

impl Call {
    /// What was asked, as `T`: the fields of the function's request. `None` when they do not fit.
    #[must_use]
    pub fn request_as<T: DeserializeOwned>(&self) -> Option<T> {
        body(&self.function, &self.request)
    }

    /// What was answered, as `T`. `None` when the call failed, never ended, or does not fit.
    #[must_use]
    pub fn answer_as<T: DeserializeOwned>(&self) -> Option<T> {
        body(&self.function, self.answer.as_ref()?.as_ref().ok()?)
    }

    /// Whether it may have had its effect: unless the engine said that it did not.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        match &self.answer {
            Some(Ok(_)) | None => true,
            Some(Err(error)) => ["uncertain", "unavailable", "timed-out"]
                .iter()
                .any(|kind| names(error, kind)),
        }
    }
}

impl Done {
    /// The outputs as `T`, when the step ended well.
    #[must_use]
    pub fn outputs_as<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.outputs.as_deref()?).ok()
    }

    /// The calls of one function, for example `parameters.put`, in order.
    pub fn calls_of<'a>(&'a self, function: &'a str) -> impl DoubleEndedIterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| call.function == function)
    }

    /// The answer of the last answered call of one function.
    #[must_use]
    pub fn last<T: DeserializeOwned>(&self, function: &str) -> Option<T> {
        self.calls_of(function).rev().find_map(Call::answer_as)
    }

    /// The answer of the first answered call of one function: what stood before anything was changed.
    #[must_use]
    pub fn first<T: DeserializeOwned>(&self, function: &str) -> Option<T> {
        self.calls_of(function).find_map(Call::answer_as)
    }
}

/// The part of a recorded request or answer that belongs to the function: without the capability's name
/// and the function's or answer's, which wrap it. Where a capability has one function, as `http` has, the second
/// wrapping is absent.
fn body<T: DeserializeOwned>(function: &str, json: &str) -> Option<T> {
    let inner = only_value(serde_json::from_str(json).ok()?)?;
    let one_function = ["http.send", "aws.send", "approvals.request"].contains(&function);
    let inner = if one_function { inner } else { only_value(inner)? };
    serde_json::from_value(inner).ok()
}

fn only_value(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.len() == 1 => map.into_iter().next().map(|(_, inner)| inner),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

fn names(error: &str, kind: &str) -> bool {
    serde_json::from_str::<Value>(error).is_ok_and(|error| error.get(kind).is_some())
}
