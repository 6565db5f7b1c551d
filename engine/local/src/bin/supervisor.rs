//! The supervisor of one command as a small program of its own. It is started by the engine and by nobody else.

use std::process::ExitCode;

fn main() -> ExitCode {
    runwright_local::commands::supervise_if_asked().unwrap_or(ExitCode::from(2))
}
