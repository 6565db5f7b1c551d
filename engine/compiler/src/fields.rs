//! Takes a map of the document apart: known keys out, unknown keys reported.

use crate::{
    codes,
    finding::{Finding, Findings},
    place::{Place, Spanned},
    suggest::{listed, nearest},
    syntax::{Entry, Node, Shape},
};

/// The keys of a map that are not taken yet.
pub(crate) struct Fields {
    /// What the map is, for messages: `a step`.
    what: &'static str,
    pub(crate) place: Place,
    entries: Vec<Entry>,
}

impl Fields {
    /// The fields of a node; `None`, and a finding, when it is no map.
    pub(crate) fn of(node: Node, what: &'static str, findings: &mut Findings) -> Option<Self> {
        match node.shape {
            Shape::Map(entries) => Some(Self {
                what,
                place: node.place,
                entries,
            }),
            Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::Text(_) | Shape::List(_) => {
                findings.push(wrong_type(&node, &format!("{what} must be a map")));
                None
            }
        }
    }

    /// Whether a key is there and not taken yet.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Takes a key out.
    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at))
    }

    /// Takes a key out that must be there.
    pub(crate) fn require(&mut self, key: &str, findings: &mut Findings) -> Option<Entry> {
        let entry = self.take(key);
        if entry.is_none() {
            findings.push(missing(self.what, key, self.head()));
        }
        entry
    }

    /// Takes every key out that is left.
    pub(crate) fn rest(&mut self) -> impl Iterator<Item = Entry> {
        self.entries.drain(..)
    }

    /// Reports what is left.
    pub(crate) fn finish(mut self, known: &[&'static str], findings: &mut Findings) {
        let what = self.what;
        for entry in self.rest() {
            findings.push(unknown_key(what, &entry, known));
        }
    }

    /// The first line of the map: a place for what is missing in it.
    pub(crate) fn head(&self) -> Place {
        match self.entries.first() {
            Some(first) => Place {
                start: self.place.start,
                end: first.key_place.end.max(self.place.start),
            },
            None => Place {
                start: self.place.start,
                end: self.place.end,
            },
        }
    }

    pub(crate) fn text(&mut self, key: &str, findings: &mut Findings) -> Option<Spanned<String>> {
        self.take(key)
            .and_then(|entry| text(entry.value, &format!("`{key}`"), findings))
    }

    /// A Boolean, or a text that spells one.
    pub(crate) fn boolean(&mut self, key: &str, findings: &mut Findings) -> Option<Spanned<bool>> {
        let node = self.take(key)?.value;
        let value = match &node.shape {
            Shape::Boolean(flag) => Some(*flag),
            Shape::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Shape::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Shape::Null | Shape::Number(_) | Shape::Text(_) | Shape::List(_) | Shape::Map(_) => None,
        };
        if value.is_none() {
            findings.push(wrong_type(&node, &format!("`{key}` must be true or false")));
        }
        Some(Spanned {
            value: value?,
            place: node.place,
        })
    }

    /// A whole number in a range, or a text that spells one.
    pub(crate) fn whole(&mut self, key: &str, least: u64, most: u64, findings: &mut Findings) -> Option<Spanned<u64>> {
        let node = self.take(key)?.value;
        let value = whole_number(&node);
        match value {
            Some(value) if (least..=most).contains(&value) => Some(Spanned {
                value,
                place: node.place,
            }),
            Some(value) => {
                let message = format!("`{key}` must be between {least} and {most}, and is {value}");
                findings.push(Finding::error(codes::WRONG_WORD, node.place, message));
                None
            }
            None => {
                let wanted = format!("`{key}` must be a whole number, not negative");
                findings.push(match &node.shape {
                    Shape::Number(given) => {
                        Finding::error(codes::WRONG_TYPE, node.place, format!("{wanted}, and is {given}"))
                    }
                    Shape::Null | Shape::Boolean(_) | Shape::Text(_) | Shape::List(_) | Shape::Map(_) => {
                        wrong_type(&node, &wanted)
                    }
                });
                None
            }
        }
    }

    /// A list. A key without a value counts as absent.
    pub(crate) fn list(&mut self, key: &str, findings: &mut Findings) -> Option<(Place, Vec<Node>)> {
        let entry = self.take(key).filter(|entry| !entry.value.is_null())?;
        list(entry.value, key, findings)
    }

    /// A list of texts. Items that are none are reported and left out.
    pub(crate) fn texts(&mut self, key: &str, findings: &mut Findings) -> Option<Vec<Spanned<String>>> {
        let (_, items) = self.list(key, findings)?;
        let what = format!("an item of `{key}`");
        Some(
            items
                .into_iter()
                .filter_map(|item| text(item, &what, findings))
                .collect(),
        )
    }
}

/// A whole number that is not negative, also as text.
pub(crate) fn whole_number(node: &Node) -> Option<u64> {
    match &node.shape {
        Shape::Number(number) => number.as_u64(),
        Shape::Text(text) => text.trim().parse().ok(),
        Shape::Null | Shape::Boolean(_) | Shape::List(_) | Shape::Map(_) => None,
    }
}

pub(crate) fn text(node: Node, what: &str, findings: &mut Findings) -> Option<Spanned<String>> {
    match node.shape {
        Shape::Text(value) => Some(Spanned {
            value,
            place: node.place,
        }),
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::List(_) | Shape::Map(_) => {
            findings.push(wrong_type(&node, &format!("{what} must be a text")));
            None
        }
    }
}

pub(crate) fn list(node: Node, key: &str, findings: &mut Findings) -> Option<(Place, Vec<Node>)> {
    match node.shape {
        Shape::List(items) => Some((node.place, items)),
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::Text(_) | Shape::Map(_) => {
            findings.push(wrong_type(&node, &format!("`{key}` must be a list")));
            None
        }
    }
}

/// `what` is a half sentence: "`isEnd` must be true or false".
pub(crate) fn wrong_type(node: &Node, what: &str) -> Finding {
    let finding = Finding::error(
        codes::WRONG_TYPE,
        node.place,
        format!("{what}, and this is {}", node.describe()),
    );
    match &node.shape {
        Shape::Text(text) if text.contains("{{") => {
            finding.help("references are resolved in `inputs` and conditions only; write the value itself")
        }
        Shape::Number(_) | Shape::Boolean(_) if what.ends_with("a text") => finding.help("put it in quotes"),
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::Text(_) | Shape::List(_) | Shape::Map(_) => finding,
    }
}

pub(crate) fn missing(what: &str, key: &str, place: Place) -> Finding {
    Finding::error(codes::MISSING_KEY, place, format!("{what} needs the key `{key}`")).help(format!("add `{key}:`"))
}

fn unknown_key(what: &str, entry: &Entry, known: &[&'static str]) -> Finding {
    let message = format!("{what} has no key `{}`", entry.key);
    let finding = Finding::error(codes::UNKNOWN_KEY, entry.key_place, message);
    match nearest(&entry.key, known.iter().copied()) {
        Some(word) => finding.did_you_mean(Some(word)),
        None => finding.help(format!("known are {}", listed(known.iter().copied()))),
    }
}
