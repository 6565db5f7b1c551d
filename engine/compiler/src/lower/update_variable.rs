//! Lowers `aws:updateVariable`: the variable's name and its new value.

use runwright_model::{expression::Template, step::StepKind};

use crate::{
    codes,
    draft::{Draft, Site},
    finding::{Finding, Findings},
    step::RawStep,
    suggest::{listed, nearest},
    syntax::Entry,
};

const ACTION: &str = crate::known::UPDATE_VARIABLE;
const INPUTS: [&str; 2] = ["Name", "Value"];

pub(super) fn lower(draft: &mut Draft<'_>, index: usize, raw: &RawStep, findings: &mut Findings) -> StepKind {
    let mut name = None;
    let mut value = None;
    for entry in &raw.inputs {
        match entry.key.as_str() {
            "Name" => name = Some(variable_name(entry, findings).unwrap_or_default()),
            "Value" => value = Some(draft.read(Site::Inputs, Some(index), |reader| reader.template(&entry.value))),
            _ => findings.push(unknown_input(ACTION, entry, &INPUTS)),
        }
    }
    for (key, absent) in [("Name", name.is_none()), ("Value", value.is_none())] {
        if absent {
            let message = format!("`{ACTION}` needs the input `{key}`");
            findings.push(Finding::error(codes::MISSING_INPUT, raw.inputs_place, message));
        }
    }
    let value = value.unwrap_or(Template::Literal(serde_json::Value::Null));
    StepKind::UpdateVariable {
        name: name.unwrap_or_default(),
        value,
    }
}

fn variable_name(entry: &Entry, findings: &mut Findings) -> Option<String> {
    let name = entry
        .value
        .as_text()
        .and_then(|text| text.trim().strip_prefix("variable:"));
    if name.is_none() {
        let message = "`Name` must be `variable:` and the name of a variable, and no reference";
        let finding = Finding::error(codes::INPUT_DOES_NOT_FIT, entry.value.place, message);
        let bare = entry
            .value
            .as_text()
            .filter(|text| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        findings.push(match bare {
            Some(bare) => finding.fix(format!("variable:{bare}")),
            None => finding,
        });
    }
    name.map(str::to_owned)
}

/// An input that an action does not have.
pub(crate) fn unknown_input(action: &str, entry: &Entry, known: &[&str]) -> Finding {
    let message = format!("`{action}` has no input `{}`", entry.key);
    let finding = Finding::error(codes::UNKNOWN_INPUT, entry.key_place, message);
    match nearest(&entry.key, known.iter().copied()) {
        Some(near) => finding.did_you_mean(Some(near)),
        None => finding.help(format!("known are {}", listed(known.iter().copied()))),
    }
}
