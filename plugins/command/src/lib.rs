//! What the plugins of Command documents share: what a step answers, how it ends, where it works.
//!
//! A library, and no plugin: each folder beside this one whose plugin Command documents have is a component of its own.
//! The rules are those of the node agent that runs such documents.

mod inputs;
mod outcome;
mod place;
mod reboot;
pub mod script;

pub use inputs::{Inputs, text};
pub use outcome::{Ended, Outputs, conclude, outputs};
pub use place::{FOLDER, downloads, within};
pub use reboot::completed;
