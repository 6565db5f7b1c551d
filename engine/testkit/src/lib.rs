//! Fakes for tests: a clock that jumps, a store that crashes, plugins and a world made of closures.
//!
//! # What this crate does not do
//!
//! It is for `tests/` folders only; nothing that ships depends on it.

mod clock;
mod plugin;
mod store;
mod world;

pub use clock::TestClock;
pub use plugin::{Plugins, object, returned};
pub use store::{CrashStore, Tape};
pub use world::{NoRunbooks, World};
