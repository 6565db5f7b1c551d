//! The keyword `pattern` of schemas: a regular expression of ECMAScript's kind, found anywhere in a text.
//!
//! Patterns come with plugins, so strangers write them: how large one may get and how long it may look are bounded.

use fancy_regex::{Regex, RegexBuilder};

/// Bytes of a pattern that is ready to search with, and of what searching keeps in memory.
const SIZE_BYTES_MAX: usize = 1 << 20;
/// Steps of one search that had to go back. The same everywhere: an execution that goes on elsewhere gets the same answer.
const STEPS_MAX: usize = 100_000;

/// The pattern, ready to search with.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .backtrack_limit(STEPS_MAX)
        .delegate_size_limit(SIZE_BYTES_MAX)
        .delegate_dfa_size_limit(SIZE_BYTES_MAX)
        .build()
        .map_err(|error| error.to_string())
}

/// Why the text does not fit the pattern; `None` when it does.
pub(crate) fn misfit(pattern: &str, text: &str) -> Option<String> {
    match compile(pattern).map(|regex| regex.is_match(text)) {
        Ok(Ok(true)) => None,
        Ok(Ok(false)) => Some(format!("{text:?} does not match the pattern `{pattern}`")),
        Ok(Err(error)) => Some(format!(
            "{text:?} cannot be held against the pattern `{pattern}`: {error}"
        )),
        Err(error) => Some(format!("its pattern `{pattern}` cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_anywhere() {
        assert_eq!(misfit("b+", "abc"), None);
        assert_eq!(misfit("^(?!-)[a-z-]+$", "a-b"), None, "looks ahead as ECMAScript does");
        let why = misfit("^b", "abc").unwrap();
        assert_eq!(why, "\"abc\" does not match the pattern `^b`");
    }

    #[test]
    fn a_pattern_may_neither_grow_nor_search_without_end() {
        assert!(compile("(a{1000}){1000}").is_err());
        let why = misfit("^(a|a)*\\1?(?=b)$", &"a".repeat(40)).unwrap();
        assert!(
            why.contains("cannot be held against") || why.contains("does not match"),
            "{why}"
        );
        assert!(misfit("(", "x").unwrap().contains("cannot be read"));
    }
}
