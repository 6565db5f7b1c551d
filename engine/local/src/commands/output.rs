//! What a command writes: line by line into the log, and cut for the answer.

use std::{borrow::Cow, collections::VecDeque, sync::Arc};

use runwright_model::{
    capability::commands::{OUTPUT_HEAD_BYTES, OUTPUT_TAIL_BYTES},
    log::{Level, LogSink, Stream},
    secret::Secrets,
};

use super::CAPTURE_BYTES_MAX;

/// The longest line of the log; longer ones are split.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// How much of a line without an end is held back, so that a secret in it is seen whole.
const LINE_HELD_MAX: usize = 64 * 1024;
/// How much of the end is kept of a stream that is longer than what is kept whole.
const END_BYTES: usize = 4 * OUTPUT_TAIL_BYTES;

/// Keeps one stream.
pub(super) struct Capture {
    log: Arc<dyn LogSink>,
    stream: Stream,
    secrets: Secrets,
    /// The line that has not ended.
    line: Vec<u8>,
    /// Up to [`CAPTURE_BYTES_MAX`] from the beginning.
    whole: Vec<u8>,
    /// The end of what came after, and how much came.
    end: VecDeque<u8>,
    dropped: u64,
}

/// A stream as it is answered.
pub(super) struct Kept {
    pub(super) shown: String,
    /// The whole, when `shown` is cut.
    pub(super) whole: Option<String>,
}

impl Capture {
    /// An empty one, which logs lines as they come and hides these secrets.
    pub(super) fn new(log: Arc<dyn LogSink>, stream: Stream, secrets: Secrets) -> Self {
        let (whole, end) = (Vec::new(), VecDeque::new());
        Self {
            log,
            stream,
            secrets,
            line: Vec::new(),
            whole,
            end,
            dropped: 0,
        }
    }

    /// Takes what was read.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.keep(bytes);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.log_line(&line[..line.len() - 1]);
            } else if self.line.len() > LINE_HELD_MAX {
                self.log_half();
            }
        }
    }

    /// Logs the last line, and answers what was kept, with secrets hidden.
    pub(super) fn finish(mut self) -> Kept {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.log_line(&line);
        }
        let mut whole = self.hidden(&self.whole);
        // What was kept apart to have the end begins in the middle of something.
        self.end.make_contiguous();
        let end = self.hidden(self.end.as_slices().0);
        if self.dropped == 0 && whole.len() <= OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES {
            return Kept {
                shown: whole,
                whole: None,
            };
        }
        let tail = if self.end.len() >= END_BYTES { &end } else { &whole };
        let (head, tail) = (head(&whole, OUTPUT_HEAD_BYTES), tail_of(tail, OUTPUT_TAIL_BYTES));
        let cut = (whole.len() as u64 + self.dropped).saturating_sub((head.len() + tail.len()) as u64);
        let shown = format!("{head}\n[... {cut} bytes cut here; the whole output is in the blob ...]\n{tail}");
        if self.dropped > 0 {
            // Room for the notice, so that the blob keeps its limit.
            let kept = self::head(&whole, CAPTURE_BYTES_MAX - 128).to_owned();
            whole =
                format!("{kept}\n[... more than {CAPTURE_BYTES_MAX} bytes were written: the rest was dropped ...]\n");
        }
        whole.truncate(head_len(&whole, CAPTURE_BYTES_MAX));
        Kept {
            shown,
            whole: Some(whole),
        }
    }

    /// The end of what came so far, with secrets hidden: for an error's message.
    pub(super) fn tail(&self, most: usize) -> String {
        let bytes: Cow<'_, [u8]> = if self.end.is_empty() {
            let from = self.whole.len().saturating_sub(END_BYTES);
            Cow::Borrowed(&self.whole[from..])
        } else {
            Cow::Owned(self.end.iter().copied().collect())
        };
        let text = self.hidden(&bytes);
        tail_of(text.trim_end(), most).to_owned()
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = CAPTURE_BYTES_MAX - self.whole.len();
        let (kept, rest) = bytes.split_at(room.min(bytes.len()));
        self.whole.extend_from_slice(kept);
        if rest.is_empty() {
            return;
        }
        self.dropped += rest.len() as u64;
        self.end.extend(rest);
        let surplus = self.end.len().saturating_sub(END_BYTES);
        self.end.drain(..surplus);
    }

    /// Logs the first part of a line that is too long to hold, cut where no secret is.
    fn log_half(&mut self) {
        let whole = self.hidden(&self.line);
        let cuts = (1..=8).map(|eighth| self.line.len() / 2 + eighth * self.line.len() / 32);
        let harmless = |cut: &usize| {
            let (before, after) = self.line.split_at(*cut);
            format!("{}{}", self.hidden(before), self.hidden(after)) == whole
        };
        let cut = cuts.into_iter().find(harmless).unwrap_or(self.line.len());
        let rest = self.line.split_off(cut);
        let line = std::mem::replace(&mut self.line, rest);
        self.log_line(&line);
    }

    fn log_line(&self, line: &[u8]) {
        let mut rest = self.hidden(line.strip_suffix(b"\r").unwrap_or(line));
        loop {
            let cut = head_len(&rest, LINE_BYTES_MAX);
            let after = rest.split_off(cut);
            self.log.line(Level::Info, self.stream, &rest);
            if after.is_empty() {
                return;
            }
            rest = after;
        }
    }

    fn hidden(&self, bytes: &[u8]) -> String {
        self.secrets.redact(&String::from_utf8_lossy(bytes))
    }
}

