//! A plugin that misbehaves on request, for the tests of the host. Internal: not published.
//!
//! Its inputs say what it does: `{"do": "echo"}`, `loop`, `alloc`, `panic`, `rubbish`, `call` and so on;
//! `guest/src/behaviour.rs` has the list. A `call` takes a [request] of the model as JSON and answers the
//! outcome as JSON, so that a test can compare both sides field by field.
//!
//! [request]: https://serde.rs/enum-representations.html
//!
//! ```
//! assert!(runwright_testguest::COMPONENT.starts_with(b"\0asm"));
//! ```
//!
//! # What this crate does not do
//!
//! It runs nothing and knows no engine: it only compiles the guest and hands out its bytes.

/// The component, compiled for `wasm32-wasip2`. Its manifest names the action `test:misbehave`.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guest/wasm32-wasip2/release/misbehave.wasm"));
