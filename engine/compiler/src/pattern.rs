//! `allowedPattern`: regular expressions of Java's dialect, with a budget.

use fancy_regex::{Regex, RegexBuilder};

use crate::limits::PATTERN_STEPS_MAX;

/// The pattern, ready to search with. Searching fails when it takes more than [`PATTERN_STEPS_MAX`] steps.
///
/// # Errors
///
/// Why it is no regular expression.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&from_java(pattern))
        .backtrack_limit(PATTERN_STEPS_MAX)
        .build()
        .map_err(|error| error.to_string())
}

/// Java's classes are ASCII, its POSIX classes are `\p{Alpha}`, and a hyphen behind a class in brackets is a hyphen.
fn from_java(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut depth = 0_usize;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' => {
                let (taken, class) = escape(rest);
                match class {
                    Some(class) => {
                        out.push_str(&class);
                        let hyphen = depth > 0 && rest[taken..].starts_with('-') && !rest[taken..].starts_with("-]");
                        out.push_str(if hyphen { "\\" } else { "" });
                    }
                    None => out.push_str(&rest[..taken]),
                }
                taken
            }
            '[' => {
                depth += 1;
                out.push(c);
                1
            }
            ']' => {
                depth = depth.saturating_sub(1);
                out.push(c);
                1
            }
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// The length of the escape that `text` begins with, and the class it stands for if it is one.
fn escape(text: &str) -> (usize, Option<String>) {
    const CLASSES: [(char, &str); 8] = [
        ('d', "[0-9]"),
        ('D', "[^0-9]"),
        ('w', "[a-zA-Z0-9_]"),
        ('W', "[^a-zA-Z0-9_]"),
        ('s', r"[ \t\n\x0B\f\r]"),
        ('S', r"[^ \t\n\x0B\f\r]"),
        ('h', r"[ \t]"),
        ('Z', r"(?=\n?\z)"),
    ];
    let Some(letter) = text[1..].chars().next() else {
        return (1, None);
    };
    let length = 1 + letter.len_utf8();
    if let Some((_, class)) = CLASSES.iter().find(|(c, _)| *c == letter) {
        return (length, Some((*class).to_owned()));
    }
    let braces = text[length..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
    match (letter, braces) {
        ('p' | 'P', Some((name, _))) => {
            let taken = length + name.len() + 2;
            (taken, property(name, letter == 'P'))
        }
        _ => (length, None),
    }
}

fn property(name: &str, negated: bool) -> Option<String> {
    const POSIX: [&str; 11] = [
        "Lower", "Upper", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank", "Cntrl", "Space",
    ];
    let (not, not_property) = if negated { ("^", "P") } else { ("", "p") };
    match name {
        "XDigit" => Some(format!("[[:{not}xdigit:]]")),
        "ASCII" => Some(format!("[[:{not}ascii:]]")),
        _ if POSIX.contains(&name) => Some(format!("[[:{not}{}:]]", name.to_lowercase())),
        _ => name
            .strip_prefix("Is")
            .map(|script| format!("\\{not_property}{{{script}}}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap().is_match(text).unwrap()
    }

    #[test]
    fn the_dialect_is_javas() {
        assert!(found(r"^[\w-.]+$", "a-b.c"));
        assert!(found(r"^[\w.-]+$", "a-b.c"));
        assert!(found(r"^\p{Alnum}+$", "aZ9"));
        assert!(!found(r"^\d$", "٣"), "Java's \\d is ASCII");
        assert!(found(r"^(?!bad)(?<x>a)\k<x>$", "aa"));
        assert!(found(r"^(?i)abc$", "ABC"));
        assert!(found(r"[^\s]", "x"));
        assert!(found(r"^a\/b$", "a/b"));
        assert!(found(r"^\p{IsAlphabetic}$", "é"));
        assert!(found(r"^$|^arn:(aws|aws-cn):iam::\d{12}:role/[\w+=,.@_/-]+", ""));
        assert!(found("b", "abc"), "patterns are searched");
        assert!(compile("(").is_err());
    }

    #[test]
    fn catastrophes_end() {
        let regex = compile(r"^((?!y)a|(?!z)a)*d$").unwrap();
        assert!(regex.is_match(&format!("{}db", "a".repeat(40))).is_err());
    }
}
