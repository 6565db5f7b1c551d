//! Finds `{{ references }}` in texts.
//!
//! What does not read as a reference stays as it is: scripts and templates are full of braces. Whether what a
//! reference names exists is the business of [`crate::check`].

use runwright_model::expression::{Global, Piece, Reference, Template};
use serde_json::{Map, Value};

use crate::{
    place::Place,
    syntax::{Node, Shape},
};

/// A pair of braces in a scalar, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) what: What,
    /// The scalar.
    pub(crate) node: Place,
    /// Which `{{` of the scalar it is, from 0.
    pub(crate) nth: usize,
    /// Whether the scalar is nothing else.
    pub(crate) alone: bool,
}

/// What stands between the braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A reference.
    Reference(Reference),
    /// `{{ssm:…}}`, which belongs into defaults of parameters only.
    Ssm,
    /// `{{ global:… }}` or `{{ automation:… }}` with an unknown name.
    UnknownGlobal(String),
    /// `{{ step.output.more }}` of a step there is: stays text, and was probably meant otherwise.
    TooManyDots(String),
}

impl Use {
    /// Where the braces are.
    pub(crate) fn place(&self, text: &str) -> Place {
        let raw = self.node.slice(text);
        let Some((open, _)) = raw.match_indices("{{").nth(self.nth) else {
            return self.node;
        };
        let Some(length) = raw[open..].find("}}") else {
            return self.node;
        };
        let start = self.node.start as usize + open;
        Place::new(start, start + length + 2)
    }
}

/// Reads templates and remembers what they use.
pub(crate) struct Reader<'n> {
    /// Whether a step has this name. An output's name may hold blanks only where there is such a step.
    pub(crate) is_step: &'n dyn Fn(&str) -> bool,
    pub(crate) uses: Vec<Use>,
}

impl Reader<'_> {
    /// The template of a value.
    pub(crate) fn template(&mut self, node: &Node) -> Template {
        match &node.shape {
            Shape::Text(text) => self.text(text, node.place),
            Shape::List(items) => list(items.iter().map(|item| self.template(item)).collect()),
            Shape::Map(entries) => map(entries
                .iter()
                .map(|e| (e.key.clone(), self.template(&e.value)))
                .collect()),
            Shape::Null | Shape::Boolean(_) | Shape::Number(_) => Template::Literal(node.to_value()),
        }
    }

    fn text(&mut self, text: &str, node: Place) -> Template {
        let mut pieces = Vec::new();
        let mut done = 0;
        let mut resume = 0;
        for (nth, at) in openings(text).enumerate() {
            if at < resume {
                continue;
            }
            let found = match braces(&text[at..]) {
                Braces::Body { inside, end } => {
                    let found = self.body(inside);
                    resume = if found.is_some() { at + end } else { at + 2 };
                    found
                }
                Braces::Text { end } => {
                    resume = at + end;
                    None
                }
            };
            let Some(what) = found else { continue };
            if let What::Reference(reference) = &what {
                if done < at {
                    pieces.push(Piece::Text(text[done..at].to_owned()));
                }
                pieces.push(Piece::Reference(reference.clone()));
                done = resume;
            }
            let alone = text.trim().len() == resume - at;
            self.uses.push(Use { what, node, nth, alone });
        }
        assemble(pieces, &text[done..], text)
    }

    /// What the text between braces is; `None` when it is nothing and stays text.
    fn body(&self, inside: &str) -> Option<What> {
        let body = inside.trim_matches([' ', '\t']);
        if let Some((prefix, name)) = body.split_once(':') {
            return prefixed(prefix, name);
        }
        match body.split_once('.') {
            Some((step, output)) => self.output(step, output),
            None if !body.is_empty() && body.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Some(What::Reference(Reference::Parameter(body.to_owned())))
            }
            None => None,
        }
    }

    fn output(&self, step: &str, output: &str) -> Option<What> {
        let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if step.is_empty() || !step.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || output.is_empty() {
            return None;
        }
        let reference = || {
            let (step, output) = (step.to_owned(), output.to_owned());
            Some(What::Reference(Reference::Output { step, output }))
        };
        if output.chars().all(in_name) {
            return reference();
        }
        if !(self.is_step)(step) {
            return None;
        }
        let starts_well = output.starts_with(in_name);
        if starts_well && output.chars().all(|c| in_name(c) || c == ' ') {
            return reference();
        }
        let dotted = starts_well && output.chars().all(|c| in_name(c) || matches!(c, '.' | '[' | ']'));
        dotted.then(|| What::TooManyDots(format!("{step}.{output}")))
    }
}

