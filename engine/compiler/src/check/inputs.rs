//! Inputs must fit the schema of the action: keys, literal values, and types of references.

use runwright_model::{
    expression::Template,
    schema::{Additional, Kind, Schema},
    step::{RollbackSpec, StepKind},
};

use crate::{
    check::types::{self, Type, can_become},
    codes,
    draft::Draft,
    finding::{Finding, Findings},
    lower::unknown_input,
    place::Place,
    step::RawRollback,
    syntax::{Entry, Node, Shape},
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for (step, raw) in draft.steps.iter().zip(&draft.document.steps) {
        let StepKind::Action { action, inputs } = &step.kind else {
            continue;
        };
        let Some(spec) = draft.catalog.actions.get(action) else {
            continue;
        };
        let mut checker = Checker {
            draft,
            action,
            findings,
        };
        checker.required(&spec.manifest.inputs, &raw.inputs, raw.inputs_place);
        checker.entries(&spec.manifest.inputs, inputs, &raw.inputs);
        if let (RollbackSpec::PluginWith(inputs), RawRollback::Inputs(_, entries)) = (&step.rollback, &raw.rollback) {
            checker.entries(&spec.manifest.inputs, inputs, entries);
        }
    }
}

struct Checker<'d, 'c, 'f> {
    draft: &'d Draft<'c>,
    action: &'d str,
    findings: &'f mut Findings,
}

impl Checker<'_, '_, '_> {
    fn required(&mut self, schema: &Schema, entries: &[Entry], place: Place) {
        for name in &schema.required {
            if !entries.iter().any(|entry| entry.key == *name) {
                let message = format!("`{}` needs the input `{name}`", self.action);
                let finding = Finding::error(codes::MISSING_INPUT, place, message);
                let description = schema.properties.get(name).and_then(|s| s.description.as_ref());
                self.findings.push(match description {
                    Some(description) => finding.help(format!("`{name}`: {description}")),
                    None => finding,
                });
            }
        }
    }

    fn entries(&mut self, schema: &Schema, templates: &[(String, Template)], entries: &[Entry]) {
        for ((_, template), entry) in templates.iter().zip(entries) {
            match (schema.properties.get(&entry.key), &schema.additional_properties) {
                (Some(shape), _) => self.value(shape, template, &entry.value, &entry.key),
                (None, Some(Additional::Shape(shape))) => self.value(shape, template, &entry.value, &entry.key),
                (None, Some(Additional::Allowed(false))) => {
                    let known: Vec<&str> = schema.properties.keys().map(String::as_str).collect();
                    self.findings.push(unknown_input(self.action, entry, &known));
                }
                (None, Some(Additional::Allowed(true)) | None) => {}
            }
        }
    }

    /// One value and its template, side by side.
    fn value(&mut self, schema: &Schema, template: &Template, node: &Node, path: &str) {
        match (template, &node.shape) {
            (Template::Literal(value), _) => {
                if let Err(mismatch) = schema.coerce(value.clone()) {
                    let (place, path) = locate(node, path, &mismatch.path);
                    let message = format!("the input `{path}` of `{}`: {}", self.action, mismatch.message);
                    self.findings
                        .push(Finding::error(codes::INPUT_DOES_NOT_FIT, place, message));
                }
            }
            (Template::Reference(reference), _) => {
                if let Some(given) = types::of_reference(self.draft, reference) {
                    self.reference(schema, given, &reference.to_string(), node.place, path);
                }
            }
            // A text with references in it can become anything that a text can.
            (Template::Text(_), _) => {}
            (Template::List(items), Shape::List(nodes)) => self.list(schema, items, nodes, node.place, path),
            (Template::Map(entries), Shape::Map(nodes)) => self.map(schema, entries, nodes, node.place, path),
            (Template::List(_) | Template::Map(_), _) => {}
        }
    }

    fn reference(&mut self, schema: &Schema, given: Type, reference: &str, place: Place, path: &str) {
        if fits(schema, given) {
            return;
        }
        let wanted = wanted(schema);
        let message = format!(
            "the input `{path}` of `{}` must be {wanted}, and `{reference}` is {}",
            self.action,
            given.describe()
        );
        self.findings.push(
            Finding::error(codes::REFERENCE_DOES_NOT_FIT, place, message)
                .help("there is no conversion between them; pick or compute the right value in a step before"),
        );
    }

    fn list(&mut self, schema: &Schema, items: &[Template], nodes: &[Node], place: Place, path: &str) {
        if !schema.any_of.is_empty() {
            return;
        }
        if schema.kind.is_some_and(|kind| kind != Kind::Array) {
            return self.wrong_kind(schema, "a list", place, path);
        }
        let Some(shape) = &schema.items else { return };
        for (index, (item, node)) in items.iter().zip(nodes).enumerate() {
            let path = format!("{path}[{index}]");
            match item {
                // A reference to a list is spliced in: its items are what must fit.
                Template::Reference(reference) => match types::of_reference(self.draft, reference) {
                    Some(Type {
                        kind: Kind::Array,
                        item: Some(kind),
                    }) => {
                        let given = Type { kind, item: None };
                        self.reference(shape, given, &format!("an item of {reference}"), node.place, &path);
                    }
                    Some(Type {
                        kind: Kind::Array,
                        item: None,
                    })
                    | None => {}
                    Some(given) => self.reference(shape, given, &reference.to_string(), node.place, &path),
                },
                Template::Literal(_) | Template::Text(_) | Template::List(_) | Template::Map(_) => {
                    self.value(shape, item, node, &path);
                }
            }
        }
    }

    fn map(&mut self, schema: &Schema, templates: &[(String, Template)], entries: &[Entry], place: Place, path: &str) {
        if !schema.any_of.is_empty() {
            return;
        }
        match schema.kind {
            None | Some(Kind::Object) => {}
            // A map where a list is wanted becomes a list of one.
            Some(Kind::Array) => {
                if let Some(items) = &schema.items {
                    self.map(items, templates, entries, place, path);
                }
                return;
            }
            Some(Kind::String | Kind::Integer | Kind::Number | Kind::Boolean) => {
                return self.wrong_kind(schema, "a map", place, path);
            }
        }
        for name in &schema.required {
            if !entries.iter().any(|entry| entry.key == *name) {
                let message = format!("the input `{path}` of `{}` needs the key `{name}`", self.action);
                self.findings
                    .push(Finding::error(codes::INPUT_DOES_NOT_FIT, place, message));
            }
        }
        for ((_, template), entry) in templates.iter().zip(entries) {
            let path = format!("{path}.{}", entry.key);
            match (schema.properties.get(&entry.key), &schema.additional_properties) {
                (Some(shape), _) => self.value(shape, template, &entry.value, &path),
                (None, Some(Additional::Shape(shape))) => self.value(shape, template, &entry.value, &path),
                (None, Some(Additional::Allowed(false))) => {
                    let message = format!("the input `{path}` of `{}` is not known", self.action);
                    self.findings
                        .push(Finding::error(codes::INPUT_DOES_NOT_FIT, entry.key_place, message));
                }
                (None, Some(Additional::Allowed(true)) | None) => {}
            }
        }
    }

    fn wrong_kind(&mut self, schema: &Schema, given: &str, place: Place, path: &str) {
        let message = format!(
            "the input `{path}` of `{}` must be {}, and is {given}",
            self.action,
            wanted(schema)
        );
        self.findings
            .push(Finding::error(codes::INPUT_DOES_NOT_FIT, place, message));
    }
}

