//! Secrets by placeholder: plugins, journals and logs hold a text that stands for the value.
//!
//! A placeholder names a parameter and a version: `((secret:/app/db/password:3))`. It is replaced where an
//! effect happens, and only in an execution whose journal shows that it was given out: making one up does
//! not open a secret.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::capability;

const OPEN: &str = "((secret:";
const CLOSE: &str = "))";

/// The placeholder for one version of a secure parameter.
#[must_use]
pub fn placeholder(name: &str, version: u64) -> String {
    format!("{OPEN}{name}:{version}{CLOSE}")
}

/// The parameter's name and version a placeholder stands for; `None` if it is none.
#[must_use]
pub fn parse_placeholder(text: &str) -> Option<(&str, u64)> {
    let inner = text.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    let (name, version) = inner.rsplit_once(':')?;
    Some((name, version.parse().ok()?))
}

/// All placeholders inside a text, in order.
pub fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(OPEN)?;
        let from = &rest[start..];
        let end = from.find(CLOSE)? + CLOSE.len();
        rest = &from[end..];
        Some(&from[..end])
    })
}

/// The placeholders an execution was given, each with its value. Cheap to clone; its debug form shows no value.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Inner>);

#[derive(Default)]
struct Inner {
    values: BTreeMap<String, String>,
    /// What is looked for in texts, longest first, with the placeholder that takes its place.
    forms: Vec<(String, String)>,
}

impl Secrets {
    /// These placeholders and values.
    #[must_use]
    pub fn new(values: BTreeMap<String, String>) -> Self {
        let mut forms = Vec::new();
        for (placeholder, value) in &values {
            forms.extend(forms_of(value).into_iter().map(|form| (form, placeholder.clone())));
        }
        // A secret that is part of another must not be taken out of its middle, leaving the rest to be read.
        forms.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Self(Arc::new(Inner { values, forms }))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values.is_empty()
    }

    /// The value behind a placeholder that this execution was given.
    #[must_use]
    pub fn get(&self, placeholder: &str) -> Option<&str> {
        self.0.values.get(placeholder).map(String::as_str)
    }

    /// All placeholders and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.values.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// What is looked for in texts, longest first.
    pub(crate) fn forms(&self) -> impl Iterator<Item = &str> {
        self.0.forms.iter().map(|(form, _)| form.as_str())
    }

    /// The text with every known placeholder replaced by its value.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (placeholder, value) in &self.0.values {
            if text.contains(placeholder.as_str()) {
                text = text.replace(placeholder.as_str(), value);
            }
        }
        text
    }

    /// The same for bytes; bytes that are no UTF-8 are left alone.
    #[must_use]
    pub fn fill_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.is_empty() {
            return bytes;
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.fill(&text).into_bytes(),
            Err(error) => error.into_bytes(),
        }
    }

    /// The text with every value replaced by its placeholder, in every form it may have taken on its way: plain,
    /// JSON-escaped, URL-encoded, base64 (also as part of something longer), and single lines of a value of several.
    /// Values shorter than [`REDACT_CHARS_MIN`] are left: hiding every `a` would hide nothing and garble all.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (form, placeholder) in &self.0.forms {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), placeholder);
            }
        }
        text
    }
}

/// Knows the values behind placeholders.
#[async_trait::async_trait]
pub trait SecretSource: Send + Sync {
    /// These placeholders with their values.
    ///
    /// # Errors
    ///
    /// `NotFound` when one of them names no version that is kept, `Invalid` when it is no placeholder, and
    /// `Unavailable` when the store fails.
    async fn secrets(&self, placeholders: Vec<String>) -> Result<Secrets, capability::Error>;
}

/// Shorter values are not looked for in texts.
pub const REDACT_CHARS_MIN: usize = 4;

/// Shorter lines of a value of several, and shorter pieces of base64, are not looked for: a brace is no secret.
const PIECE_CHARS_MIN: usize = 8;

