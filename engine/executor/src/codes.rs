//! Stable codes of failures that the executor gives, and their pages.

/// Inputs that cannot be resolved or converted.
pub const INVALID_INPUT: &str = "RW-X001";
/// A plugin's outputs do not fit its manifest.
pub const RUBBISH_OUTPUT: &str = "RW-X002";
/// An output cannot be picked.
pub const UNSELECTABLE_OUTPUT: &str = "RW-X003";
/// A step's time was over.
pub const TIMED_OUT: &str = "RW-X004";
/// A resumed plugin made another call.
pub const NON_DETERMINISM: &str = "RW-X005";
/// A step was visited too often.
pub const TOO_MANY_VISITS: &str = "RW-X006";
/// A step made too many calls.
pub const TOO_MANY_CALLS: &str = "RW-X007";
/// A condition cannot be evaluated.
pub const CONDITION: &str = "RW-X008";
/// A variable cannot take a value.
pub const VARIABLE: &str = "RW-X009";
/// The execution was cancelled.
pub const CANCELLED: &str = "RW-X010";
/// Undoing failed.
pub const ROLLBACK_FAILED: &str = "RW-X011";
/// A child cannot be started.
pub const CHILD: &str = "RW-X012";
/// Too many targets failed.
pub const TARGETS: &str = "RW-X013";
/// A call is too large for the journal.
pub const TOO_LARGE_CALL: &str = "RW-X014";

/// Every code with its page in Markdown.
pub const CODES: &[(&str, &str)] = &[
    (INVALID_INPUT, include_str!("../codes/RW-X001.md")),
    (RUBBISH_OUTPUT, include_str!("../codes/RW-X002.md")),
    (UNSELECTABLE_OUTPUT, include_str!("../codes/RW-X003.md")),
    (TIMED_OUT, include_str!("../codes/RW-X004.md")),
    (NON_DETERMINISM, include_str!("../codes/RW-X005.md")),
    (TOO_MANY_VISITS, include_str!("../codes/RW-X006.md")),
    (TOO_MANY_CALLS, include_str!("../codes/RW-X007.md")),
    (CONDITION, include_str!("../codes/RW-X008.md")),
    (VARIABLE, include_str!("../codes/RW-X009.md")),
    (CANCELLED, include_str!("../codes/RW-X010.md")),
    (ROLLBACK_FAILED, include_str!("../codes/RW-X011.md")),
    (CHILD, include_str!("../codes/RW-X012.md")),
    (TARGETS, include_str!("../codes/RW-X013.md")),
    (TOO_LARGE_CALL, include_str!("../codes/RW-X014.md")),
];