fn fits(schema: &Schema, given: Type) -> bool {
    if !schema.any_of.is_empty() {
        return schema.any_of.iter().any(|shape| fits(shape, given));
    }
    let Some(wanted) = schema.kind else { return true };
    let wanted_item = schema.items.as_ref().and_then(|items| items.kind);
    match (wanted, given.kind, wanted_item) {
        (Kind::Array, Kind::Array, Some(wanted)) => given.item.is_none_or(|item| can_become(item, wanted)),
        // What is no list becomes a list of one.
        (Kind::Array, given, Some(wanted)) => can_become(given, wanted),
        (wanted, given, _) => can_become(given, wanted),
    }
}

fn wanted(schema: &Schema) -> &'static str {
    match schema.kind {
        Some(kind) => Type {
            kind,
            item: schema.items.as_ref().and_then(|items| items.kind),
        }
        .describe(),
        None => "of another type",
    }
}

/// The part of a value that a path such as `[0].Key` leads to, and the whole path from the input.
fn locate(node: &Node, input: &str, path: &str) -> (Place, String) {
    let mut place = node.place;
    let mut current = Some(node);
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let next = match current.map(|node| &node.shape) {
            Some(Shape::List(items)) => part
                .trim_end_matches(']')
                .parse::<usize>()
                .ok()
                .and_then(|at| items.get(at)),
            Some(Shape::Map(entries)) => entries.iter().find(|entry| entry.key == part).map(|entry| &entry.value),
            _ => None,
        };
        place = next.map_or(place, |node| node.place);
        current = next;
    }
    let separator = if path.is_empty() || path.starts_with('[') {
        ""
    } else {
        "."
    };
    (place, format!("{input}{separator}{path}"))
}
