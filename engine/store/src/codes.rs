//! The pages of this crate's error codes, as `runwright explain RW-S…` prints them.

use crate::Error;

/// Every code with its page, in Markdown, in the order of the codes.
pub const CODES: &[(&str, &str)] = &[
    ("RW-S001", include_str!("../codes/RW-S001.md")),
    ("RW-S002", include_str!("../codes/RW-S002.md")),
    ("RW-S003", include_str!("../codes/RW-S003.md")),
    ("RW-S004", include_str!("../codes/RW-S004.md")),
    ("RW-S005", include_str!("../codes/RW-S005.md")),
    ("RW-S006", include_str!("../codes/RW-S006.md")),
    ("RW-S007", include_str!("../codes/RW-S007.md")),
    ("RW-S008", include_str!("../codes/RW-S008.md")),
    ("RW-S009", include_str!("../codes/RW-S009.md")),
    ("RW-S010", include_str!("../codes/RW-S010.md")),
    ("RW-S011", include_str!("../codes/RW-S011.md")),
    ("RW-S012", include_str!("../codes/RW-S012.md")),
    ("RW-S013", include_str!("../codes/RW-S013.md")),
];

impl Error {
    /// Its stable code; its page is in [`CODES`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "RW-S001",
            Self::Fenced { .. } => "RW-S002",
            Self::TooLarge { .. } => "RW-S003",
            Self::Damaged { .. } => "RW-S004",
            Self::InUse { .. } => "RW-S005",
            Self::Newer { .. } => "RW-S006",
            Self::Full { .. } => "RW-S007",
            Self::Directory { .. } => "RW-S008",
            Self::Backend(_) => "RW-S009",
            Self::Closed => "RW-S010",
            Self::Misnumbered { .. } => "RW-S011",
            Self::Stream { .. } => "RW-S012",
            Self::Differs { .. } => "RW-S013",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_says_what_why_and_what_to_do() {
        for (code, page) in CODES {
            assert!(
                page.starts_with(&format!("# {code}: ")),
                "{code} opens with its own heading"
            );
            for part in ["## What it means", "## Why", "## What to do"] {
                assert!(page.contains(part), "{code} has no part `{part}`");
            }
        }
    }
}
