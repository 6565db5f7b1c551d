//! Lowers `aws:branch`: its choices and its default.

use runwright_model::step::{Choice, StepKind};

use crate::{
    codes,
    condition::Conditions,
    draft::{Draft, Site},
    fields,
    finding::{Finding, Findings},
    lower::unknown_input,
    step::RawStep,
};

pub(super) fn lower(draft: &mut Draft<'_>, index: usize, raw: &RawStep, findings: &mut Findings) -> StepKind {
    let mut choices = Vec::new();
    let mut default = None;
    let mut has_choices = false;
    for entry in &raw.inputs {
        match entry.key.as_str() {
            "Choices" => {
                has_choices = true;
                let Some((_, nodes)) = fields::list(entry.value.clone(), "Choices", findings) else {
                    continue;
                };
                for node in &nodes {
                    choices.extend(choice(draft, index, node, findings));
                }
            }
            "Default" => {
                let name = fields::text(entry.value.clone(), "`Default`", findings);
                default = name.and_then(|name| draft.target(index, &name, findings));
            }
            _ => findings.push(unknown_input("aws:branch", entry, &["Choices", "Default"])),
        }
    }
    if !has_choices {
        let message = "`aws:branch` needs the input `Choices`";
        findings.push(Finding::error(codes::MISSING_INPUT, raw.inputs_place, message));
    }
    StepKind::Branch { choices, default }
}

fn choice(draft: &mut Draft<'_>, index: usize, node: &crate::syntax::Node, findings: &mut Findings) -> Option<Choice> {
    let mut comparisons = Vec::new();
    let read = draft.read(Site::Inputs, Some(index), |templates| {
        Conditions {
            templates,
            comparisons: &mut comparisons,
            findings,
        }
        .choice(node)
    });
    draft.comparisons.extend(comparisons);
    let target = read.and_then(|(name, condition)| Some((draft.target(index, &name, findings), condition?)));
    let Some((Some(next), condition)) = target else {
        // Nobody knows where this choice leads.
        draft.jumps_known = false;
        return None;
    };
    Some(Choice { condition, next })
}
