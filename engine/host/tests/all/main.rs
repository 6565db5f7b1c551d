//! The host against guests that behave, misbehave and do not fit.

#![expect(clippy::unwrap_used, reason = "tests")]

mod apart;
mod cache;
mod capabilities;
mod common;
mod components;
mod determinism;
mod generated;
mod guest;
mod hostile;
mod kept;
mod limits;
mod logs;
mod many;
mod outcomes;
mod suspension;
