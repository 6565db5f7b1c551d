//! Codes of what only the engine as a whole can find out.

/// Every code with its page in Markdown.
pub const CODES: &[(&str, &str)] = &[
    ("RW-C900", include_str!("../codes/RW-C900.md")),
    ("RW-C901", include_str!("../codes/RW-C901.md")),
    ("RW-C902", include_str!("../codes/RW-C902.md")),
    ("RW-C903", include_str!("../codes/RW-C903.md")),
    ("RW-C904", include_str!("../codes/RW-C904.md")),
    ("RW-C905", include_str!("../codes/RW-C905.md")),
    ("RW-C906", include_str!("../codes/RW-C906.md")),
    ("RW-C907", include_str!("../codes/RW-C907.md")),
    ("RW-C908", include_str!("../codes/RW-C908.md")),
    ("RW-P010", include_str!("../codes/RW-P010.md")),
    ("RW-P011", include_str!("../codes/RW-P011.md")),
    ("RW-P012", include_str!("../codes/RW-P012.md")),
    ("RW-S900", include_str!("../codes/RW-S900.md")),
    ("RW-S901", include_str!("../codes/RW-S901.md")),
    ("RW-S902", include_str!("../codes/RW-S902.md")),
];
