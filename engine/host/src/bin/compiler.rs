//! The compiler of one component as a small program of its own. It is started by the engine and by nobody else.

use std::process::ExitCode;

fn main() -> ExitCode {
    runwright_host::compile_if_asked().unwrap_or(ExitCode::from(2))
}
