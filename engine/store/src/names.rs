//! Finding names by content in bytes.
//!
//! A value that is kept by content is named by its digest, and whoever uses it writes the name down: 64
//! hexadecimal digits, whatever stands around them. Looking for the names in the bytes finds every use, also one
//! inside a text that a plugin made, and needs to know nothing of events. It may find a use that is none; then a
//! value is kept longer than it must be.

use std::collections::BTreeSet;

use runwright_model::digest::Digest;

/// Digits of a digest.
const DIGITS: usize = 64;

/// Adds those of `names` that stand in `bytes` to `found`.
pub fn find(bytes: &[u8], names: &BTreeSet<Digest>, found: &mut BTreeSet<Digest>) {
    let mut run = 0;
    for (place, byte) in bytes.iter().enumerate() {
        run = if byte.is_ascii_hexdigit() { run + 1 } else { 0 };
        if run >= DIGITS
            && let Ok(text) = std::str::from_utf8(&bytes[place + 1 - DIGITS..=place])
            && let Ok(name) = text.parse()
            && names.contains(&name)
        {
            found.insert(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_stands_around_them() {
        let name = Digest::of(b"here");
        let names = BTreeSet::from([name, Digest::of(b"elsewhere")]);
        let hex = name.to_hex();
        for text in [
            hex.clone(),
            name.to_string(),
            format!("\\u00{hex}"),
            format!("ab{hex}cd"),
            hex.to_uppercase(),
        ] {
            let mut found = BTreeSet::new();
            find(text.as_bytes(), &names, &mut found);
            assert_eq!(found, BTreeSet::from([name]), "{text}");
        }
        let mut found = BTreeSet::new();
        find(&hex.as_bytes()[1..], &names, &mut found);
        assert!(found.is_empty());
    }
}
