//! Runs a plan, and remembers what happened.
//!
//! The executor folds a journal into a [`state::State`], decides what to do next ([`decide`](decide::decide),
//! pure), and drives it (`actor.rs`): append first, then act.
//!
//! # What this crate does not do
//!
//! It reads no YAML, loads no Wasm, opens no file and asks no clock. It sees the world through [`Ports`].
//!
//! # Where to start
//!
//! [`decide::decide`] is the heart. `tests/crash.rs` shows every way it can be interrupted.

pub mod codes;
pub mod decide;
pub mod hold;
pub mod interactive;
pub mod limits;
pub mod migrate;
pub mod ports;
pub mod repair;
pub mod rollback;
pub mod state;
pub mod summary;

mod actor;
mod append;
mod changes;
mod command;
mod error;
mod executor;
mod flow;
mod fold;
mod input;
mod live;
mod log;
mod plans;
mod react;
mod repeat;
mod resolve;
mod retry;
mod shared;
mod signal;
mod start;
mod target;
mod variable;
mod visit;
mod waits;
mod wake;
mod work;

pub use error::{Affected, Error};
pub use executor::Executor;
pub use resolve::{PLATFORM, outputs_of};
pub use shared::Ports;
