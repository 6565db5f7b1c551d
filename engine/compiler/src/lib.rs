//! Compiles a runbook's text to a plan, or to diagnostics.
//!
//! Two steps, because a document names the plugins its actions come from: [`parse`] reads the text and says
//! which ([`Parsed::plugins`]); [`Parsed::compile`] takes what is known of all actions and returns the plan, if
//! there can be one, with every diagnostic.

use std::collections::BTreeMap;

use runwright_model::{action::ActionSpec, grant::Grants, plan::Plan};
use serde::Serialize;

mod diagnostic;

pub use diagnostic::{Diagnostic, Severity, Span};

/// A document to compile.
#[derive(Debug, Clone)]
pub struct Source {
    /// The runbook's name: the file's name without its ending.
    pub name: String,
    /// How messages call the place it came from: a path, or `<stdin>`.
    pub origin: String,
    /// The text. YAML or JSON.
    pub text: String,
}

/// A plugin a document brings along: one entry of its `plugins:` block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PluginBinding {
    /// The action it provides.
    pub action: String,
    /// Path of the component, relative to the document.
    pub path: String,
    /// The digest it must have.
    pub sha256: Option<String>,
    /// What the document grants it.
    pub grants: Grants,
    /// Where it is written.
    pub span: Span,
}

/// What is known of actions.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// By name. Plugins that come with the engine, and those the document binds.
    pub actions: BTreeMap<String, ActionSpec>,
}

/// The result of a compilation.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The plan, unless an error was found.
    pub plan: Option<Plan>,
    /// Everything found, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Where each step of the plan begins, in the order of its steps.
    pub steps: Vec<Span>,
}
