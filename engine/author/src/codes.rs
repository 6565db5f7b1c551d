//! Codes of what goes wrong while a plugin is made.

/// Every code with its page in Markdown.
pub const CODES: &[(&str, &str)] = &[
    ("RW-P001", include_str!("../codes/RW-P001.md")),
    ("RW-P002", include_str!("../codes/RW-P002.md")),
    ("RW-P003", include_str!("../codes/RW-P003.md")),
    ("RW-P004", include_str!("../codes/RW-P004.md")),
    ("RW-P005", include_str!("../codes/RW-P005.md")),
    ("RW-P006", include_str!("../codes/RW-P006.md")),
    ("RW-P007", include_str!("../codes/RW-P007.md")),
];
