//! Any YAML or JSON text as a value that knows where each of its parts is written: for files beside runbooks.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    Diagnostic, Source, Span,
    finding::Findings,
    place::Lines,
    syntax::{self, Node, Shape},
};

/// A document, with the place of each value and of each key.
#[derive(Debug, Clone)]
pub struct Tree {
    value: Value,
    values: BTreeMap<String, Span>,
    keys: BTreeMap<String, Span>,
}

/// Reads a text as runbooks are read: the same YAML, the same limits.
///
/// # Errors
///
/// What is wrong with the text.
pub fn tree(source: &Source) -> Result<Tree, Vec<Diagnostic>> {
    let mut findings = Findings::new();
    let root = syntax::read(&source.text, &mut findings);
    let lines = Lines::new(&source.text);
    let (Some(root), true) = (root, findings.is_empty()) else {
        let found = findings.into_iter();
        return Err(found.map(|it| it.into_diagnostic(&source.text, &lines)).collect());
    };
    let mut tree = Tree {
        value: root.to_value(),
        values: BTreeMap::new(),
        keys: BTreeMap::new(),
    };
    tree.note(&root, String::new(), &source.text, &lines);
    Ok(tree)
}

impl Tree {
    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Where the value at this JSON pointer is written, or the nearest around it.
    #[must_use]
    pub fn span(&self, pointer: &str) -> Span {
        let mut at = pointer;
        loop {
            if let Some(span) = self.values.get(at) {
                return span.clone();
            }
            at = at.rsplit_once('/').map_or("", |(around, _)| around);
        }
    }

    /// Where the key at the end of this JSON pointer is written; where its value is, when it is no key.
    #[must_use]
    pub fn key_span(&self, pointer: &str) -> Span {
        self.keys.get(pointer).cloned().unwrap_or_else(|| self.span(pointer))
    }

    fn note(&mut self, node: &Node, pointer: String, text: &str, lines: &Lines) {
        match &node.shape {
            Shape::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.note(item, format!("{pointer}/{index}"), text, lines);
                }
            }
            Shape::Map(entries) => {
                for entry in entries {
                    let below = format!("{pointer}/{}", escaped(&entry.key));
                    self.keys.insert(below.clone(), lines.span(text, entry.key_place));
                    self.note(&entry.value, below, text, lines);
                }
            }
            Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::Text(_) => {}
        }
        self.values.insert(pointer, lines.span(text, node.place));
    }
}

/// A key as a part of a JSON pointer (RFC 6901).
#[must_use]
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Tree, Vec<Diagnostic>> {
        tree(&Source {
            name: "x".into(),
            origin: "x.yaml".into(),
            text: text.into(),
        })
    }

    #[test]
    fn values_and_keys_have_places() {
        let tree = read("a:\n  - b/c: 1\n").unwrap();
        assert_eq!(tree.value(), &serde_json::json!({"a": [{"b/c": 1}]}));
        let at = |span: Span| (span.line, span.column);
        assert_eq!(at(tree.span("/a/0/b~1c")), (2, 10));
        assert_eq!(at(tree.key_span("/a/0/b~1c")), (2, 5));
        assert_eq!(at(tree.span("/a/0/nothing/here")), at(tree.span("/a/0")));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert_eq!(read("a: 1\na: 2\n").unwrap_err()[0].span.line, 2);
    }
}
