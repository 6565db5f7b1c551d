//! "Did you mean": the known word closest to a wrong one.

use std::cell::Cell;

/// Words compared in one compilation. A document with thousands of wrong names gets fewer suggestions, not a
/// compilation of minutes.
const COMPARISONS_MAX: usize = 200_000;

/// Finds suggestions within a budget.
#[derive(Debug)]
pub(crate) struct Suggest {
    left: Cell<usize>,
}

impl Default for Suggest {
    fn default() -> Self {
        Self {
            left: Cell::new(COMPARISONS_MAX),
        }
    }
}

impl Suggest {
    /// The candidate most like `word`, if one is near enough to be a slip of the hand.
    pub(crate) fn nearest<'c>(&self, word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
        nearest(word, candidates.into_iter().take_while(|_| self.spend()))
    }

    fn spend(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}

/// The candidate most like `word`, without a budget: for short lists.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lower = word.to_lowercase();
    let most = (word.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate.len().abs_diff(word.len()) > most {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A short list for a message: `a`, `b`, `c` … and how many more.
pub(crate) fn listed<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    const SHOWN_MAX: usize = 12;
    let words: Vec<&str> = words.into_iter().collect();
    let mut text = words
        .iter()
        .take(SHOWN_MAX)
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if words.len() > SHOWN_MAX {
        text.push_str(&format!(" and {} more", words.len() - SHOWN_MAX));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let words = ["timeoutSeconds", "maxAttempts", "name"];
        assert_eq!(nearest("timeoutseconds", words), Some("timeoutSeconds"));
        assert_eq!(nearest("maxAtempts", words), Some("maxAttempts"));
        assert_eq!(nearest("nmae", words), Some("name"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn the_budget_ends() {
        let suggest = Suggest { left: Cell::new(1) };
        assert_eq!(suggest.nearest("ab", ["xx", "ab"]), None);
        assert_eq!(suggest.nearest("ab", ["ab"]), None);
    }
}
