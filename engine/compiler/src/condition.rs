//! Conditions of `aws:branch` and `when`.

use runwright_model::{
    condition::{Condition, Operator},
    expression::Template,
};

use crate::{
    codes,
    fields::{self, wrong_type},
    finding::{Finding, Findings},
    place::{Place, Spanned},
    suggest::{listed, nearest},
    syntax::{Entry, Node, Shape},
    template::Reader,
};

/// A comparison, for the check of its types.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) variable: Spanned<Template>,
    pub(crate) operator: Operator,
    pub(crate) operand: Spanned<Template>,
}

/// Reads conditions, and remembers their comparisons.
pub(crate) struct Conditions<'r, 'n, 'f> {
    pub(crate) templates: &'r mut Reader<'n>,
    pub(crate) comparisons: &'r mut Vec<Comparison>,
    pub(crate) findings: &'f mut Findings,
}

impl Conditions<'_, '_, '_> {
    /// A condition; `None` when it is none, with a finding.
    pub(crate) fn read(&mut self, node: &Node) -> Option<Condition> {
        let Shape::Map(entries) = &node.shape else {
            self.findings.push(
                wrong_type(node, "a condition must be a map")
                    .help("compare a value, as in `{Variable: \"{{ step.Output }}\", StringEquals: ok}`"),
            );
            return None;
        };
        self.entries(&entries.iter().collect::<Vec<_>>(), node.place)
    }

    /// The condition that these keys of a map make.
    pub(crate) fn entries(&mut self, entries: &[&Entry], place: Place) -> Option<Condition> {
        match entries {
            [only] if only.key == "And" => self.parts(only).map(Condition::And),
            [only] if only.key == "Or" => self.parts(only).map(Condition::Or),
            [only] if only.key == "Not" => self.read(&only.value).map(|inner| Condition::Not(Box::new(inner))),
            [first, second] if first.key == "Variable" => self.compare(first, second),
            [first, second] if second.key == "Variable" => self.compare(second, first),
            _ => {
                self.findings.push(shape_finding(entries, place));
                None
            }
        }
    }

    fn parts(&mut self, entry: &Entry) -> Option<Vec<Condition>> {
        let Shape::List(items) = &entry.value.shape else {
            self.findings.push(wrong_type(
                &entry.value,
                &format!("`{}` must be a list of conditions", entry.key),
            ));
            return None;
        };
        let operator = &entry.key;
        if items.is_empty() {
            let message = format!("`{operator}` has no conditions");
            self.findings
                .push(Finding::error(codes::BAD_CONDITION, entry.key_place, message));
        }
        if items.len() == 1 {
            let message = format!("`{operator}` has one condition, and Systems Manager wants two or more");
            self.findings.push(
                Finding::warning(codes::BAD_CONDITION, entry.key_place, message)
                    .help(format!("write the condition without `{operator}`")),
            );
        }
        let parts: Vec<_> = items.iter().map(|item| self.read(item)).collect();
        parts.into_iter().collect()
    }

    fn compare(&mut self, variable: &Entry, operator: &Entry) -> Option<Condition> {
        let Some(known) = operator_named(&operator.key) else {
            self.findings.push(unknown_operator(operator));
            return None;
        };
        let left = self.templates.template(&variable.value);
        if left.references().is_empty() {
            self.findings.push(
                Finding::error(
                    codes::BAD_CONDITION,
                    variable.value.place,
                    "`Variable` must be a reference",
                )
                .help("write it as `\"{{ step.Output }}\"` or `\"{{ Parameter }}\"`"),
            );
            return None;
        }
        let right = self.templates.template(&operator.value);
        self.comparisons.push(Comparison {
            variable: Spanned {
                value: left.clone(),
                place: variable.value.place,
            },
            operator: known,
            operand: Spanned {
                value: right.clone(),
                place: operator.value.place,
            },
        });
        Some(Condition::Compare {
            variable: left,
            operator: known,
            operand: right,
        })
    }

    /// A choice of a branch: a condition, and beside it the step it leads to.
    pub(crate) fn choice(&mut self, node: &Node) -> Option<(Spanned<String>, Option<Condition>)> {
        let Shape::Map(entries) = &node.shape else {
            self.findings.push(wrong_type(node, "a choice must be a map"));
            return None;
        };
        let (next, rest): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.key == "NextStep");
        let condition = self.entries(&rest, node.place);
        let Some(next) = next.first() else {
            self.findings.push(fields::missing("a choice", "NextStep", node.place));
            return None;
        };
        let next = fields::text(next.value.clone(), "`NextStep`", self.findings)?;
        Some((next, condition))
    }
}

fn operator_name(operator: Operator) -> String {
    format!("{operator:?}")
}

fn operator_named(name: &str) -> Option<Operator> {
    Operator::ALL
        .into_iter()
        .find(|operator| operator_name(*operator) == name)
}

fn unknown_operator(entry: &Entry) -> Finding {
    let names: Vec<String> = Operator::ALL.into_iter().map(operator_name).collect();
    let known = || names.iter().map(String::as_str);
    let finding = Finding::error(
        codes::BAD_CONDITION,
        entry.key_place,
        format!("there is no operator `{}`", entry.key),
    );
    match nearest(&entry.key, known()) {
        Some(near) => finding.did_you_mean(Some(near)),
        None => finding.help(format!("operators are {}", listed(known()))),
    }
}

fn shape_finding(entries: &[&Entry], place: Place) -> Finding {
    let keys = listed(entries.iter().map(|entry| entry.key.as_str()));
    let message = match entries {
        [] => "this condition is empty".to_owned(),
        [one] if one.key == "Variable" => "this comparison has no operator".to_owned(),
        [_] => format!("a condition cannot consist of {keys} alone"),
        _ => format!("a condition cannot have {keys} together"),
    };
    let place = entries.first().map_or(place, |entry| entry.key_place);
    Finding::error(codes::BAD_CONDITION, place, message)
        .help("a condition is `Variable` with one operator, or one of `And`, `Or` and `Not`")
}
