//! Taking secrets out of a stream that comes in pieces. For whole texts there is [`Secrets::redact`].

use crate::secret::Secrets;

/// Hides secrets in a stream, holding back only what may still become one. Nothing it gave out holds any part of a
/// form of a secret that was fed whole.
pub struct Redactor {
    secrets: Secrets,
    /// Bytes at the end that are the beginning of a character.
    begun: Vec<u8>,
    /// Text that was not given out yet.
    held: String,
}

impl Redactor {
    /// For these secrets. Without any, bytes pass as they are; else what is no UTF-8 is replaced.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self {
            secrets,
            begun: Vec::new(),
            held: String::new(),
        }
    }

    /// Takes a piece, and gives out what is certain.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<u8> {
        if self.secrets.is_empty() {
            return piece.to_vec();
        }
        self.decode(piece);
        let rest = self.held.split_off(self.certain());
        let certain = std::mem::replace(&mut self.held, rest);
        self.secrets.redact(&certain).into_bytes()
    }

    /// Gives out the rest: the stream has ended.
    pub fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.begun);
        self.held.push_str(&String::from_utf8_lossy(&rest));
        self.secrets.redact(&std::mem::take(&mut self.held)).into_bytes()
    }

    fn decode(&mut self, piece: &[u8]) {
        self.begun.extend_from_slice(piece);
        let whole = self.begun.len() - unfinished(&self.begun);
        let rest = self.begun.split_off(whole);
        self.held.push_str(&String::from_utf8_lossy(&self.begun));
        self.begun = rest;
    }

    /// The length of the beginning of what is held that no form of a secret reaches out of.
    fn certain(&self) -> usize {
        let text = self.held.as_str();
        let mut cut = self
            .secrets
            .forms()
            .map(|form| text.len() - overlap(text, form))
            .min()
            .unwrap_or(text.len());
        while let Some(start) = self.secrets.forms().filter_map(|form| across(text, form, cut)).min() {
            cut = start;
        }
        cut
    }
}

/// How many bytes at the end are the beginning of a character that has not come whole.
fn unfinished(bytes: &[u8]) -> usize {
    let length = |first: u8| match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    (1..=bytes.len().min(3))
        .find(|back| bytes[bytes.len() - back] & 0xc0 != 0x80)
        .filter(|back| length(bytes[bytes.len() - back]) > *back)
        .unwrap_or(0)
}

/// The length of the longest end of the text that is a beginning of the form, and not all of it.
fn overlap(text: &str, form: &str) -> usize {
    let (text, form) = (text.as_bytes(), form.as_bytes());
    let from = text.len().saturating_sub(form.len().saturating_sub(1));
    (from..text.len())
        .find(|start| form.starts_with(&text[*start..]))
        .map_or(0, |start| text.len() - start)
}

/// Where the form begins that stands across this place.
fn across(text: &str, form: &str, cut: usize) -> Option<usize> {
    let from = cut.saturating_sub(form.len().saturating_sub(1));
    let to = text.len().min(cut + form.len().saturating_sub(1));
    let (text, form) = (&text.as_bytes()[from..to], form.as_bytes());
    text.windows(form.len())
        .position(|window| window == form)
        .map(|at| from + at)
        .filter(|start| *start < cut)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn redactor(values: &[&str]) -> Redactor {
        let values = values
            .iter()
            .enumerate()
            .map(|(n, value)| (format!("((secret:/k:{n}))"), (*value).to_owned()));
        Redactor::new(Secrets::new(values.collect::<BTreeMap<_, _>>()))
    }

    fn in_pieces(values: &[&str], text: &[u8], size: usize) -> String {
        let mut redactor = redactor(values);
        let mut out: Vec<u8> = text.chunks(size).flat_map(|piece| redactor.feed(piece)).collect();
        out.extend(redactor.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn pieces_of_every_size_give_what_the_whole_gives() {
        let values = ["s3cr3t-wörd", "first line\nb\nthe third line\n", "aaab"];
        let text = "x s3cr3t-wörd s3cr3t first line\nb\nthe third line\nfirst line\nb aaaaab czNjcjN0LXfDtnJk €";
        let secrets = redactor(&values).secrets;
        let wanted = secrets.redact(text);
        assert!(!wanted.contains("wörd") && wanted.contains("/k:1") && wanted.contains("/k:2"));
        for size in 1..text.len() {
            assert_eq!(in_pieces(&values, text.as_bytes(), size), wanted, "in pieces of {size}");
        }
    }

    #[test]
    fn only_what_may_become_a_secret_is_held_back() {
        let mut redactor = redactor(&["s3cr3t-word"]);
        assert_eq!(redactor.feed(b"prompt> "), b"prompt> ");
        assert_eq!(redactor.feed(b"a s3cr3t"), b"a ");
        assert_eq!(redactor.feed(b"ion"), b"s3cr3tion");
    }

    #[test]
    fn without_secrets_bytes_stay_bytes() {
        assert_eq!(redactor(&[]).feed(&[0xff, 0xe2]), [0xff, 0xe2]);
        assert_eq!(
            in_pieces(&["s3cr3t"], &[b'a', 0xff, 0xe2, 0x82], 1),
            "a\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn a_form_inside_the_beginning_of_another_does_not_get_out() {
        let text = "--abcdefgh--abcdefghijkl-- efghijklmnop";
        for size in 1..text.len() {
            let out = in_pieces(&["abcdefgh", "efghijklmnop"], text.as_bytes(), size);
            assert!(!out.contains("abcd") && !out.contains("mnop"), "{out}");
        }
    }
}
