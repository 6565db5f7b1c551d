//! The way to the engine for other processes on the machine: a Unix socket in the state directory.
//!
//! A client says hello, is told the same, and then asks one call after the other; calls at the same time take a
//! connection each. A message is a [`frame`]; [`place`] is where the socket is. What is asked is none of this module's
//! business: see [`crate::call`].

pub(crate) mod client;
pub(crate) mod frame;
pub(crate) mod server;

mod hello;
pub(crate) mod place;

use std::time::Duration;

/// How often a process says that it is still at an answer.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// The longest silence of a process that is at an answer.
const SILENCE: Duration = Duration::from_secs(30);

/// The longest wait for the rest of a greeting or of a frame, or for the other side to take one.
const FRAME_WAIT: Duration = Duration::from_secs(30);
