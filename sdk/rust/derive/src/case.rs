//! The forms of names that serde's `rename_all` makes.

use syn::{Error, LitStr, Result};

/// A form of names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Case {
    /// As it is written.
    #[default]
    Same,
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    pub(crate) fn named(name: &LitStr) -> Result<Self> {
        Ok(match name.value().as_str() {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return Err(Error::new(name.span(), "serde knows no such form of names")),
        })
    }

    /// The name of a field, which is written `in_snake_case`.
    pub(crate) fn of_field(self, name: &str) -> String {
        self.of(name, name.split('_').map(str::to_owned).collect())
    }

    /// The name of a variant, which is written `InPascalCase`.
    pub(crate) fn of_variant(self, name: &str) -> String {
        let mut words: Vec<String> = Vec::new();
        for letter in name.chars() {
            match words.last_mut() {
                Some(word) if !letter.is_uppercase() => word.push(letter),
                Some(_) | None => words.push(letter.to_string()),
            }
        }
        self.of(name, words)
    }

    fn of(self, name: &str, words: Vec<String>) -> String {
        let lower = |with: &str| words.join(with).to_lowercase();
        match self {
            Self::Same => name.to_owned(),
            Self::Lower => name.to_lowercase(),
            Self::Upper => name.to_uppercase(),
            Self::Pascal => words.iter().map(|word| capital(word)).collect(),
            Self::Camel => {
                let pascal: String = words.iter().map(|word| capital(word)).collect();
                let mut letters = pascal.chars();
                letters
                    .next()
                    .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
            }
            Self::Snake => lower("_"),
            Self::ScreamingSnake => lower("_").to_uppercase(),
            Self::Kebab => lower("-"),
            Self::ScreamingKebab => lower("-").to_uppercase(),
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_serde_makes() {
        assert_eq!(Case::Pascal.of_field("dry_run"), "DryRun");
        assert_eq!(Case::Camel.of_field("dry_run"), "dryRun");
        assert_eq!(Case::Kebab.of_field("dry_run"), "dry-run");
        assert_eq!(Case::Same.of_field("dry_run"), "dry_run");
        assert_eq!(Case::Kebab.of_variant("DryRun"), "dry-run");
        assert_eq!(Case::Lower.of_variant("DryRun"), "dryrun");
        assert_eq!(Case::ScreamingSnake.of_variant("DryRun"), "DRY_RUN");
        assert_eq!(Case::Same.of_variant("DryRun"), "DryRun");
    }
}
