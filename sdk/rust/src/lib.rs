//! Write a Runwright plugin in Rust.
//!
//! A plugin is a WebAssembly component that provides one action. It is an ordinary crate: a struct that
//! implements [`Action`], and one line that exports it.
//!
//! ```
//! use runwright_sdk::{Action, Command, Context, Failure, Host, Impact, Manifest, Shape};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, Shape)]
//! #[serde(rename_all = "PascalCase")]
//! struct Inputs {
//!     /// The unit's name.
//!     service: String,
//! }
//!
//! #[derive(Serialize, Shape)]
//! #[serde(rename_all = "PascalCase")]
//! struct Outputs {
//!     /// Whether it is active.
//!     active: bool,
//! }
//!
//! struct ServiceStatus;
//!
//! impl Action for ServiceStatus {
//!     type Inputs = Inputs;
//!     type Outputs = Outputs;
//!
//!     fn manifest() -> Manifest {
//!         Manifest::of::<Self>("acme:serviceStatus", env!("CARGO_PKG_VERSION"), "Asks systemd whether a service is active.")
//!             .impact(Impact::NonMutating)
//!             .wants("commands", "Runs `systemctl is-active`.")
//!     }
//!
//!     fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
//!         let ended = host.run(&None, &Command::program(["systemctl", "is-active", "--quiet", &inputs.service]))?;
//!         Ok(Outputs { active: ended.exit_code == Some(0) })
//!     }
//! }
//!
//! runwright_sdk::plugin!(ServiceStatus);
//!
//! # fn main() {
//! // On the host the same crate is an ordinary library, tested with a fake host.
//! use runwright_sdk::testing::{FakeHost, run};
//! let host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(0, "")));
//! let outputs = run::<ServiceStatus>(&host, serde_json::json!({"Service": "sshd"})).unwrap();
//! assert_eq!(outputs["Active"], true);
//! # }
//! ```
//!
//! Its `Cargo.toml` says `crate-type = ["cdylib", "rlib"]`, and `cargo build --release --target
//! wasm32-wasip2` (after `rustup target add wasm32-wasip2`) makes the component. A runbook binds it:
//!
//! ```yaml
//! plugins:
//!   acme:serviceStatus:
//!     path: target/wasm32-wasip2/release/service_status.wasm
//!     grants: {commands: [systemctl]}
//! ```
//!
//! # What to keep in mind
//!
//! - **`run` may be called again from its start**, after a crash or a wait. Calls that were answered are
//!   answered again from the journal, so make the same calls in the same order for the same inputs and
//!   answers. Nothing breaks that by itself: the clock and random numbers are replayed too.
//! - **A refused capability is an error, not a trap.** `?` turns it into a [`Failure`] that tells the
//!   operator which grant is missing.
//! - **A secret is a placeholder.** Put it into standard input, environment, file contents, headers or a
//!   body; the engine replaces it there. Never put it into the arguments of a command.
//! - **Rollback is told what was done**, also by a step that failed half-way: [`Done`] has the outputs, if
//!   there are any, and every call. See [`files`] for undoing changes of files.
//!
//! # What this crate does not do
//!
//! It adds no capability of its own: everything a plugin can do is in `wit/`, and [`Host`] has one method
//! for each function there.
//!
//! # Where to start
//!
//! [`Action`], then [`Host`]. The types of requests and answers are in [`bindings`], generated from `wit/`
//! and re-exported here.

mod action;
pub mod bindings;
mod command;
mod done;
mod failure;
pub mod files;
mod guest;
mod host;
mod manifest;
mod request;
pub mod schema;
mod shape;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use action::Action;
pub use bindings::{
    exports::runwright::plugin::action::{Call, Context, Done, Failure, FailureKind, Impact, Manifest, Want},
    runwright::plugin::{
        approvals::{Decision, Question, Vote},
        aws::Request as AwsRequest,
        commands::{Command, Completed, DocumentEnd, NodeEnd},
        executions::{Outcome, StartRequest},
        files::{Facts, Kept, Kind, WriteOptions},
        http::{Request, Response},
        log::Level,
        parameters::{NewValue, Parameter, ParameterType},
        types::{Denial, Error, Excess, Target, Timestamp},
        waits::{Condition, Patience, Probed, Received},
    },
};
pub use guest::{Exports, Imports};
pub use host::Host;
pub use runwright_sdk_derive::Shape;
pub use shape::Shape;

// What the derive writes names this crate by its name.
extern crate self as runwright_sdk;

/// Makes a type that implements [`Action`] the action of this plugin.
///
/// The exports exist only in the Wasm build. On the host the crate is an ordinary library, so that its
/// logic is tested with `cargo test`.
#[macro_export]
macro_rules! plugin {
    ($action:ty) => {
        #[cfg(target_arch = "wasm32")]
        type RunwrightPlugin = $crate::Exports<$action>;
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::export_plugin!(RunwrightPlugin);
    };
}
