//! Reads JSON with places. serde_json reads the scalars; this walks the structure around them.

use serde_json::Number;

use crate::{
    codes,
    finding::{Finding, Findings},
    limits::NESTING_LEVELS_MAX,
    place::Place,
    syntax::{self, Entries, Entry, Node, Shape},
};

/// Reads the one value of the text.
pub(crate) fn read(text: &str, findings: &mut Findings) -> Result<Node, Finding> {
    let at = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut reader = Reader { text, at, findings };
    let node = reader.value(0)?;
    reader.blanks();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.wrong("the document ends before this")),
    }
}

/// Whether what is wrong with a JSON text is a comment, as some editors allow. Flow style would take it as a key.
pub(crate) fn is_comment(text: &str, problem: &Finding) -> bool {
    let rest = text.get(problem.place.start as usize..).unwrap_or_default();
    rest.starts_with("//") || rest.starts_with("/*")
}

struct Reader<'t, 'f> {
    text: &'t str,
    at: usize,
    findings: &'f mut Findings,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank.
    fn next_token(&mut self) -> Option<u8> {
        self.blanks();
        self.peek()
    }

    fn value(&mut self, level: usize) -> Result<Node, Finding> {
        let first = self.next_token();
        let start = self.at;
        let shape = match first {
            Some(b'{' | b'[') if level >= NESTING_LEVELS_MAX => {
                return Err(syntax::too_deep(Place::new(start, start + 1)));
            }
            Some(b'{') => self.map(level + 1)?,
            Some(b'[') => self.list(level + 1)?,
            Some(b'"') => Shape::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => Shape::Number(self.number()?),
            Some(_) => self.word()?,
            None => return Err(self.wrong("a value is missing at the end")),
        };
        Ok(Node {
            place: Place::new(start, self.at),
            shape,
        })
    }

    fn list(&mut self, level: usize) -> Result<Shape, Finding> {
        self.at += 1;
        let mut items = Vec::new();
        if self.next_token() == Some(b']') {
            self.at += 1;
            return Ok(Shape::List(items));
        }
        loop {
            items.push(self.value(level)?);
            if self.separator(b']')? {
                return Ok(Shape::List(items));
            }
        }
    }

    fn map(&mut self, level: usize) -> Result<Shape, Finding> {
        self.at += 1;
        let mut entries = Entries::default();
        if self.next_token() == Some(b'}') {
            self.at += 1;
            return Ok(Shape::Map(entries.finish()));
        }
        loop {
            let (key, key_place) = self.key()?;
            let value = self.value(level)?;
            entries.push(Entry { key, key_place, value }, self.findings);
            if self.separator(b'}')? {
                return Ok(Shape::Map(entries.finish()));
            }
        }
    }

    fn key(&mut self) -> Result<(String, Place), Finding> {
        if self.next_token() != Some(b'"') {
            return Err(self.wrong("a key in double quotes belongs here"));
        }
        let start = self.at;
        let key = self.string()?;
        let place = Place::new(start, self.at);
        if self.next_token() != Some(b':') {
            return Err(self.wrong("a colon belongs here"));
        }
        self.at += 1;
        Ok((key, place))
    }

    /// Reads a comma (false) or the end (true).
    fn separator(&mut self, end: u8) -> Result<bool, Finding> {
        match self.next_token() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Err(self.wrong(&format!("a comma or `{}` belongs here", char::from(end)))),
            None => Err(self.wrong(&format!("`{}` is missing at the end", char::from(end)))),
        }
    }

    fn string(&mut self) -> Result<String, Finding> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        let mut plain = true;
        loop {
            match bytes.get(end) {
                None => return Err(self.wrong("this quote is never closed")),
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    end += 2;
                }
                Some(byte) => {
                    plain &= *byte >= b' ';
                    end += 1;
                }
            }
        }
        self.at = end + 1;
        if plain {
            return Ok(self.text[start + 1..end].to_owned());
        }
        serde_json::from_str(&self.text[start..=end]).map_err(|error| {
            // serde_json counts columns in bytes, and lines when a string holds a line end.
            let inside = if error.line() == 1 {
                error.column().saturating_sub(1)
            } else {
                0
            };
            self.at = start + inside.min(end - start);
            while !self.text.is_char_boundary(self.at) {
                self.at -= 1;
            }
            self.wrong(&reason(&error))
        })
    }

    fn number(&mut self) -> Result<Number, Finding> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        serde_json::from_str(&self.text[start..self.at]).map_err(|error| {
            self.at = start;
            self.wrong(&reason(&error))
        })
    }

    fn word(&mut self) -> Result<Shape, Finding> {
        for (word, shape) in [
            ("true", Shape::Boolean(true)),
            ("false", Shape::Boolean(false)),
            ("null", Shape::Null),
        ] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(shape);
            }
        }
        Err(self.wrong("a value belongs here"))
    }

    fn wrong(&self, why: &str) -> Finding {
        let end = self.text[self.at..]
            .chars()
            .next()
            .map_or(self.at, |c| self.at + c.len_utf8());
        let finding = Finding::error(
            codes::BAD_JSON,
            Place::new(self.at, end),
            format!("this is not JSON: {why}"),
        );
        match self.peek() {
            Some(b'}' | b']') => finding.help("a comma after the last item must be removed"),
            Some(b'\'') => finding.help("JSON has double quotes only"),
            Some(b'/' | b'#') => finding.help("JSON has no comments; write the runbook in YAML to have them"),
            _ => finding,
        }
    }
}

/// serde_json's words without its place, which is not that of the document.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}
