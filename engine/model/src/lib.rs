//! The nouns of Runwright.
//!
//! A runbook compiles to a [`plan::Plan`] of [`step::Step`]s. Running a plan once is an execution; what
//! happens is a journal of [`event::Event`]s. A step reaches the world through
//! [`capability::Request`]s, checked against [`grant::Grants`].
//!
//! ```
//! use runwright_model::{id::ExecutionId, status::Status};
//!
//! let id: ExecutionId = "nightly-2026-11-21".parse()?;
//! assert_eq!(id.as_str(), "nightly-2026-11-21");
//! assert!(Status::RolledBack.is_final());
//! # Ok::<(), runwright_model::id::Error>(())
//! ```
//!
//! # What this crate does not do
//!
//! It does no IO, has no clock, and knows neither YAML nor Wasm nor a database. The traits of
//! [`capability`] are shapes; their backends are other crates.
//!
//! # Where to start
//!
//! [`plan`], then [`event`]: everything else is a detail of one of them.

pub mod action;
pub mod bytes;
pub mod capability;
pub mod condition;
pub mod digest;
pub mod event;
pub mod expression;
pub mod failure;
pub mod grant;
pub mod id;
pub mod invocation;
pub mod log;
pub mod parameter;
pub mod plan;
pub mod redact;
pub mod schema;
pub mod secret;
pub mod selector;
pub mod status;
pub mod step;
pub mod summary;
pub mod time;

mod pattern;
mod words;
