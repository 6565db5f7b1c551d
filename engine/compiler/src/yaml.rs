//! Reads YAML: an event parser gives structure and places, [`crate::scalar`] gives plain scalars their types.
//!
//! Built without recursion, so that no document can exhaust the stack, and with a budget for aliases.

use std::{borrow::Cow, collections::HashMap};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::{
    codes,
    finding::{Finding, Findings},
    limits::{NESTING_LEVELS_MAX, VALUES_MAX},
    place::Place,
    scalar,
    syntax::{self, Entries, Entry, Node, Shape},
};

/// How many lines of flow collections may be indented too little.
const JOINS_MAX: usize = 100;

/// A large text is read again less often: this many bytes in all.
const JOIN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads the one document of the text.
///
/// In `{…}` and `[…]` most parsers do not look at indentation, and documents rely on it; the event parser does. A
/// line it refuses for that is joined with the one before it by a blank in the place of the line end, which leaves
/// every offset as it is.
pub(crate) fn read(text: &str, findings: &mut Findings) -> Result<Node, Finding> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..JOINS_MAX.min(JOIN_BYTES_MAX / text.len().max(1)) {
        let mut found = Findings::new();
        match attempt(&text, &mut found) {
            Ok(node) => {
                findings.append(&mut found);
                return Ok(node);
            }
            Err(Broken { finding, join: None }) => return Err(finding),
            Err(Broken {
                join: Some(line_end), ..
            }) => {
                text.to_mut().replace_range(line_end..=line_end, " ");
            }
        }
    }
    attempt(&text, findings).map_err(|broken| broken.finding)
}

/// Why a text could not be read, and the line end without which it perhaps can.
struct Broken {
    finding: Finding,
    join: Option<usize>,
}

impl From<Finding> for Broken {
    fn from(finding: Finding) -> Self {
        Self { finding, join: None }
    }
}

fn attempt(text: &str, findings: &mut Findings) -> Result<Node, Broken> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let offset = text.len() - body.len();
    let mut builder = Builder::new(text, body, offset, findings);
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(body);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let join = builder.joinable(&error);
            Broken {
                finding: builder.broken(&error),
                join,
            }
        })?;
        builder.event(event, span)?;
    }
    builder.root.ok_or_else(|| syntax::empty(text).into())
}

/// Turns offsets in characters into offsets in bytes by walking from the last one.
struct Cursor<'t> {
    body: &'t str,
    ascii: bool,
    chars: usize,
    bytes: usize,
}

impl Cursor<'_> {
    fn byte(&mut self, char_offset: usize) -> usize {
        if self.ascii {
            return char_offset.min(self.body.len());
        }
        if char_offset >= self.chars {
            let ahead = self.body[self.bytes..].chars().take(char_offset - self.chars);
            self.bytes += ahead.map(char::len_utf8).sum::<usize>();
        } else {
            let back = self.body[..self.bytes].chars().rev().take(self.chars - char_offset);
            self.bytes -= back.map(char::len_utf8).sum::<usize>();
        }
        self.chars = char_offset;
        self.bytes
    }
}

/// A list or map that is not closed yet.
struct Frame {
    start: u32,
    anchor: usize,
    holds: Holds,
}

enum Holds {
    List(Vec<Node>),
    Map {
        entries: Entries,
        key: Option<(String, Place)>,
    },
}

struct Builder<'t, 'f> {
    text: &'t str,
    offset: usize,
    cursor: Cursor<'t>,
    findings: &'f mut Findings,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    values: usize,
}

