//! Runwright as a library: open an engine, start a runbook, watch it end.

mod engine;
mod error;
mod library;
pub mod view;

pub use engine::{Begun, Builder, Engine, StartRequest, Until};
pub use error::Error;
pub use library::{Library, Runbook};
pub use runwright_compiler::{BindError, Compiled, Diagnostic, Severity, Source, Span};
pub use runwright_model as model;
