//! What a guest writes for people: made harmless, cut, and limited.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runwright_model::{
    invocation::Calls,
    log::{Level, Stream},
};

use crate::Limits;

/// The log of one call. Cheap to clone: the guest's standard streams hold it too.
#[derive(Clone)]
pub(crate) struct Logbook(Arc<Mutex<Pages>>);

struct Pages {
    calls: Arc<dyn Calls>,
    bytes_left: usize,
    bytes_limit: usize,
    line_limit: usize,
    full: bool,
    stdout: Unfinished,
    stderr: Unfinished,
    last_errors: VecDeque<String>,
}

/// A line whose end has not come.
#[derive(Default)]
struct Unfinished {
    bytes: Vec<u8>,
    dropped: usize,
}

impl Logbook {
    pub(crate) fn new(calls: Arc<dyn Calls>, limits: &Limits) -> Self {
        let bytes = usize::try_from(limits.log_bytes).unwrap_or(usize::MAX);
        Self(Arc::new(Mutex::new(Pages {
            calls,
            bytes_left: bytes,
            bytes_limit: bytes,
            line_limit: usize::try_from(limits.log_line_bytes).unwrap_or(usize::MAX),
            full: false,
            stdout: Unfinished::default(),
            stderr: Unfinished::default(),
            last_errors: VecDeque::new(),
        })))
    }

    /// Writes one line.
    pub(crate) fn line(&self, level: Level, stream: Stream, text: &str) {
        self.pages().line(level, stream, text, 0);
    }

    /// Takes bytes of a standard stream and writes the lines that are complete.
    pub(crate) fn bytes(&self, stream: Stream, bytes: &[u8]) {
        let mut pages = self.pages();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            pages.part(stream, part);
        }
    }

    /// Writes what is left of unfinished lines.
    pub(crate) fn finish(&self) {
        let mut pages = self.pages();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let unfinished = pages.unfinished(stream);
            if !unfinished.bytes.is_empty() {
                pages.end_line(stream);
            }
        }
    }

    /// The last lines that were written to standard error: a language's own words for its crash.
    pub(crate) fn last_errors(&self) -> String {
        self.pages().last_errors.make_contiguous().join(" / ")
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // A panic while logging leaves at worst half a line.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn unfinished(&mut self, stream: Stream) -> &mut Unfinished {
        match stream {
            Stream::Stderr => &mut self.stderr,
            Stream::Stdout | Stream::Log | Stream::Progress => &mut self.stdout,
        }
    }

    fn part(&mut self, stream: Stream, part: &[u8]) {
        let limit = self.line_limit;
        let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
        let unfinished = self.unfinished(stream);
        // One byte more than the limit is kept, so that the line is seen to be too long.
        let kept = text.len().min((limit + 1).saturating_sub(unfinished.bytes.len()));
        unfinished.bytes.extend_from_slice(&text[..kept]);
        unfinished.dropped += text.len() - kept;
        if ends {
            self.end_line(stream);
        }
    }

    fn end_line(&mut self, stream: Stream) {
        let Unfinished { bytes, dropped } = std::mem::take(self.unfinished(stream));
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
        let text = String::from_utf8_lossy(bytes);
        self.line(Level::Info, stream, &text, dropped);
        if stream == Stream::Stderr && !text.trim().is_empty() {
            if self.last_errors.len() == ERROR_LINES_MAX {
                self.last_errors.pop_front();
            }
            self.last_errors
                .push_back(shown(&text, self.line_limit.min(ERROR_BYTES_MAX), 0).into_owned());
        }
    }

    /// `dropped` bytes were cut off before.
    fn line(&mut self, level: Level, stream: Stream, text: &str, dropped: usize) {
        if self.full {
            return;
        }
        let text = shown(text, self.line_limit, dropped);
        // The line end counts, or empty lines would be free.
        if text.len() >= self.bytes_left {
            self.full = true;
            let notice = format!(
                "limit `log-bytes` reached: the plugin wrote more than {} bytes of log in this call, and what follows \
                 is dropped; raise `log-bytes` under `[limits]` in the operator's runwright.toml to keep more",
                self.bytes_limit
            );
            return self.calls.log(Level::Warn, Stream::Log, &notice);
        }
        self.bytes_left -= text.len() + 1;
        self.calls.log(level, stream, &text);
    }
}

/// How many of the last lines of standard error a failure shows.
const ERROR_LINES_MAX: usize = 4;
/// How much of each.
const ERROR_BYTES_MAX: usize = 512;

/// The text on one line with nothing in it that a terminal obeys, at most about `limit` bytes.
pub(crate) fn shown(text: &str, limit: usize, dropped: usize) -> Cow<'_, str> {
    if text.len() <= limit && dropped == 0 && !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut line = String::with_capacity(end);
    for character in text[..end].chars() {
        if is_obeyed(character) {
            line.extend(character.escape_default())
        } else {
            line.push(character)
        }
    }
    let cut = text.len() - end + dropped;
    if cut > 0 {
        line.push_str(&format!(" … ({cut} bytes more)"));
    }
    Cow::Owned(line)
}

/// The whole text with nothing in it that a terminal obeys but line ends and tabs.
pub(crate) fn shown_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) && !matches!(character, '\n' | '\t') {
            lines.extend(character.escape_default());
        } else {
            lines.push(character);
        }
    }
    lines
}

/// Control characters, and those that turn the direction of text round.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(shown("plain ä", 100, 0), "plain ä");
        assert_eq!(
            shown("\x1b[31mred\x07\r\n\u{202e}", 100, 0),
            "\\u{1b}[31mred\\u{7}\\r\\n\\u{202e}"
        );
        assert_eq!(shown("\u{9b}31m", 100, 0), "\\u{9b}31m");
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(shown("abcd", 4, 0), "abcd");
        assert_eq!(shown("abcde", 4, 0), "abcd … (1 bytes more)");
        assert_eq!(shown("aéé", 2, 3), "a … (7 bytes more)");
    }
}
