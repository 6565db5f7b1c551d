//! WASI as a plugin finds it: everything is there, and nothing moves.
//!
//! Standard libraries import WASI whether they use it or not. So all of 0.2 but HTTP is linked: no variables,
//! arguments, folders, sockets or input; output goes into the step's log ([`output`]); clocks stand
//! ([`clocks`]); random bytes come from the idempotency key ([`random`]); and a sleep becomes a durable wait.

pub(crate) mod clocks;
mod output;
pub(crate) mod random;

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::p2::{
    add_to_linker_async,
    bindings::{cli, clocks as wasi_clocks, io, random as wasi_random},
};

use crate::state::State;

/// The interfaces of WASI 0.2 that are linked, without their versions.
pub(crate) const OFFERED: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Links the runtime's own WASI, then puts ours over the parts that would let time or chance in.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    wasi_clocks::monotonic_clock::add_to_linker::<_, HasSelf<State>>(linker, |s| s)?;
    wasi_clocks::wall_clock::add_to_linker::<_, HasSelf<State>>(linker, |s| s)?;
    wasi_random::random::add_to_linker::<_, HasSelf<State>>(linker, |s| s)?;
    wasi_random::insecure::add_to_linker::<_, HasSelf<State>>(linker, |s| s)?;
    wasi_random::insecure_seed::add_to_linker::<_, HasSelf<State>>(linker, |s| s)?;
    cli::stdout::add_to_linker::<_, HasSelf<State>>(linker, |s| s)?;
    cli::stderr::add_to_linker::<_, HasSelf<State>>(linker, |s| s)?;
    io::poll::add_to_linker::<_, HasSelf<State>>(linker, |s| s)?;
    linker.allow_shadowing(false);
    Ok(())
}
