//! Says in words why the runtime stopped a guest.

use runwright_model::failure::{Failure, FailureKind};
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::{Limits, codes, limits::Excess, state::State};

/// What the runtime says when a guest passes too much. It has no public type for it.
const TOO_MUCH_COPIED: &str = "fuel allocated for hostcalls has been exhausted";
/// How much of a backtrace a failure shows.
const BACKTRACE_BYTES_MAX: usize = 4096;

/// The failure of a call that the runtime ended with this error.
pub(crate) fn failure(error: &wasmtime::Error, state: &State, limits: &Limits) -> Failure {
    if let Some(excess) = state.limiter.refused {
        let failure = excess.failure("needed more to go on");
        return add(failure, &state.logbook.last_errors(), "");
    }
    if format!("{error:#}").contains(TOO_MUCH_COPIED) {
        return too_much_copied(error, limits);
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        let message = format!("The plugin called `exit` with code {}. A plugin must return.", exit.0);
        let failure = Failure::new(FailureKind::Plugin, message).with_code(codes::TRAP);
        return add(failure, &state.logbook.last_errors(), "");
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => {
            let excess = Excess {
                which: "stack-bytes",
                limit: limits.stack_bytes,
                used: None,
            };
            add(excess.failure("called itself too deeply"), "", &backtrace(error))
        }
        Some(trap) => {
            let message = format!("The plugin {}.", words(*trap));
            let failure = Failure::new(FailureKind::Plugin, message).with_code(codes::TRAP);
            add(failure, &state.logbook.last_errors(), &backtrace(error))
        }
        None => {
            let message = format!("The plugin's instance could not be made or run: {error:#}.");
            Failure::new(FailureKind::Internal, message).with_code(codes::INSTANCE)
        }
    }
}

/// Too much was passed out: in a capability call, where a guest's frames are on the stack, or as the result.
fn too_much_copied(error: &wasmtime::Error, limits: &Limits) -> Failure {
    if error
        .downcast_ref::<WasmBacktrace>()
        .is_some_and(|trace| !trace.frames().is_empty())
    {
        let excess = Excess {
            which: "argument-bytes",
            limit: limits.argument_bytes,
            used: None,
        };
        excess.failure("passed too much in one capability call")
    } else {
        let excess = Excess {
            which: "output-bytes",
            limit: limits.output_bytes,
            used: None,
        };
        excess.failure("returned too much")
    }
}

fn words(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "gave up (`unreachable`): usually a panic or a failed assertion".into(),
        Trap::MemoryOutOfBounds => "used memory that is not its own".into(),
        Trap::TableOutOfBounds | Trap::IndirectCallToNull | Trap::BadSignature => {
            format!("called a function through a bad pointer ({trap})")
        }
        Trap::IntegerDivisionByZero => "divided by zero".into(),
        Trap::IntegerOverflow | Trap::BadConversionToInteger => format!("computed what no integer holds ({trap})"),
        other => format!("was stopped by the runtime: {other}"),
    }
}

fn add(mut failure: Failure, last_errors: &str, backtrace: &str) -> Failure {
    if !last_errors.is_empty() {
        failure
            .message
            .push_str(&format!(" Its last words on standard error: {last_errors}"));
    }
    if !backtrace.is_empty() {
        failure.message.push_str(&format!(" It was here:{backtrace}"));
    }
    failure
}

/// The guest's functions from the innermost out, one a line.
fn backtrace(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let mut text = String::new();
    // The runtime's own form, for its readable names; its first line is a heading.
    for line in trace.to_string().lines().skip(1) {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        if text.len() + line.len() > BACKTRACE_BYTES_MAX {
            break;
        }
        text.push('\n');
        text.push_str(&line);
    }
    text
}
