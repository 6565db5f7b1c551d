//! What a command writes: line by line into the log, and cut for the answer. Secrets are out of it already.

use std::sync::Arc;

use runwright_model::{
    capability::commands::{OUTPUT_HEAD_BYTES, OUTPUT_TAIL_BYTES},
    log::{Level, LogSink, Stream},
};

use super::{CAPTURE_BYTES_MAX, job::Rest};

/// The longest line of the log; longer ones are split.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Keeps one stream.
pub(super) struct Capture {
    log: Arc<dyn LogSink>,
    stream: Stream,
    /// The line that has not ended.
    line: Vec<u8>,
    whole: Vec<u8>,
    /// The end of what was not kept, and how much was not.
    end: String,
    dropped: u64,
    /// Why it was not.
    why: String,
}

/// A stream as it is answered.
pub(super) struct Kept {
    pub(super) shown: String,
    /// The whole, when `shown` is cut.
    pub(super) whole: Option<String>,
}

impl Capture {
    /// An empty one, which logs lines as they come.
    pub(super) fn new(log: Arc<dyn LogSink>, stream: Stream) -> Self {
        Self {
            log,
            stream,
            line: Vec::new(),
            whole: Vec::new(),
            end: String::new(),
            dropped: 0,
            why: String::new(),
        }
    }

