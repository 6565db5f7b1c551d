//! Places in the text: byte ranges while compiling, lines and columns in what is reported.

use crate::diagnostic::Span;

/// A byte range of the source. Sources are limited to a few megabytes, so `u32` is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Place {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Place {
    /// The range between two byte offsets.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end.max(start)),
        }
    }

    /// The text at this place.
    pub(crate) fn slice(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// Bytes between two counts of characters: a column is found by counting at most so many.
const CHUNK_BYTES: usize = 1_024;

/// Where lines begin.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    starts: Vec<u32>,
    /// Characters before each chunk; empty for ASCII text, where they are bytes.
    chars: Vec<u32>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| Place::new(at + 1, 0).start));
        let mut chars = Vec::new();
        if !text.is_ascii() {
            let mut before = 0;
            for chunk in text.as_bytes().chunks(CHUNK_BYTES) {
                chars.push(before);
                before += count(chunk);
            }
        }
        Self { starts, chars }
    }

    /// Line and column of a place. One byte stands for the whole character that begins there.
    pub(crate) fn span(&self, text: &str, place: Place) -> Span {
        let line = self.starts.partition_point(|start| *start <= place.start);
        let line_start = self.starts[line - 1] as usize;
        let start = text.floor_char_boundary(place.start as usize);
        let end = text.ceil_char_boundary((place.end as usize).min(text.len()));
        let column = self.chars_before(text, start) - self.chars_before(text, line_start) + 1;
        Span {
            bytes: start..end,
            line,
            column,
        }
    }

    fn chars_before(&self, text: &str, offset: usize) -> usize {
        let chunk = offset / CHUNK_BYTES;
        match self.chars.get(chunk) {
            Some(before) => (*before + count(&text.as_bytes()[chunk * CHUNK_BYTES..offset])) as usize,
            // ASCII, or the end of a text whose length is a multiple of the chunk's.
            None if self.chars.is_empty() => offset,
            None => text.chars().count(),
        }
    }
}

/// How many characters begin in these bytes of UTF-8.
fn count(bytes: &[u8]) -> u32 {
    let starts = bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    Place::new(starts, 0).start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = format!("é{}\nü: x\n", "ö".repeat(3_000));
        let lines = Lines::new(&text);
        let at = text.find('x').unwrap();
        let span = lines.span(&text, Place::new(at, at + 1));
        assert_eq!((span.line, span.column), (2, 4));
        let span = lines.span(&text, Place::new(text.find('\n').unwrap(), 0));
        assert_eq!((span.line, span.column), (1, 3_002));
        let span = lines.span(&text, Place::new(text.len(), text.len()));
        assert_eq!((span.line, span.column), (3, 1));
    }

    #[test]
    fn one_byte_stands_for_its_character() {
        let text = "a: é";
        let span = Lines::new(text).span(text, Place::new(3, 4));
        assert_eq!(&text[span.bytes], "é");
    }
}