/// The template of a text in which no step can be meant.
pub(crate) fn of_text(text: &str) -> Template {
    let mut reader = Reader {
        is_step: &|_| false,
        uses: Vec::new(),
    };
    reader.text(text, Place::default())
}

fn prefixed(prefix: &str, name: &str) -> Option<What> {
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match prefix {
        "variable" if word => Some(What::Reference(Reference::Variable(name.to_owned()))),
        "global" if word => Some(match Global::ALL.iter().find(|(known, _)| *known == name) {
            Some((_, global)) => What::Reference(Reference::Global(*global)),
            None => What::UnknownGlobal(format!("global:{name}")),
        }),
        "automation" if name == "EXECUTION_ID" => Some(What::Reference(Reference::ExecutionId)),
        "automation" if word => Some(What::UnknownGlobal(format!("automation:{name}"))),
        "ssm" => Some(What::Ssm),
        _ => None,
    }
}

/// Where `{{` stands, without overlaps: what `match_indices` gives, without its cost for texts that have none.
fn openings(text: &str) -> impl Iterator<Item = usize> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + text[from..].find('{')?;
            if text.as_bytes().get(at + 1) == Some(&b'{') {
                from = at + 2;
                return Some(at);
            }
            from = at + 1;
        }
    })
}

/// What two opening braces begin.
enum Braces<'t> {
    /// A body, closed at `end` (behind the closing braces).
    Body { inside: &'t str, end: usize },
    /// Plain text up to `end`.
    Text { end: usize },
}

/// Looks at a text that begins with `{{`. Three braces, or a reference inside a name, are plain text.
fn braces(text: &str) -> Braces<'_> {
    let open = text.len() - text.trim_start_matches('{').len();
    if open > 2 {
        return Braces::Text { end: open };
    }
    let after = &text[2..];
    let Some(stop) = after.find(['{', '}', '\n']) else {
        return Braces::Text { end: text.len() };
    };
    let inside = &after[..stop];
    if after[stop..].starts_with("}}") {
        return Braces::Body {
            inside,
            end: 2 + stop + 2,
        };
    }
    let name_goes_on = inside
        .trim_start()
        .ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'));
    if name_goes_on && after[stop..].starts_with("{{") {
        let closed = after[stop..].find("}}").map_or(after.len(), |at| stop + at + 2);
        return Braces::Text { end: 2 + closed };
    }
    Braces::Text { end: 2 }
}

fn assemble(mut pieces: Vec<Piece>, rest: &str, whole: &str) -> Template {
    match pieces.as_slice() {
        [] => return Template::Literal(Value::String(whole.to_owned())),
        [Piece::Reference(only)] if rest.trim().is_empty() => return Template::Reference(only.clone()),
        [Piece::Text(before), Piece::Reference(only)] if before.trim().is_empty() && rest.trim().is_empty() => {
            return Template::Reference(only.clone());
        }
        _ => {}
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Template::Text(pieces)
}

/// A list; literal when all its items are.
pub(crate) fn list(items: Vec<Template>) -> Template {
    if !items.iter().all(|item| matches!(item, Template::Literal(_))) {
        return Template::List(items);
    }
    Template::Literal(Value::Array(items.into_iter().filter_map(literal).collect()))
}

/// A map; literal when all its values are.
pub(crate) fn map(entries: Vec<(String, Template)>) -> Template {
    if !entries.iter().all(|(_, value)| matches!(value, Template::Literal(_))) {
        return Template::Map(entries);
    }
    let entries = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key, literal(value)?)));
    Template::Literal(Value::Object(entries.collect::<Map<_, _>>()))
}