    /// Takes what was read.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.whole.extend_from_slice(bytes);
        self.log_lines(bytes);
    }

    /// Takes note of what was not kept; `trouble` is why, when the disk was the reason.
    pub(super) fn drop(&mut self, rest: &Rest, trouble: Option<&str>) {
        if rest.dropped == 0 {
            return;
        }
        self.why = match trouble {
            Some(trouble) => format!("{} bytes could not be kept: {trouble}", rest.dropped),
            None => format!(
                "more than {CAPTURE_BYTES_MAX} bytes were written, and {} of them dropped",
                rest.dropped
            ),
        };
        self.log_rest();
        self.log.line(Level::Warn, Stream::Log, &self.why);
        self.log_lines(rest.end.as_bytes());
        (self.end, self.dropped) = (rest.end.clone(), rest.dropped);
    }

    /// Logs the last line, and answers what was kept.
    pub(super) fn finish(mut self) -> Kept {
        self.log_rest();
        let mut whole = String::from_utf8_lossy(&self.whole).into_owned();
        if self.dropped == 0 && whole.len() <= OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES {
            return Kept {
                shown: whole,
                whole: None,
            };
        }
        let head = head(&whole, OUTPUT_HEAD_BYTES).to_owned();
        let tail = self.tail(OUTPUT_TAIL_BYTES.min(whole.len() - head.len() + self.end.len()));
        let cut = (whole.len() as u64 + self.dropped).saturating_sub((head.len() + tail.len()) as u64);
        let mut shown = format!("{head}\n[... {cut} bytes cut here; the whole output is in the blob ...]\n{tail}");
        if self.dropped > 0 {
            let notice = format!("\n[... {} ...]\n", self.why);
            shown.insert_str(head.len(), &notice);
            // Room for the notice, so that the blob keeps its limit.
            whole.truncate(head_len(&whole, CAPTURE_BYTES_MAX - notice.len()));
            whole.push_str(&notice);
        }
        // What is no text is longer as text.
        whole.truncate(head_len(&whole, CAPTURE_BYTES_MAX));
        Kept {
            shown,
            whole: Some(whole),
        }
    }

    /// The end of what came so far.
    pub(super) fn tail(&self, most: usize) -> String {
        let from = self.whole.len().saturating_sub(most);
        let text = String::from_utf8_lossy(&self.whole[from..]) + self.end.as_str();
        tail_of(&text, most).to_owned()
    }

    fn log_lines(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.log_line(&line[..line.len() - 1]);
            }
            while self.line.len() > 2 * LINE_BYTES_MAX {
                // Between characters, also where the last of them has not come whole.
                let cut = (1..=LINE_BYTES_MAX)
                    .rev()
                    .find(|at| self.line[*at] & 0xc0 != 0x80)
                    .unwrap_or(LINE_BYTES_MAX);
                let rest = self.line.split_off(cut);
                let line = std::mem::replace(&mut self.line, rest);
                self.log_line(&line);
            }
        }
    }

    fn log_rest(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.log_line(&line);
        }
    }

    fn log_line(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        let mut rest = text.as_ref();
        loop {
            let (line, after) = rest.split_at(head_len(rest, LINE_BYTES_MAX));
            self.log.line(Level::Info, self.stream, line);
            if after.is_empty() {
                return;
            }
            rest = after;
        }
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
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl LogSink for Lines {
        fn line(&self, _: Level, _: Stream, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    fn capture(pieces: &[&[u8]], rest: &Rest, trouble: Option<&str>) -> (Kept, Vec<String>) {
        let log = Arc::new(Lines::default());
        let mut capture = Capture::new(log.clone(), Stream::Stdout);
        pieces.iter().for_each(|piece| capture.take(piece));
        capture.drop(rest, trouble);
        let kept = capture.finish();
        let lines = log.0.lock().unwrap().clone();
        (kept, lines)
    }

    #[test]
    fn lines_come_whole() {
        let (kept, lines) = capture(&[b"one\r\ntw", b"o\n", b"last"], &Rest::default(), None);
        assert_eq!(lines, ["one", "two", "last"]);
        assert_eq!(kept.shown, "one\r\ntwo\nlast");
        assert!(kept.whole.is_none());
    }

    #[test]
    fn a_long_output_is_cut_in_the_middle() {
        let line = [b'a'; 1_023].iter().chain(b"\n").copied().collect::<Vec<u8>>();
        let pieces = vec![line.as_slice(); 100];
        let (kept, lines) = capture(&pieces, &Rest::default(), None);
        assert_eq!(kept.whole.unwrap().len(), 102_400);
        assert!(kept.shown.len() < OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES + 100);
        assert!(kept.shown.contains(&format!(
            "{} bytes cut",
            102_400 - OUTPUT_HEAD_BYTES - OUTPUT_TAIL_BYTES
        )));
        assert_eq!(lines.len(), 100);
    }

    #[test]
    fn an_endless_line_is_split_and_nothing_of_it_is_lost() {
        let text = "ä".repeat(100_000);
        // Pieces end inside of characters.
        let (_, lines) = capture(
            &text.as_bytes().chunks(4_999).collect::<Vec<_>>(),
            &Rest::default(),
            None,
        );
        assert!(lines.iter().all(|line| line.len() <= LINE_BYTES_MAX));
        assert_eq!(lines.concat(), text);
    }

    #[test]
    fn more_than_is_kept_is_dropped_with_a_notice() {
        let block = vec![b'b'; 1024 * 1024];
        let pieces = vec![block.as_slice(); CAPTURE_BYTES_MAX / block.len()];
        let rest = Rest {
            dropped: 1_000_000,
            end: "z\nlast".into(),
        };
        let (kept, lines) = capture(&pieces, &rest, None);
        assert!(kept.shown.ends_with("z\nlast") && kept.shown.starts_with('b'));
        assert!(
            kept.shown.contains("1000000 of them dropped"),
            "{}",
            &kept.shown[OUTPUT_HEAD_BYTES..][..300]
        );
        let whole = kept.whole.unwrap();
        assert!(whole.len() <= CAPTURE_BYTES_MAX && whole.ends_with("dropped ...]\n"));
        assert_eq!(lines[lines.len() - 1], "last");
        assert!(lines[lines.len() - 3].contains("dropped"));
    }

    #[test]
    fn a_full_disk_is_told_of_a_short_output_too() {
        let rest = Rest {
            dropped: 4,
            end: "lost".into(),
        };
        let (kept, _) = capture(&[b"kept\n"], &rest, Some("No space left on device"));
        assert!(kept.shown.starts_with("kept\n") && kept.shown.ends_with("lost"));
        assert!(kept.shown.contains("No space left on device"), "{}", kept.shown);
        assert!(kept.whole.unwrap().contains("No space left"));
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!((head("aä", 2), tail_of("äa", 2)), ("a", "a"));
    }
}
