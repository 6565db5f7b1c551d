//! Stable codes of what goes wrong with registries and signatures, and their pages.

/// A reference that cannot be read.
pub const REFERENCE: &str = "RW-P101";
/// A registry that cannot be reached.
pub const UNREACHABLE: &str = "RW-P102";
/// A registry whose answer makes no sense.
pub const GARBAGE: &str = "RW-P103";
/// A registry that lets us not in.
pub const UNAUTHORIZED: &str = "RW-P104";
/// A registry that does not have it.
pub const NOT_FOUND: &str = "RW-P105";
/// Other bytes than the digest says.
pub const WRONG_DIGEST: &str = "RW-P106";
/// More bytes than a limit allows.
pub const TOO_LARGE: &str = "RW-P107";
/// An artifact that holds no component.
pub const NOT_A_COMPONENT: &str = "RW-P108";
/// A registry without TLS.
pub const PLAIN_HTTP: &str = "RW-P109";
/// A plugin of a registry without a digest.
pub const NOT_PINNED: &str = "RW-P110";
/// It is not here, and no registry may be asked.
pub const OFFLINE: &str = "RW-P111";
/// A key that cannot be read.
pub const KEY: &str = "RW-P112";
/// No signature.
pub const UNSIGNED: &str = "RW-P113";
/// Signatures, but none by a key that counts.
pub const WRONGLY_SIGNED: &str = "RW-P114";
/// A signature of something else.
pub const OTHER_CONTENT: &str = "RW-P115";
/// A lower version than before.
pub const DOWNGRADE: &str = "RW-P116";
/// A lower version than the operator demands.
pub const TOO_OLD: &str = "RW-P117";
/// A folder or file that cannot be used.
pub const FILE: &str = "RW-P118";
/// A program that keeps logins and gives none.
pub const HELPER: &str = "RW-P119";

/// Every code with its page in Markdown.
pub const CODES: &[(&str, &str)] = &[
    (REFERENCE, include_str!("../codes/RW-P101.md")),
    (UNREACHABLE, include_str!("../codes/RW-P102.md")),
    (GARBAGE, include_str!("../codes/RW-P103.md")),
    (UNAUTHORIZED, include_str!("../codes/RW-P104.md")),
    (NOT_FOUND, include_str!("../codes/RW-P105.md")),
    (WRONG_DIGEST, include_str!("../codes/RW-P106.md")),
    (TOO_LARGE, include_str!("../codes/RW-P107.md")),
    (NOT_A_COMPONENT, include_str!("../codes/RW-P108.md")),
    (PLAIN_HTTP, include_str!("../codes/RW-P109.md")),
    (NOT_PINNED, include_str!("../codes/RW-P110.md")),
    (OFFLINE, include_str!("../codes/RW-P111.md")),
    (KEY, include_str!("../codes/RW-P112.md")),
    (UNSIGNED, include_str!("../codes/RW-P113.md")),
    (WRONGLY_SIGNED, include_str!("../codes/RW-P114.md")),
    (OTHER_CONTENT, include_str!("../codes/RW-P115.md")),
    (DOWNGRADE, include_str!("../codes/RW-P116.md")),
    (TOO_OLD, include_str!("../codes/RW-P117.md")),
    (FILE, include_str!("../codes/RW-P118.md")),
    (HELPER, include_str!("../codes/RW-P119.md")),
];
