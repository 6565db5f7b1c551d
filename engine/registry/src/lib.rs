//! Components in OCI registries and folders, and who signed them. Internal: use `runwright`.
//!
//! [`Registry`] gets components into its cache (a folder by content) and out of it. [`Trust`] says whether they may be used.
//!
//! ```
//! use runwright_registry::{Registry, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let folder = std::env::temp_dir().join("registry-example");
//! let registry = Registry::new(&folder, Settings { offline: true, ..Settings::default() });
//! let reference = "registry.example/acme/drain:1.0.0".parse().expect("a reference");
//! let error = registry.pull(&reference, None).await.unwrap_err();
//! assert_eq!(error.code(), "RW-P111");
//! # }
//! ```
//!
//! # What this crate does not do
//!
//! It compiles and runs nothing, reads no policy file, and does not know what a runbook is. What a component says of itself
//! (its action, its version) is told to it, or asked of it by others.
//!
//! # Where to start
//!
//! `registry.rs`, then `signature.rs` and `trust.rs`. `wire.rs` is the protocol, `layout.rs` the folder.

pub mod codes;
pub mod signature;

mod artifact;
mod challenge;
mod credentials;
mod error;
mod helper;
mod key;
mod layout;
mod reference;
mod registry;
mod trust;
mod versions;
mod wire;

pub use artifact::Facts;
pub use codes::CODES;
pub use error::Error;
pub use key::{PrivateKey, PublicKey};
pub use reference::Reference;
pub use registry::{Pulled, Pushed, Registry, Settings};
pub use signature::Proof;
pub use trust::{Demand, KeySource, Trust, verify};
pub use versions::Versions;
