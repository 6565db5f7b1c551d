//! Runwright as a library: open an engine, start a runbook, watch it end.
//!
//! ```no_run
//! use runwright::{Engine, StartRequest, Until};
//!
//! # async fn example() -> Result<(), runwright::Error> {
//! let engine = Engine::builder().state_dir("/var/lib/runwright").runbooks(vec!["runbooks".into()]).open().await?;
//! let runbook = engine.library().runbook("quickstart").await?;
//! let begun = engine
//!     .start(StartRequest { runbook, parameters: Default::default(), id: None, by: "kim".into(), mode: Default::default() })
//!     .await?;
//! let view = engine.wait(&begun.id, Until::Ended).await?;
//! println!("{}", view.status);
//! engine.close().await
//! # }
//! ```
//!
//! # Several processes
//!
//! A store has one holder. [`Builder::open`] holds it or fails with an error that names the process that does: for a
//! program that is the engine. [`Builder::join`] holds it when nobody does, and else asks the process that does, as the
//! command line does: for programs that come and go. Either way [`Engine`] has the same methods and answers, and while it
//! holds the store, others may join.
//!
//! # What this crate does not do
//!
//! It holds no logic of its own: it joins compiler, executor, host, store and backends, which do not know each
//! other, and is the only place that does. It reads no environment and prints nothing.
//!
//! # Where to start
//!
//! [`Engine`] for executions, [`Library`] for runbooks and plugins without a store.

pub mod codes;
pub mod preview;
pub mod scenario;
pub mod user;
pub mod view;

mod adapter;
mod answer;
mod attachments;
mod backends;
mod bind;
mod builder;
mod call;
mod distribution;
mod documents;
mod engine;
mod error;
mod find;
mod guard;
mod holder;
mod library;
mod link;
mod lock;
mod outside;
mod parameter_source;
mod parameters;
mod pin;
mod place;
mod policy;
mod publish;
mod shelf;
mod show;
mod socket;
mod tell;
mod why;

pub use builder::Builder;
pub use engine::{Begun, Engine, StartRequest, Until};
pub use error::{Error, Fault, Report};
pub use library::{Library, Runbook, Setup};
pub use lock::Pinned;
pub use parameters::{NewParameter, Parameters};
pub use preview::{PlanRequest, Preview};
pub use publish::{Published, Verified};
pub use runwright_author as author;
pub use runwright_compiler::{
    BindError, Compiled, Diagnostic, EdgeKind, Severity, Source, Span, Target, Targets, Tree, parse, tree,
};
pub use runwright_executor::{
    hold::Held,
    migrate::Misfit,
    repair::{Choice, Repair},
};
pub use runwright_host::{Compiler, Limits, compile_if_asked};
pub use runwright_local as local;
pub use runwright_model as model;
pub use runwright_store as store;
