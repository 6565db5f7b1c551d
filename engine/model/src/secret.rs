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
pub struct Secrets(Arc<BTreeMap<String, String>>);

impl Secrets {
    /// These placeholders and values.
    #[must_use]
    pub fn new(values: BTreeMap<String, String>) -> Self {
        Self(Arc::new(values))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value behind a placeholder that this execution was given.
    #[must_use]
    pub fn get(&self, placeholder: &str) -> Option<&str> {
        self.0.get(placeholder).map(String::as_str)
    }

    /// All placeholders and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The text with every known placeholder replaced by its value.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (placeholder, value) in self.0.iter() {
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

    /// The text with every value, plain or JSON-escaped, replaced by its placeholder. Values shorter
    /// than [`REDACT_CHARS_MIN`] are left: hiding every `a` would hide nothing and garble all.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (placeholder, value) in self.0.iter().filter(|(_, v)| v.len() >= REDACT_CHARS_MIN) {
            for form in forms(value) {
                if text.contains(&form) {
                    text = text.replace(&form, placeholder);
                }
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

/// The forms a value takes on its way: plain, JSON-escaped, URL-encoded, base64.
fn forms(value: &str) -> Vec<String> {
    use base64::Engine as _;
    let json = serde_json::Value::from(value).to_string();
    let url: String = value.bytes().map(url_byte).collect();
    let base64 = base64::engine::general_purpose::STANDARD.encode(value);
    let mut forms = vec![value.to_owned(), json[1..json.len() - 1].to_owned(), url, base64];
    forms.dedup();
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
        f.debug_set().entries(self.0.keys()).finish()
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
        assert_eq!(placeholders(&text).collect::<Vec<_>>(), ["((secret:/db/pw:3))", "((secret:/other:1))"]);
        assert_eq!(secrets().fill(&text), "a p\"ss wörd b ((secret:/other:1))");
        assert_eq!(parse_placeholder("((secret:/db/pw:3))"), Some(("/db/pw", 3)));
    }

    #[test]
    fn every_form_is_redacted() {
        for form in forms("p\"ss wörd") {
            assert_eq!(secrets().redact(&format!("x={form};")), "x=((secret:/db/pw:3));", "{form}");
        }
        assert!(!format!("{:?}", secrets()).contains("ss w"));
    }
}