/// The length of the longest beginning of at most so many bytes that ends between characters.
fn head_len(text: &str, most: usize) -> usize {
    text.floor_char_boundary(most)
}

fn head(text: &str, most: usize) -> &str {
    &text[..head_len(text, most)]
}

fn tail_of(text: &str, most: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(most))..]
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Mutex};

    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl LogSink for Lines {
        fn line(&self, _: Level, _: Stream, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    fn capture(pieces: &[&[u8]]) -> (Kept, Vec<String>) {
        let log = Arc::new(Lines::default());
        let secrets = Secrets::new(BTreeMap::from([(
            "((secret:/k:1))".to_owned(),
            "s3cr3t-value".to_owned(),
        )]));
        let mut capture = Capture::new(log.clone(), Stream::Stdout, secrets);
        pieces.iter().for_each(|piece| capture.take(piece));
        let kept = capture.finish();
        let lines = log.0.lock().unwrap().clone();
        (kept, lines)
    }

    #[test]
    fn lines_come_whole_and_secrets_do_not_come() {
        let (kept, lines) = capture(&[b"one\r\ntw", b"o\nx=s3cr3t", b"-value\n", b"last"]);
        assert_eq!(lines, ["one", "two", "x=((secret:/k:1))", "last"]);
        assert_eq!(kept.shown, "one\r\ntwo\nx=((secret:/k:1))\nlast");
        assert!(kept.whole.is_none());
    }

    #[test]
    fn a_long_output_is_cut_in_the_middle() {
        let line = [b'a'; 1_023].iter().chain(b"\n").copied().collect::<Vec<u8>>();
        let pieces = vec![line.as_slice(); 100];
        let (kept, lines) = capture(&pieces);
        assert_eq!(kept.whole.unwrap().len(), 102_400);
        assert!(kept.shown.len() < OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES + 100);
        assert!(kept.shown.contains(&format!(
            "{} bytes cut",
            102_400 - OUTPUT_HEAD_BYTES - OUTPUT_TAIL_BYTES
        )));
        assert_eq!(lines.len(), 100);
    }

    #[test]
    fn an_endless_line_is_split_and_a_secret_in_it_is_not() {
        // The secret at every place around the first cut.
        for at in (30_000..70_000).step_by(997) {
            let mut text = vec![b'.'; at];
            text.extend_from_slice(b"s3cr3t-value");
            text.resize(200_000, b'.');
            let (_, lines) = capture(&text.chunks(5_000).collect::<Vec<_>>());
            let joined = lines.concat();
            assert!(
                !joined.contains("s3cr3t") && !joined.contains("value") && joined.contains("/k:1"),
                "at {at}"
            );
            assert!(lines.iter().all(|line| line.len() <= LINE_BYTES_MAX));
        }
    }

    #[test]
    fn more_than_is_kept_is_dropped_with_a_notice() {
        let block = vec![b'b'; 1024 * 1024];
        let mut pieces = vec![block.as_slice(); CAPTURE_BYTES_MAX / block.len()];
        let last = vec![b'z'; END_BYTES];
        pieces.push(&last);
        let (kept, _) = capture(&pieces);
        assert!(kept.shown.ends_with('z') && kept.shown.starts_with('b'));
        let whole = kept.whole.unwrap();
        assert!(whole.len() <= CAPTURE_BYTES_MAX && whole.ends_with("dropped ...]\n"));
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!((head("aä", 2), tail_of("äa", 2)), ("a", "a"));
    }
}
