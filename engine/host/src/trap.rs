//! Says in words why the runtime stopped a guest.
//!
//! Whatever a guest has chosen (names of functions, texts of its files) is cut and made harmless here: it must not
//! grow a message, and a terminal must not obey it.

use std::fmt::{self, Write as _};

use runwright_model::failure::{Failure, FailureKind};
use wasmtime::{FrameInfo, PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::{Limits, codes, limits::Excess, logbook::shown, state::State};

/// What the runtime says when a guest passes too much. It has no public type for it.
const TOO_MUCH_COPIED: &str = "fuel allocated for hostcalls has been exhausted";
/// What it says when a guest holds too many handles. It has no public type for that either.
const TOO_MANY_HANDLES: &str = "store handle limit exceeded";
/// How much of a backtrace a failure shows.
const BACKTRACE_BYTES_MAX: usize = 4096;
/// How much of the name of a function.
const NAME_BYTES_MAX: usize = 200;
/// How much of the runtime's own words, in which the guest's names may stand.
const REASON_BYTES_MAX: usize = 1_000;

/// How far a call had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The instance was being made.
    Making,
    /// The plugin's function was called, or its result was read.
    Calling,
}

/// The failure of a call that the runtime ended with this error.
pub(crate) fn failure(error: &wasmtime::Error, stage: Stage, state: &State, limits: &Limits) -> Failure {
    let here = backtrace(error);
    if let Some(excess) = state.limiter.refused {
        let failure = excess.failure(&state.place, "needed more to go on");
        return add(failure, &state.logbook.last_errors(), &here);
    }
    let reason = error.root_cause().to_string();
    if let Some((excess, doing)) = exceeded(error, &reason, limits) {
        return add(excess.failure(&state.place, doing), "", &here);
    }
    let (kind, code, message) = if let Some(exit) = error.downcast_ref::<I32Exit>() {
        let message = format!(
            "{} called `exit` with code {}. A plugin must return.",
            capital(state),
            exit.0
        );
        (FailureKind::Plugin, codes::TRAP, message)
    } else if let Some(trap) = error.downcast_ref::<Trap>() {
        let message = format!("{} {}.", capital(state), words(*trap));
        (FailureKind::Plugin, codes::TRAP, message)
    } else if error.is::<PoolConcurrencyLimitError>() || (stage == Stage::Making && here.is_empty()) {
        let message = format!("The plugin's instance could not be made: {}.", short(&reason));
        (FailureKind::Internal, codes::INSTANCE, message)
    } else {
        let message = format!(
            "{} broke the rules by which components pass values: {}. It was stopped there. Report it to the plugin's \
             author.",
            capital(state),
            short(&reason)
        );
        (FailureKind::Plugin, codes::BOUNDARY, message)
    };
    let failure = Failure::new(kind, message).with_code(code);
    add(failure, &state.logbook.last_errors(), &here)
}

/// The runtime's or a file's own words, harmless and not too long.
pub(crate) fn short(reason: &str) -> String {
    shown(reason.trim_end_matches('.'), REASON_BYTES_MAX, 0).into_owned()
}

/// A failure with the guest's functions that led there, when it is known where that was.
pub(crate) fn with_place(failure: Failure, error: &wasmtime::Error) -> Failure {
    add(failure, "", &backtrace(error))
}

/// The limit that the runtime keeps itself and that was reached, and what the plugin did.
fn exceeded(error: &wasmtime::Error, reason: &str, limits: &Limits) -> Option<(Excess, &'static str)> {
    let (which, limit, doing) = if error.downcast_ref::<Trap>() == Some(&Trap::StackOverflow) {
        ("stack-bytes", limits.stack_bytes, "called itself too deeply")
    } else if reason.contains(TOO_MANY_HANDLES) {
        ("handles", limits.handles, "opened streams or timers and closed none")
    } else if !reason.contains(TOO_MUCH_COPIED) {
        return None;
    } else if frames(error).is_empty() {
        // Too much was passed as the result: no function of the guest is on the stack any more.
        ("output-bytes", limits.output_bytes, "returned too much")
    } else {
        let doing = "passed too much in one capability call";
        ("argument-bytes", limits.argument_bytes, doing)
    };
    let excess = Excess {
        which,
        limit,
        used: None,
    };
    Some((excess, doing))
}

fn capital(state: &State) -> String {
    match state.place.action.as_str() {
        "" => "The plugin".to_owned(),
        action => format!("The plugin of {action}, in `{}`,", state.place.function),
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

fn frames(error: &wasmtime::Error) -> &[FrameInfo] {
    error.downcast_ref::<WasmBacktrace>().map_or(&[], WasmBacktrace::frames)
}

/// The guest's functions from the innermost out, one a line.
///
/// The runtime would print them itself, and read names as C++ does, where a short one can stand for gigabytes.
fn backtrace(error: &wasmtime::Error) -> String {
    let mut text = String::new();
    for (number, frame) in frames(error).iter().enumerate() {
        let mut line = format!("\n{number:>4}: ");
        if let Some(offset) = frame.module_offset() {
            line.push_str(&format!("{offset:#8x} - "));
        }
        line.push_str(&function(frame.func_name(), frame.func_index()));
        if text.len() + line.len() > BACKTRACE_BYTES_MAX {
            break;
        }
        text.push_str(&line);
    }
    text
}

fn function(name: Option<&str>, index: u32) -> String {
    let Some(name) = name else {
        return format!("function {index} (the plugin was built without names)");
    };
    let mut cut = Cut(String::new());
    // It stops writing when there is enough, and says so with an error.
    let _ = match rustc_demangle::try_demangle(name) {
        Ok(readable) => write!(cut, "{readable:#}"),
        Err(_) => cut.write_str(name),
    };
    shown(&cut.0, NAME_BYTES_MAX, 0).into_owned()
}

/// Takes no more than a name's worth of text.
struct Cut(String);

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // One character more than is shown, so that it is seen to be cut.
        let room = (NAME_BYTES_MAX + 4).saturating_sub(self.0.len());
        let end = text.floor_char_boundary(room);
        self.0.push_str(&text[..end]);
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_harmless() {
        assert_eq!(function(None, 7), "function 7 (the plugin was built without names)");
        assert_eq!(
            function(Some("_ZN4core3ptr4read17h0123456789abcdefE"), 0),
            "core::ptr::read"
        );
        assert_eq!(function(Some("a\u{1b}[2J\u{202e}"), 0), "a\\u{1b}[2J\\u{202e}");
        assert!(function(Some(&"x".repeat(100_000)), 0).len() < NAME_BYTES_MAX + 40);
    }
}
