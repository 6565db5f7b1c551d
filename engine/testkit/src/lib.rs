//! Fakes for tests: a clock that jumps, a store that crashes, plugins and a world made of closures, runbooks
//! by chance.
//!
//! # What this crate does not do
//!
//! It is for `tests/` folders only; nothing that ships depends on it.

mod clock;
mod generate;
mod plugin;
mod script;
mod store;
mod world;

pub use clock::{JumpClock, TestClock};
pub use generate::{Knobs, Written, runbooks};
pub use plugin::{Plugins, object, returned};
pub use script::{effect_name, scripted};
pub use store::{CrashStore, Tape};
pub use world::{NoRunbooks, Shelf, World};
