//! Lowers a step whose action is a plugin's.

use runwright_model::step::StepKind;

use crate::{
    draft::{Draft, Site},
    step::RawStep,
};

/// The body of a loop has references of its own kind; loops are refused, so their inputs are left out.
pub(super) fn lower(draft: &mut Draft<'_>, index: usize, raw: &RawStep) -> StepKind {
    let inputs = if raw.action() == crate::known::LOOP {
        Vec::new()
    } else {
        super::templates(draft, Site::Inputs, index, &raw.inputs)
    };
    StepKind::Action {
        action: raw.action().to_owned(),
        inputs,
    }
}