impl<'t, 'f> Builder<'t, 'f> {
    fn new(text: &'t str, body: &'t str, offset: usize, findings: &'f mut Findings) -> Self {
        let cursor = Cursor {
            body,
            ascii: body.is_ascii(),
            chars: 0,
            bytes: 0,
        };
        Self {
            text,
            offset,
            cursor,
            findings,
            stack: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            values: 0,
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Finding> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => Err(self.second_document(span)),
            Event::DocumentStart(_) => Ok(()),
            Event::Scalar(text, style, anchor, tag) => {
                let place = self.scalar_place(span, style);
                let text = self.without_added_end(text, style, place);
                let shape = scalar_shape(text, style, tag.as_deref(), place)?;
                self.value(Node { place, shape }, anchor)
            }
            Event::SequenceStart(anchor, tag) => self.open(span, anchor, tag.as_deref(), Holds::List(Vec::new())),
            Event::MappingStart(anchor, tag) => {
                let map = Holds::Map {
                    entries: Entries::default(),
                    key: None,
                };
                self.open(span, anchor, tag.as_deref(), map)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(id) => self.alias(id, span),
        }
    }

    fn open(&mut self, span: Span, anchor: usize, tag: Option<&Tag>, holds: Holds) -> Result<(), Finding> {
        let place = self.place(span.start, span.end);
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && ["map", "seq"].contains(&&*tag.suffix))) {
            return Err(unsupported_tag(tag, place));
        }
        if self.stack.len() >= NESTING_LEVELS_MAX {
            return Err(syntax::too_deep(place));
        }
        self.stack.push(Frame {
            start: place.start,
            anchor,
            holds,
        });
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), Finding> {
        let end = self.place(span.start, span.end).end;
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let (shape, last) = match frame.holds {
            Holds::List(items) => {
                let last = items.last().map(|item| item.place.end);
                (Shape::List(items), last)
            }
            Holds::Map { entries, .. } => {
                let entries = entries.finish();
                let last = entries
                    .last()
                    .map(|entry| entry.value.place.end.max(entry.key_place.end));
                (Shape::Map(entries), last)
            }
        };
        // In block style the end is found at the next token; the last child is a better end.
        let closed = self
            .text
            .as_bytes()
            .get((end as usize).wrapping_sub(1))
            .is_some_and(|b| matches!(b, b']' | b'}'));
        let end = if closed { end } else { last.unwrap_or(end) };
        let place = Place {
            start: frame.start,
            end: end.max(frame.start),
        };
        self.value(Node { place, shape }, frame.anchor)
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), Finding> {
        let place = self.place(span.start, span.end);
        let Some(node) = self.anchors.get(&id) else {
            let message = "this alias stands inside the value that it repeats";
            return Err(Finding::error(codes::UNSUPPORTED_YAML, place, message).help("write the value out"));
        };
        self.values += weight(node, VALUES_MAX.saturating_sub(self.values));
        if self.values >= VALUES_MAX {
            return Err(too_many(place));
        }
        let node = node.clone();
        if self.stack.len() + depth(&node) > NESTING_LEVELS_MAX {
            return Err(syntax::too_deep(place));
        }
        self.value(node, 0)
    }

    /// Puts a finished value where it belongs.
    fn value(&mut self, node: Node, anchor: usize) -> Result<(), Finding> {
        self.values += 1;
        if self.values >= VALUES_MAX {
            return Err(too_many(node.place));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.holds {
            Holds::List(items) => items.push(node),
            Holds::Map { key, .. } if key.is_none() => {
                let place = node.place;
                *key = Some((key_text(node, self.text)?, place));
            }
            Holds::Map { entries, key } => {
                let (name, key_place) = key.take().expect("the arm above set it");
                entries.push(
                    Entry {
                        key: name,
                        key_place,
                        value: node,
                    },
                    self.findings,
                );
            }
        }
        Ok(())
    }

    fn place(&mut self, start: Marker, end: Marker) -> Place {
        let start = self.offset + self.cursor.byte(start.index());
        let end = self.offset + self.cursor.byte(end.index());
        Place::new(start, end)
    }

    /// A scalar's place, without the blanks and line ends behind it.
    fn scalar_place(&mut self, span: Span, style: ScalarStyle) -> Place {
        let place = self.place(span.start, span.end);
        match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => place,
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => {
                let kept = place.slice(self.text).trim_end().len();
                Place::new(place.start as usize, place.start as usize + kept)
            }
        }
    }

    /// A block at the end of a file whose last line has no end: the parser adds one, which YAML and others do not.
    fn without_added_end<'e>(&self, text: Cow<'e, str>, style: ScalarStyle, place: Place) -> Cow<'e, str> {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        match text.strip_suffix('\n') {
            Some(kept) if is_block && !self.text[place.end as usize..].contains('\n') => Cow::Owned(kept.to_owned()),
            Some(_) | None => text,
        }
    }

    /// The line end before a token of a flow collection that is indented too little.
    fn joinable(&mut self, error: &ScanError) -> Option<usize> {
        let in_flow = self
            .stack
            .last()
            .is_some_and(|frame| matches!(self.text.as_bytes().get(frame.start as usize), Some(b'{' | b'[')));
        if !in_flow || !error.info().starts_with("invalid indentation") {
            return None;
        }
        let at = self.place(*error.marker(), *error.marker()).start as usize;
        let (before, blank) = self.text[..at].rsplit_once('\n')?;
        let line = before.rsplit('\n').next().unwrap_or_default();
        (blank.trim().is_empty() && !line.contains('#')).then_some(before.len())
    }

    fn broken(&mut self, error: &ScanError) -> Finding {
        let at = self.place(*error.marker(), *error.marker()).start as usize;
        let end = self.text[at..]
            .chars()
            .next()
            .filter(|c| *c != '\n')
            .map_or(at, |c| at + c.len_utf8());
        let finding = Finding::error(
            codes::BAD_YAML,
            Place::new(at, end),
            format!("this is not YAML: {}", error.info()),
        );
        match advice(error.info()) {
            Some(help) => finding.help(help),
            None => finding,
        }
    }

    fn second_document(&mut self, span: Span) -> Finding {
        let place = self.place(span.start, span.end);
        Finding::error(
            codes::UNSUPPORTED_YAML,
            place,
            "a second YAML document begins here; a runbook is one document",
        )
        .help("remove the line `---`, or put the second document into its own file")
    }
}