/// The forms a value takes on its way.
fn forms_of(value: &str) -> Vec<String> {
    let mut texts = vec![value];
    if value.trim_end().contains('\n') {
        texts.extend(
            value
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= PIECE_CHARS_MIN),
        );
    } else {
        texts.push(value.trim_end());
    }
    let mut forms: Vec<String> = Vec::new();
    for text in texts.into_iter().filter(|text| text.len() >= REDACT_CHARS_MIN) {
        let json = serde_json::Value::from(text).to_string();
        let url: String = text.bytes().map(url_byte).collect();
        forms.push(text.to_owned());
        forms.push(json[1..json.len() - 1].to_owned());
        forms.push(ascii_json(&json[1..json.len() - 1]));
        forms.push(url.replace("%20", "+"));
        forms.push(lower_escapes(&url));
        forms.push(url);
        forms.extend(base64_forms(text.as_bytes()));
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// JSON text in which what is not ASCII is escaped.
fn ascii_json(text: &str) -> String {
    let escape = |c: char| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units)
            .iter()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect()
    };
    text.chars()
        .map(|c| if c.is_ascii() { c.to_string() } else { escape(c) })
        .collect()
}

/// The same URL encoding with small hexadecimal digits.
fn lower_escapes(url: &str) -> String {
    let mut parts = url.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        format!("{text}%{}{}", part[..2].to_lowercase(), &part[2..])
    })
}

/// The base64 of a value alone, and what is certain of it inside something longer, at each of three places.
fn base64_forms(value: &[u8]) -> Vec<String> {
    use base64::Engine as _;
    let engine = &base64::engine::general_purpose::STANDARD;
    let mut forms = vec![engine.encode(value)];
    for before in 0..3 {
        let text = engine.encode([&[0; 2][..before], value].concat());
        // The first characters mix with what is before, the last with what comes after.
        let (from, to) = ((before * 8).div_ceil(6), (before + value.len()) * 8 / 6);
        if to >= from + PIECE_CHARS_MIN {
            forms.push(text[from..to].to_owned());
        }
    }
    let for_urls: Vec<String> = forms
        .iter()
        .map(|form| form.replace('+', "-").replace('/', "_"))
        .collect();
    forms.extend(for_urls);
    forms
}

fn url_byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(BTreeMap::from([(placeholder("/db/pw", 3), "p\"ss wörd".to_owned())]))
    }

    #[test]
    fn placeholders_are_found_and_filled() {
        let text = format!("a {} b ((secret:/other:1))", placeholder("/db/pw", 3));
        assert_eq!(
            placeholders(&text).collect::<Vec<_>>(),
            ["((secret:/db/pw:3))", "((secret:/other:1))"]
        );
        assert_eq!(secrets().fill(&text), "a p\"ss wörd b ((secret:/other:1))");
        assert_eq!(parse_placeholder("((secret:/db/pw:3))"), Some(("/db/pw", 3)));
    }

    #[test]
    fn every_form_is_redacted() {
        for form in forms_of("p\"ss wörd") {
            assert_eq!(
                secrets().redact(&format!("x={form};")),
                "x=((secret:/db/pw:3));",
                "{form}"
            );
        }
        assert!(!format!("{:?}", secrets()).contains("ss w"));
    }

    #[test]
    fn base64_of_something_longer_is_redacted() {
        use base64::Engine as _;
        let secrets = Secrets::new(BTreeMap::from([("((secret:/k:1))".into(), "correct horse".into())]));
        for (before, after) in [("", ""), ("", "\n"), ("user:", ""), ("us:", "!!"), ("u:", "\n")] {
            for engine in [
                &base64::engine::general_purpose::STANDARD,
                &base64::engine::general_purpose::URL_SAFE,
            ] {
                let redacted = secrets.redact(&engine.encode(format!("{before}correct horse{after}")));
                assert!(redacted.contains("((secret:/k:1))"), "{before:?} {after:?}: {redacted}");
            }
        }
    }

    #[test]
    fn the_longer_of_two_secrets_goes_first() {
        let values = [("((secret:/a:1))", "hunter"), ("((secret:/b:1))", "hunter2-long")];
        let secrets = Secrets::new(values.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        assert_eq!(secrets.redact("hunter2-long hunter"), "((secret:/b:1)) ((secret:/a:1))");
    }

    #[test]
    fn single_lines_of_a_secret_are_redacted() {
        let key = "-----BEGIN-----\nabcdefghij\n}\n";
        let secrets = Secrets::new(BTreeMap::from([("((secret:/k:1))".into(), key.into())]));
        assert_eq!(secrets.redact("abcdefghij }"), "((secret:/k:1)) }");
        assert_eq!(secrets.redact(key), "((secret:/k:1))");
    }
}
