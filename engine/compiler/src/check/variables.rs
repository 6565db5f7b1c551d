//! `aws:updateVariable` must name a variable, and give it a value of its type: nothing is converted.

use runwright_model::{expression::Template, step::StepKind};

use crate::{
    check::{
        references::unknown_variable,
        types::{self, Type},
    },
    codes, constraint,
    draft::Draft,
    finding::{Finding, Findings},
    step::RawStep,
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for (step, raw) in draft.steps.iter().zip(&draft.document.steps) {
        let StepKind::UpdateVariable { name, value } = &step.kind else {
            continue;
        };
        // A name that could not be read has been reported.
        if name.is_empty() {
            continue;
        }
        let place = |key: &str| {
            raw.inputs
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| entry.value.place)
        };
        if draft.variables.contains_key(name.as_str()) {
            findings.extend(problem(draft, raw, name, value));
        } else {
            findings.extend(place("Name").map(|place| unknown_variable(draft, name, place)));
        }
    }
}

fn problem(draft: &Draft<'_>, raw: &RawStep, name: &str, value: &Template) -> Option<Finding> {
    let wanted = draft.variables.get(name)?.variable_type;
    let place = raw.inputs.iter().find(|entry| entry.key == "Value")?.value.place;
    match value {
        Template::Literal(value) => {
            let reason = constraint::typed(wanted, value).err()?;
            let message = format!("the value of the variable `{name}` {reason}");
            Some(Finding::error(codes::INPUT_DOES_NOT_FIT, place, message))
        }
        Template::Reference(reference) => {
            let given = types::of_reference(draft, reference)?;
            let wanted_type = Type::of(wanted);
            let differs = given.kind != wanted_type.kind || (given.item.is_some() && given.item != wanted_type.item);
            differs.then(|| {
                let message = format!(
                    "the variable `{name}` is a {}, and `{reference}` is {}",
                    wanted.name(),
                    given.describe()
                );
                Finding::error(codes::REFERENCE_DOES_NOT_FIT, place, message)
                    .help("values of variables are not converted; compute the right one in a step before")
            })
        }
        Template::Text(_) => (!wanted.is_string()).then(|| {
            let message = format!("the variable `{name}` is a {}, and this is a text", wanted.name());
            Finding::error(codes::REFERENCE_DOES_NOT_FIT, place, message)
        }),
        // Their parts are known when they are resolved.
        Template::List(_) | Template::Map(_) => None,
    }
}
