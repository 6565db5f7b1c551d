//! `{{ parameter }}` in Command documents.
//!
//! Only the names of declared parameters are references; all other braces stay text. Texts that are nothing but a
//! reference keep the value's type. See [`Piece::Collapsed`] for the rest.

use std::collections::BTreeSet;

use runwright_model::expression::{Piece, Reference, Template};
use serde_json::Value;

use super::{document::Document, script::Shell};
use crate::{
    codes,
    finding::{Finding, Findings},
    place::Place,
    syntax::{Node, Shape},
    template::{self, Use, What},
};

/// Reads the texts of one document.
pub(crate) struct Substitution<'d> {
    /// The document's text, for places.
    text: &'d str,
    names: BTreeSet<&'d str>,
    exported: &'d BTreeSet<String>,
}

impl<'d> Substitution<'d> {
    pub(crate) fn new(text: &'d str, document: &'d Document) -> Self {
        let read = document.parameters.read.iter().map(|parameter| parameter.name.as_str());
        let broken = document.parameters.broken.iter().map(String::as_str);
        Self {
            text,
            names: read.chain(broken).collect(),
            exported: &document.exported,
        }
    }

    /// The template of a value. In a script, parameters with ENV_VAR become what its shell calls them.
    pub(crate) fn template(&self, node: &Node, script: Option<Shell>, findings: &mut Findings) -> Template {
        match &node.shape {
            Shape::Text(text) => self.pieces(text, node.place, script, findings),
            Shape::List(items) => {
                template::list(items.iter().map(|item| self.template(item, script, findings)).collect())
            }
            Shape::Map(entries) => template::map(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), self.template(&entry.value, script, findings)))
                    .collect(),
            ),
            Shape::Null | Shape::Boolean(_) | Shape::Number(_) => Template::Literal(node.to_value()),
        }
    }

    fn pieces(&self, text: &str, place: Place, script: Option<Shell>, findings: &mut Findings) -> Template {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            let Some((name, length)) = reference(&rest[at..]) else {
                // Three braces may hold a reference behind the first.
                plain.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
                continue;
            };
            plain.push_str(&rest[..at]);
            let whole = &rest[at..at + length];
            match script.filter(|_| self.exported.contains(name)) {
                Some(shell) => plain.push_str(&shell.reference(name)),
                None if self.names.contains(name) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Collapsed(Reference::Parameter(name.to_owned())));
                }
                None => {
                    let nth = text[..text.len() - rest.len() + at].matches("{{").count();
                    findings.push(self.unknown(name, place, nth));
                    plain.push_str(whole);
                }
            }
            rest = &rest[at + length..];
        }
        plain.push_str(rest);
        assemble(pieces, plain)
    }

    fn unknown(&self, name: &str, node: Place, nth: usize) -> Finding {
        let what = What::Reference(Reference::Parameter(name.to_owned()));
        let place = Use {
            what,
            node,
            nth,
            alone: false,
        }
        .place(self.text);
        let message = format!("`{{{{ {name} }}}}` stays text: there is no parameter `{name}`");
        Finding::warning(codes::LOOKS_LIKE_REFERENCE, place, message)
            .help("declare it in `parameters:` when a value is meant; Systems Manager refuses such a document")
    }
}

fn assemble(mut pieces: Vec<Piece>, rest: String) -> Template {
    match pieces.as_slice() {
        [] => return Template::Literal(Value::String(rest)),
        [Piece::Collapsed(only)] if rest.is_empty() => return Template::Reference(only.clone()),
        _ => {}
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Template::Text(pieces)
}

/// `{{ name }}` at the beginning of a text: the name, and the length of it all.
fn reference(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix("{{")?.trim_start_matches(' ');
    let end = inside
        .find(|c: char| !c.is_ascii_alphanumeric())
        .filter(|end| *end > 0)?;
    let behind = inside[end..].trim_start_matches(' ').strip_prefix("}}")?;
    Some((&inside[..end], text.len() - behind.len()))
}

#[cfg(test)]
mod tests {
    use runwright_model::expression::Scope;
    use serde_json::json;

    use super::*;

    struct Values(Value);

    impl Scope for Values {
        fn lookup(&self, reference: &Reference) -> Option<Value> {
            match reference {
                Reference::Parameter(name) => self.0.get(name).cloned(),
                Reference::Output { .. } | Reference::Variable(_) | Reference::Global(_) | Reference::ExecutionId => {
                    None
                }
            }
        }
    }

    fn resolved(text: &str, script: Option<Shell>) -> (Value, usize) {
        let exported = BTreeSet::from(["Env".to_owned()]);
        let substitution = Substitution {
            text,
            names: BTreeSet::from(["A", "List", "Env"]),
            exported: &exported,
        };
        let mut findings = Findings::new();
        let template = substitution.pieces(text, Place::new(0, text.len()), script, &mut findings);
        let values = Values(json!({"A": "x$$y", "List": ["a", "b"], "Env": "value"}));
        (template.resolve(&values).unwrap(), findings.len())
    }

    #[test]
    fn whole_values_keep_their_type_and_their_dollars() {
        assert_eq!(resolved("{{A}}", None), (json!("x$$y"), 0));
        assert_eq!(resolved("{{   List  }}", None), (json!(["a", "b"]), 0));
    }

    #[test]
    fn embedded_values_are_texts_with_single_dollars() {
        assert_eq!(resolved("-{{ A }}-$$", None), (json!("-x$y-$$"), 0));
        assert_eq!(resolved(" {{ List }}", None), (json!(" [\"a\",\"b\"]"), 0));
        assert_eq!(resolved("{{{ A }}}", None), (json!("{x$y}"), 0));
        assert_eq!(resolved("{{{{A}}}}", None), (json!("{{x$y}}"), 0));
    }

    #[test]
    fn other_braces_stay() {
        for text in [
            "{{",
            "{{}}",
            "{{ a b }}",
            "{{ A",
            "{{A.B}}",
            "{{ssm:/a/b}}",
            "{{ A }",
            "{{\tA}}",
            "é{{é}}",
        ] {
            assert_eq!(resolved(text, None), (json!(text), 0));
        }
        assert_eq!(resolved("{{ Unknown }}", None), (json!("{{ Unknown }}"), 1));
    }

    #[test]
    fn exported_values_never_stand_in_scripts() {
        assert_eq!(
            resolved("echo \"{{ Env }}s\"", Some(Shell::Posix)).0,
            json!("echo \"${SSM_Env}s\"")
        );
        assert_eq!(resolved("{{Env}}", Some(Shell::PowerShell)).0, json!("${env:SSM_Env}"));
        assert_eq!(resolved("{{Env}}", None).0, json!("value"));
    }
}
