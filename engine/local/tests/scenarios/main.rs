//! The backends of this machine with real processes, real files and a real server on loopback.
//!
//! Each capability has the trio granted, denied, unknown, as far as it lies with the backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod blobs;
mod commands;
mod files;
mod http;
mod parameters;
mod probes;
mod races;
mod supervisor;
mod world;
