//! Projects of plugins: made from templates, built with each language's own tools.
//!
//! A project is a folder with a file [`runwright-plugin.toml`](project::FILE). [`new`] writes one from the template of its
//! language, with the language's SDK and the contract (`wit/`) beside it, so that it is complete by itself; [`build`] calls
//! the language's own compiler and leaves a component in `build/`. Everything that differs between languages is one file in
//! `language/`, and a line of its table.
//!
//! # What this crate does not do
//!
//! It runs no plugin: checks, scenarios and inspection are `runwright::Library`'s. It fetches nothing: where a tool is
//! missing, the error names the command that gets it. It prints nothing, but the compilers it calls write to standard
//! error.
//!
//! # Where to start
//!
//! `language/mod.rs`: the trait, and the table.

mod build;
mod codes;
mod error;
mod facts;
mod language;
mod new;
mod project;
mod tool;
mod watch;

pub use build::{Built, build, own_tests};
pub use codes::CODES;
pub use error::Error;
pub use facts::{Facts, facts};
pub use language::names as languages;
pub use new::{New, Written, new};
pub use project::Project;
pub use watch::{Watch, newer, watch};

/// The name of a project's file.
pub use project::FILE as PROJECT_FILE;