fn literal(template: Template) -> Option<Value> {
    match template {
        Template::Literal(value) => Some(value),
        Template::Reference(_) | Template::Text(_) | Template::List(_) | Template::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Template, Vec<What>) {
        let is_step = |name: &str| name == "step";
        let mut reader = Reader {
            is_step: &is_step,
            uses: Vec::new(),
        };
        let template = reader.text(text, Place::default());
        (template, reader.uses.into_iter().map(|found| found.what).collect())
    }

    fn stays(text: &str) {
        assert_eq!(read(text), (Template::Literal(text.into()), vec![]), "{text}");
    }

    #[test]
    fn one_reference_is_the_value_itself() {
        let output = |output: &str| Reference::Output {
            step: "step".into(),
            output: output.into(),
        };
        let cases = [
            ("{{ Name }}", Reference::Parameter("Name".into())),
            ("{{Name}}", Reference::Parameter("Name".into())),
            (" {{\tName\t}}\n", Reference::Parameter("Name".into())),
            ("{{ step.Out }}", output("Out")),
            ("{{ step.Out put }}", output("Out put")),
            ("{{ variable:a_b }}", Reference::Variable("a_b".into())),
            ("{{ global:DATE_TIME }}", Reference::Global(Global::DateTime)),
            ("{{ automation:EXECUTION_ID }}", Reference::ExecutionId),
        ];
        for (text, reference) in cases {
            assert_eq!(read(text).0, Template::Reference(reference), "{text}");
        }
    }

    #[test]
    fn openings_are_those_of_match_indices() {
        for text in ["", "{", "{{", "{{{", "{{{{", "a{b{{c{{{d", "é{{é", "{é{{"] {
            let expected: Vec<usize> = text.match_indices("{{").map(|(at, _)| at).collect();
            assert_eq!(openings(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn text_around_references_is_kept() {
        let (template, uses) = read("a {{ B }}{{ C }}}");
        assert_eq!(
            template,
            Template::Text(vec![
                Piece::Text("a ".into()),
                Piece::Reference(Reference::Parameter("B".into())),
                Piece::Reference(Reference::Parameter("C".into())),
                Piece::Text("}".into()),
            ])
        );
        assert_eq!(uses.len(), 2);
    }

    #[test]
    fn other_braces_stay() {
        for text in [
            "{{{x}}}",
            "{{{{x}}}}",
            "{{ a b }}",
            "{{ a_b }}",
            "{{}}",
            "{{ a\n}}",
            "{{",
            "{{ a }",
            "{{ a{{b}} }}",
            "{{resolve:ssm-secure:x:1}}",
            "{{ssm-secure:x}}",
            "{{ item.name | upper }}",
            "{{ other.name x }}",
            "{{ RESOURCE_ID }}",
            "{% if x %}",
            "{{ a.b.c }}",
            "}}{{",
            "{{ 'x' }}",
            "{{ variable: x }}",
        ] {
            stays(text);
        }
    }

    #[test]
    fn a_reference_inside_other_braces_is_one() {
        let (template, _) = read("f\"{{'id': '{{ P }}'}}\"");
        assert_eq!(template.references(), [&Reference::Parameter("P".into())]);
    }

    #[test]
    fn what_is_no_reference_here_is_told() {
        assert_eq!(read("{{ssm:/a/b}}").1, [What::Ssm]);
        assert_eq!(read("{{ global:NO }}").1, [What::UnknownGlobal("global:NO".into())]);
        assert_eq!(read("{{ step.a.b }}").1, [What::TooManyDots("step.a.b".into())]);
    }

    #[test]
    fn values_without_references_are_literal() {
        let node = |shape| Node {
            place: Place::default(),
            shape,
        };
        let list = node(Shape::List(vec![node(Shape::Text("a".into())), node(Shape::Null)]));
        let mut reader = Reader {
            is_step: &|_| false,
            uses: Vec::new(),
        };
        assert_eq!(
            reader.template(&list),
            Template::Literal(serde_json::json!(["a", null]))
        );
    }
}
