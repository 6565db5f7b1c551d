//! Stable codes of the host's errors and failures, and their pages.

/// Not a Wasm component at all.
pub(crate) const NOT_A_COMPONENT: &str = "RW-H001";
/// A core module.
pub(crate) const CORE_MODULE: &str = "RW-H002";
/// A component that is cut off or does not validate.
pub(crate) const BROKEN: &str = "RW-H003";
/// An import that the host does not offer.
pub(crate) const UNKNOWN_IMPORT: &str = "RW-H004";
/// A component for another world.
pub(crate) const OTHER_WORLD: &str = "RW-H005";
/// A component that is too large.
pub(crate) const TOO_LARGE: &str = "RW-H006";
/// A component that nobody has.
pub(crate) const MISSING: &str = "RW-H007";
/// Bytes that are not those of the digest.
pub(crate) const WRONG_BYTES: &str = "RW-H008";
/// A cache folder that cannot be used.
pub(crate) const CACHE_FOLDER: &str = "RW-H009";
/// The runtime does not start.
pub(crate) const ENGINE: &str = "RW-H010";
/// A manifest that cannot be used.
pub(crate) const MANIFEST: &str = "RW-H011";
/// `describe` failed.
pub(crate) const DESCRIBE: &str = "RW-H012";
/// A limit was reached.
pub(crate) const LIMIT: &str = "RW-H013";
/// The plugin trapped.
pub(crate) const TRAP: &str = "RW-H014";
/// The plugin returned what is no JSON object.
pub(crate) const RUBBISH: &str = "RW-H015";
/// An answer that does not belong to its call.
pub(crate) const WRONG_ANSWER: &str = "RW-H016";
/// The instance could not be made or run, for a reason of the machine.
pub(crate) const INSTANCE: &str = "RW-H017";
/// A capability call where nothing may be called.
pub(crate) const CALL_IN_DESCRIBE: &str = "RW-H018";
/// A sleep of the standard library that could not be waited for.
pub(crate) const SLEEP: &str = "RW-H019";

/// The bytes of an attachment are not in the store.
pub(crate) const ATTACHMENT: &str = "RW-H020";

/// The plugin broke the rules by which components pass values.
pub(crate) const BOUNDARY: &str = "RW-H030";
/// The component needs more parts than the sandbox has.
pub(crate) const TOO_MANY_PARTS: &str = "RW-H031";
/// Compiling took too much.
pub(crate) const COMPILE_LIMIT: &str = "RW-H040";
/// The compiler crashed.
pub(crate) const COMPILER_CRASHED: &str = "RW-H041";
/// The program that compiles cannot be used.
pub(crate) const COMPILER: &str = "RW-H042";

/// Every code with its page in Markdown.
pub const CODES: &[(&str, &str)] = &[
    (NOT_A_COMPONENT, include_str!("../codes/RW-H001.md")),
    (CORE_MODULE, include_str!("../codes/RW-H002.md")),
    (BROKEN, include_str!("../codes/RW-H003.md")),
    (UNKNOWN_IMPORT, include_str!("../codes/RW-H004.md")),
    (OTHER_WORLD, include_str!("../codes/RW-H005.md")),
    (TOO_LARGE, include_str!("../codes/RW-H006.md")),
    (MISSING, include_str!("../codes/RW-H007.md")),
    (WRONG_BYTES, include_str!("../codes/RW-H008.md")),
    (CACHE_FOLDER, include_str!("../codes/RW-H009.md")),
    (ENGINE, include_str!("../codes/RW-H010.md")),
    (MANIFEST, include_str!("../codes/RW-H011.md")),
    (DESCRIBE, include_str!("../codes/RW-H012.md")),
    (LIMIT, include_str!("../codes/RW-H013.md")),
    (TRAP, include_str!("../codes/RW-H014.md")),
    (RUBBISH, include_str!("../codes/RW-H015.md")),
    (WRONG_ANSWER, include_str!("../codes/RW-H016.md")),
    (INSTANCE, include_str!("../codes/RW-H017.md")),
    (CALL_IN_DESCRIBE, include_str!("../codes/RW-H018.md")),
    (SLEEP, include_str!("../codes/RW-H019.md")),
    (ATTACHMENT, include_str!("../codes/RW-H020.md")),
    (BOUNDARY, include_str!("../codes/RW-H030.md")),
    (TOO_MANY_PARTS, include_str!("../codes/RW-H031.md")),
    (COMPILE_LIMIT, include_str!("../codes/RW-H040.md")),
    (COMPILER_CRASHED, include_str!("../codes/RW-H041.md")),
    (COMPILER, include_str!("../codes/RW-H042.md")),
];
