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

/// Java's classes are ASCII, its POSIX classes are `\p{Alpha}`, a hyphen behind a class in brackets is a hyphen, and it has
/// more ways to write a character.
fn from_java(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut depth = 0_usize;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' => {
                if let Some((taken, characters)) = characters(rest) {
                    characters.for_each(|c| out.push_str(&format!("\\x{{{:X}}}", u32::from(c))));
                    rest = &rest[taken..];
                    continue;
                }
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

/// The length of the escape that `text` begins with, and the characters it stands for, where only Java writes them so:
/// quoted (`\Qa.b\E`), as a pair of surrogates, by control letter or octal number, and `\<`, which elsewhere is a
/// boundary.
fn characters(text: &str) -> Option<(usize, std::vec::IntoIter<char>)> {
    let one = |length: usize, code: u32| Some((length, vec![char::from_u32(code)?].into_iter()));
    let after = &text[1..];
    match after.chars().next()? {
        'Q' => {
            let quoted = &after[1..];
            let (length, closing) = quoted.find("\\E").map_or((quoted.len(), 0), |at| (at, 2));
            let characters: Vec<char> = quoted[..length].chars().collect();
            Some((2 + length + closing, characters.into_iter()))
        }
        'u' => {
            let unit = |from: usize| u16::from_str_radix(text.get(from + 2..from + 6)?, 16).ok();
            let pair = [
                unit(0)?,
                text.get(6..8).filter(|escape| *escape == "\\u").and_then(|_| unit(6))?,
            ];
            let [Ok(character)] = char::decode_utf16(pair).collect::<Vec<_>>()[..] else {
                return None;
            };
            one(12, u32::from(character))
        }
        'c' => {
            let letter = after[1..].chars().next().filter(char::is_ascii)?;
            one(3, u32::from(letter) ^ 64)
        }
        '0' => {
            let digits: &str = &after[1..];
            let length = digits
                .bytes()
                .take(3)
                .take_while(|digit| (b'0'..=b'7').contains(digit))
                .count();
            one(2 + length, u32::from_str_radix(&digits[..length], 8).ok()?)
        }
        boundary @ ('<' | '>') => one(2, u32::from(boundary)),
        _ => None,
    }
}

/// The length of the escape that `text` begins with, and the class it stands for if it is one.
fn escape(text: &str) -> (usize, Option<String>) {
    const CLASSES: [(char, &str); 9] = [
        ('d', "[0-9]"),
        ('D', "[^0-9]"),
        ('w', "[a-zA-Z0-9_]"),
        ('W', "[^a-zA-Z0-9_]"),
        ('s', r"[ \t\n\x0B\f\r]"),
        ('S', r"[^ \t\n\x0B\f\r]"),
        ('h', r"[ \t]"),
        ('v', r"[\n\x0B\f\r\x{85}\x{2028}\x{2029}]"),
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
        // The characters that AWS allows in descriptions.
        let any = r"^[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*$";
        assert!(found(any, "é €\n😀") && !found(any, "\u{1}"));
        assert!(found(r"^\Qa.[b\E+$", "a.[bb") && !found(r"^\Qa.b\E$", "axb") && found(r"^\Q.", "."));
        assert!(found(r"^\<[\<\>]\cA\0101\v$", "<>\u{1}A\n"));
        assert!(compile("(").is_err());
        for strange in [
            r"\u",
            r"\uD800",
            r"\uD800\u0041",
            r"\uD8é0\u",
            r"\c",
            r"\cé",
            r"\0",
            r"\0é",
            r"\",
        ] {
            let _ = compile(strange);
        }
    }

    #[test]
    fn catastrophes_end() {
        let regex = compile(r"^((?!y)a|(?!z)a)*d$").unwrap();
        assert!(regex.is_match(&format!("{}db", "a".repeat(40))).is_err());
    }
}
