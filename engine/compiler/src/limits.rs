//! The compiler's limits. Each has a name that its diagnostic tells.

/// `source-bytes`: the size of a document. The service takes 64 KB; ten thousand steps need more.
pub const SOURCE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// `nesting-levels`: how deep values may be nested. A plan is JSON with up to three levels for each level here,
/// and JSON is read back with 128 levels at most.
pub const NESTING_LEVELS_MAX: usize = 40;

/// `document-values`: keys, list items and scalars of a document, aliases expanded.
pub const VALUES_MAX: usize = 2_000_000;

/// `plan-steps`: steps of a runbook.
pub const STEPS_MAX: usize = 20_000;

/// `targets`: targets of one start. The service takes 300.
pub const TARGETS_MAX: usize = 5_000;

/// `plan-concurrency`: the most that `maxConcurrency` may ask for.
pub const CONCURRENCY_MAX: u32 = 1_000;

/// Steps that run at the same time in graph order when the document does not say.
pub const CONCURRENCY_DEFAULT: u32 = 16;

/// `pattern-steps`: backtracking steps one match of an `allowedPattern` may take.
pub const PATTERN_STEPS_MAX: usize = 1_000_000;
