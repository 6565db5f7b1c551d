//! Command documents: schemas 1.2, 2.0 and 2.2 of Run Command.
//!
//! Another language than runbooks, with other steps, other references and another flow. What comes out is the same plan,
//! so that everything behind the compiler is one. Its rules are those of the node agent that runs such documents.

mod document;
mod known;
mod lower;
mod precondition;
mod script;
mod step;
mod substitution;

pub(crate) use document::{Document, read, schema};
pub use known::is_plugin;
pub(crate) use lower::plan;

/// The schema of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Schema {
    /// `runtimeConfig`: plugins, and what each is run with.
    V1_2,
    /// `mainSteps`.
    V2_0,
    /// `mainSteps` with preconditions.
    V2_2,
}
