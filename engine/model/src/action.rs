//! What an action is, as its plugin describes it and a plan pins it.

use serde::{Deserialize, Serialize};

use crate::{capability::Capability, digest::Digest, grant::Grants, schema::Schema};

/// What steps of `aws:executeScript` with a PowerShell runtime are.
pub const POWER_SHELL: &str = "rw:powerShell";

/// Whether steps with this action are those of Systems Manager, and get a reference without a value as its text, as there. To
/// other actions nothing is passed that nobody meant.
#[must_use]
pub fn is_of_aws(action: &str) -> bool {
    action.starts_with("aws:") || action == POWER_SHELL
}

/// What an action does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Impact {
    /// It changes something.
    Mutating,
    /// It only looks, decides or waits.
    NonMutating,
    /// It depends on the inputs.
    Undetermined,
}

/// A capability a plugin wants, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The capability.
    pub capability: Capability,
    /// Why: a sentence by the plugin's author.
    pub why: String,
}

/// What a plugin says of itself: `wit/action.wit`, parsed and checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The action's name.
    pub action: String,
    /// Semantic version.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Shape of the inputs.
    pub inputs: Schema,
    /// Shape of the outputs.
    pub outputs: Schema,
    /// The capabilities it calls.
    pub capabilities: Vec<Want>,
    /// Whether it can undo itself.
    pub rollback: bool,
    /// What it does to the world.
    pub impact: Impact,
}

/// An action as a plan pins it: what it is, which bytes it is, and what it may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionSpec {
    /// What the plugin says of itself.
    pub manifest: Manifest,
    /// Digest of the component.
    pub component: Digest,
    /// What the operator allows.
    pub grants: Grants,
}
