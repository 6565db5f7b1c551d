//! Lowers a step whose action is a plugin's.

use runwright_model::step::StepKind;

use crate::{
    draft::{Draft, Site},
    step::RawStep,
};

pub(super) fn lower(draft: &mut Draft<'_>, index: usize, raw: &RawStep) -> StepKind {
    StepKind::Action {
        action: raw.action().to_owned(),
        inputs: super::templates(draft, Site::Inputs, index, &raw.inputs),
    }
}