fn scalar_shape(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>, place: Place) -> Result<Shape, Finding> {
    match tag {
        None if matches!(style, ScalarStyle::Plain) => Ok(scalar::read(text)),
        None => Ok(Shape::Text(text.into_owned())),
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => Ok(Shape::Text(text.into_owned())),
            "int" | "float" | "bool" | "null" => Ok(scalar::read(text)),
            _ => Err(unsupported_tag(tag, place)),
        },
        Some(tag) => Err(unsupported_tag(tag, place)),
    }
}

/// A key's text. A number or a truth value as a key is the text it is written as.
fn key_text(node: Node, source: &str) -> Result<String, Finding> {
    match node.shape {
        Shape::Text(text) => Ok(text),
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) => Ok(node.place.slice(source).to_owned()),
        Shape::List(_) | Shape::Map(_) => {
            let message = "a key must be a text; this one is a list or a map";
            Err(Finding::error(codes::UNSUPPORTED_YAML, node.place, message)
                .help("if this is a template reference, put it in quotes: \"{{ Name }}\""))
        }
    }
}

/// How many values a subtree has; long texts count more. Stops at `most`.
fn weight(node: &Node, most: usize) -> usize {
    const TEXT_BYTES_PER_VALUE: usize = 64;
    let mut sum = 0;
    let mut left = vec![node];
    while let Some(node) = left.pop() {
        sum += 1;
        match &node.shape {
            Shape::Null | Shape::Boolean(_) | Shape::Number(_) => {}
            Shape::Text(text) => sum += text.len() / TEXT_BYTES_PER_VALUE,
            Shape::List(items) => left.extend(items),
            Shape::Map(entries) => left.extend(entries.iter().map(|entry| &entry.value)),
        }
        if sum >= most {
            return most;
        }
    }
    sum
}

