//! What a plugin's author writes.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Context, Done, Failure, Host, Manifest};

/// One action of the runbook language.
pub trait Action {
    /// The inputs of a step, read from JSON. They have been checked against the manifest's schema.
    type Inputs: DeserializeOwned;
    /// The outputs of a step, written as a JSON object that must fit the manifest's schema.
    type Outputs: Serialize;

    /// What the plugin says of itself.
    fn manifest() -> Manifest;

    /// Runs a step.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that tells what happened, where, why, and what to do. The runbook's retries and
    /// `onFailure` decide what comes of it.
    fn run(host: &impl Host, context: &Context, inputs: Self::Inputs) -> Result<Self::Outputs, Failure>;

    /// Undoes what `run` did with the same inputs, completely or half done. Must be safe to call when
    /// there is nothing to undo. Only called when the manifest [offers](Manifest::undoes) it.
    ///
    /// # Errors
    ///
    /// A failure ends the execution as `RollbackFailed`, until a person retries or skips it.
    fn rollback(host: &impl Host, context: &Context, inputs: Self::Inputs, done: &Done) -> Result<(), Failure> {
        let _ = (host, context, inputs, done);
        Ok(())
    }
}
