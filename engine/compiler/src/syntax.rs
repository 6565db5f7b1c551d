//! The text as a tree of values, each with its place. YAML and JSON give the same tree.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use crate::{
    codes,
    finding::{Finding, Findings},
    json,
    limits::{NESTING_LEVELS_MAX, SOURCE_BYTES_MAX},
    place::Place,
    yaml,
};

/// One value of the document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) shape: Shape,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Null,
    Boolean(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map and its value. Keys of a map differ: a duplicate is reported and dropped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) value: Node,
}

/// A map being read.
#[derive(Default)]
pub(crate) struct Entries {
    entries: Vec<Entry>,
    /// The keys of a map that is large; a small one is searched.
    keys: HashMap<String, Place>,
}

impl Entries {
    /// Larger maps are searched by hash.
    const SEARCHED_MAX: usize = 16;

    /// Adds an entry, or reports that its key is there already.
    pub(crate) fn push(&mut self, entry: Entry, findings: &mut Findings) {
        if let Some(first) = self.place(&entry.key) {
            findings.push(duplicate(&entry.key, entry.key_place, first));
            return;
        }
        self.entries.push(entry);
        let fresh = match self.entries.len() {
            small if small <= Self::SEARCHED_MAX => 0,
            just if just == Self::SEARCHED_MAX + 1 => just,
            _ => 1,
        };
        let recent = self.entries.iter().rev().take(fresh);
        self.keys
            .extend(recent.map(|entry| (entry.key.clone(), entry.key_place)));
    }

    fn place(&self, key: &str) -> Option<Place> {
        if self.keys.is_empty() {
            return self
                .entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| entry.key_place);
        }
        self.keys.get(key).copied()
    }

    pub(crate) fn finish(self) -> Vec<Entry> {
        self.entries
    }
}

impl Node {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Text(text) => Some(text),
            Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::List(_) | Shape::Map(_) => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.shape, Shape::Null)
    }

    /// What it is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self.shape {
            Shape::Null => "empty",
            Shape::Boolean(_) => "a Boolean",
            Shape::Number(_) => "a number",
            Shape::Text(_) => "a text",
            Shape::List(_) => "a list",
            Shape::Map(_) => "a map",
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match &self.shape {
            Shape::Null => Value::Null,
            Shape::Boolean(flag) => Value::Bool(*flag),
            Shape::Number(number) => Value::Number(number.clone()),
            Shape::Text(text) => Value::String(text.clone()),
            Shape::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Shape::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|e| (e.key.clone(), e.value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Reads the text. `None` when it is so broken that there is no tree; the reason is among the findings.
pub(crate) fn read(text: &str, findings: &mut Findings) -> Option<Node> {
    if text.len() > SOURCE_BYTES_MAX {
        findings.push(too_large(text));
        return None;
    }
    let result = match text.trim_start_matches('\u{feff}').trim_start().chars().next() {
        None => Err(empty(text)),
        Some('{' | '[') => read_json(text, findings),
        Some(_) => yaml::read(text, findings),
    };
    result.map_err(|finding| findings.push(finding)).ok()
}

/// JSON; or YAML in flow style, which also begins with a brace.
fn read_json(text: &str, findings: &mut Findings) -> Result<Node, Finding> {
    let mut found = Findings::new();
    let node = json::read(text, &mut found).or_else(|problem| {
        if json::is_comment(text, &problem) {
            return Err(problem);
        }
        found.clear();
        yaml::read(text, &mut found).map_err(|_| problem)
    })?;
    findings.append(&mut found);
    Ok(node)
}

fn too_large(text: &str) -> Finding {
    let message = format!(
        "the document has {} bytes, more than the {SOURCE_BYTES_MAX} of the limit `source-bytes`; it was not read",
        text.len()
    );
    Finding::error(codes::TOO_LARGE, Place::default(), message)
        .help("move scripts and templates into files of their own, or split the runbook")
}

pub(crate) fn empty(text: &str) -> Finding {
    Finding::error(codes::EMPTY, Place::new(0, text.len().min(1)), "the document is empty")
        .help("a runbook has at least `schemaVersion` and `mainSteps`")
}

pub(crate) fn too_deep(place: Place) -> Finding {
    Finding::error(
        codes::TOO_DEEP,
        place,
        format!("values are nested deeper than the {NESTING_LEVELS_MAX} levels of the limit `nesting-levels`"),
    )
    .help("write the inner part as JSON text, or compute it in a step")
}

/// Reports a key that is there already.
fn duplicate(key: &str, place: Place, first: Place) -> Finding {
    Finding::error(codes::DUPLICATE_KEY, place, format!("the key `{key}` is given twice"))
        .label("again here")
        .related(first, "first here")
        .help("remove one of them")
}