/// Levels of lists and maps in a subtree; bounded by [`NESTING_LEVELS_MAX`], which held as it was built.
fn depth(node: &Node) -> usize {
    match &node.shape {
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::Text(_) => 0,
        Shape::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Shape::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0),
    }
}

fn too_many(place: Place) -> Finding {
    let message =
        format!("the document has more than the {VALUES_MAX} values of the limit `document-values`, aliases expanded");
    Finding::error(codes::TOO_MANY_VALUES, place, message).help("write less, or repeat less through aliases")
}

fn unsupported_tag(tag: &Tag, place: Place) -> Finding {
    Finding::error(
        codes::UNSUPPORTED_YAML,
        place,
        format!("the YAML tag `{tag}` means nothing in a runbook"),
    )
    .help("remove the tag; short forms such as `!Ref` belong into the text of a CloudFormation template")
}

/// What usually causes an error of the event parser.
fn advice(info: &str) -> Option<&'static str> {
    const ADVICE: [(&str, &str); 10] = [
        ("tab", "YAML is indented with spaces: replace the tab"),
        (
            "quoted scalar, found unexpected end of stream",
            "a quote that was opened is never closed",
        ),
        (
            "quoted scalar, found unexpected document",
            "a quote that was opened is never closed",
        ),
        (
            "indentation in quoted scalar",
            "a quote that was opened is perhaps never closed; a quoted text goes on further in than its key",
        ),
        (
            "trailing content after double-quoted",
            "a quote inside a quoted text is written \\\" (or put the text in single quotes)",
        ),
        (
            "mapping values are not allowed",
            "put a text that holds `: ` in quotes, or look at the indentation",
        ),
        (
            "did not find expected key",
            "look at the indentation of this line and the one before it",
        ),
        (
            "simple key expect",
            "a key is followed by a colon and a blank, as in `key: value`",
        ),
        ("unexpected character: `@'", "put a text that begins with @ in quotes"),
        (
            "unknown anchor",
            "an alias `*name` repeats what `&name` marked before it; put other texts with * in quotes",
        ),
    ];
    ADVICE
        .iter()
        .find(|(part, _)| info.contains(part))
        .map(|(_, help)| *help)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn value(text: &str) -> Value {
        read(text, &mut Findings::new()).unwrap().to_value()
    }

    #[test]
    fn values_are_those_of_serde_yaml() {
        let texts = [
            include_str!("../tests/fixtures/everything.yaml"),
            "a: [1, -2, 0x1f, 0o17, 1.5, 1e3, +7, .5, 0755, 00, 1_000, 12345678901234567890]",
            "a: [yes, No, ON, off, y, n, true, False, TRUE, null, ~, Null, '', \"\", nULL]",
            "a: |\n  x\n  y\n\nb: >-\n  x\n  y\nc: 'it''s'\nd: \"t\\tab \\u00e9\"\n",
            "a: &x {b: [1]}\nc: *x\nd: !!str 5\ne: 2024-01-01\nf: 1.2.3\n? g\n: h\n",
            "- a\n-\n- - b\n  - c\n- {d: , e: f}\n",
            "key with blanks: value with # no comment\nother: value # comment\n",
            "1: a\ntrue: b\nnull: c\n",
            "a: |\n  x",
            "a: |+\n  x\n\n",
            "a: >\n  x\n  y",
        ];
        for text in texts {
            let expected: Value = serde_yaml::from_str(text).unwrap();
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn flow_collections_may_be_indented_too_little() {
        let expected = serde_json::json!({"a": {"b": {"c": [1, 2], "é": 3}, "d": "e"}});
        assert_eq!(value("a:\n  b: {\n    c: [1,\n  2],\n  é: 3\n  }\n  d: e\n"), expected);
        assert_eq!(
            value("a:\r\n  b: {\r\n    c: [1,\r\n  2],\r\n  é: 3\r\n  }\r\n  d: e\r\n"),
            expected
        );
    }
}
