//! Lowers one step: names become ids, texts become templates, defaults are filled in.

mod action;
mod branch;
mod repeat;
mod update_variable;

pub(crate) use update_variable::unknown_input;

use runwright_model::{
    expression::Template,
    id::StepId,
    step::{OnFailure, OutputSpec, RollbackSpec, Step, StepKind},
};

use crate::{
    condition::Conditions,
    draft::{Draft, Site},
    finding::Findings,
    known,
    place::Spanned,
    step::{Policy, RawRollback, RawStep},
    syntax::Entry,
};

pub(crate) fn step(draft: &mut Draft<'_>, index: usize, raw: &RawStep, findings: &mut Findings) -> Step {
    let kind = match raw.action() {
        known::BRANCH => branch::lower(draft, index, raw, findings),
        known::LOOP => repeat::lower(draft, index, raw, findings),
        known::UPDATE_VARIABLE => update_variable::lower(draft, index, raw, findings),
        _ => action::lower(draft, index, raw),
    };
    let on_failure = on_failure(draft, index, raw, findings);
    let on_cancel = match raw.on_cancel.as_ref().map(|policy| (&policy.value, policy.place)) {
        Some((Policy::Goto(name), place)) => draft.target(
            index,
            &Spanned {
                value: name.clone(),
                place,
            },
            findings,
        ),
        Some((Policy::Abort | Policy::Continue | Policy::Rollback, _)) | None => None,
    };
    let next = raw.next.as_ref().and_then(|name| draft.target(index, name, findings));
    let depends_on = depends_on(draft, index, raw, findings);
    let when = raw.when.as_ref().and_then(|node| {
        let mut comparisons = Vec::new();
        let condition = draft.read(Site::When, Some(index), |templates| {
            Conditions {
                templates,
                comparisons: &mut comparisons,
                findings,
            }
            .read(node)
        });
        draft.comparisons.extend(comparisons);
        condition
    });
    Step {
        name: raw.name().to_owned(),
        parent: raw.parent.map(StepId::from_index),
        rollback: rollback(draft, index, raw, &kind),
        kind,
        outputs: raw.outputs.iter().map(output).collect(),
        retry: raw.retry,
        timeout_seconds: raw.timeout_seconds,
        on_failure,
        on_cancel,
        is_end: raw.is_end.as_ref().is_some_and(|end| end.value),
        next,
        is_critical: raw.is_critical.unwrap_or(on_failure != OnFailure::Continue),
        depends_on,
        when,
    }
}

fn on_failure(draft: &mut Draft<'_>, index: usize, raw: &RawStep, findings: &mut Findings) -> OnFailure {
    let Some(policy) = &raw.on_failure else {
        return OnFailure::Abort;
    };
    match &policy.value {
        Policy::Abort => OnFailure::Abort,
        Policy::Continue => OnFailure::Continue,
        Policy::Rollback => OnFailure::Rollback,
        Policy::Goto(name) => draft
            .target(
                index,
                &Spanned {
                    value: name.clone(),
                    place: policy.place,
                },
                findings,
            )
            .map_or(OnFailure::Abort, OnFailure::Goto),
    }
}

/// Names that are given twice count once.
fn depends_on(draft: &mut Draft<'_>, index: usize, raw: &RawStep, findings: &mut Findings) -> Vec<StepId> {
    let names = raw.depends_on.iter().flatten();
    let mut ids: Vec<StepId> = names.filter_map(|name| draft.target(index, name, findings)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn output(raw: &crate::step::RawOutput) -> OutputSpec {
    OutputSpec {
        name: raw.name.value.clone(),
        selector: raw.selector.value.clone(),
        output_type: raw.output_type,
    }
}

fn rollback(draft: &mut Draft<'_>, index: usize, raw: &RawStep, kind: &StepKind) -> RollbackSpec {
    match (kind, &raw.rollback) {
        (
            StepKind::Branch { .. } | StepKind::UpdateVariable { .. } | StepKind::Loop { .. } | StepKind::Target { .. },
            _,
        )
        | (_, RawRollback::None) => RollbackSpec::None,
        (StepKind::Action { .. }, RawRollback::Absent) => RollbackSpec::Plugin,
        (StepKind::Action { .. }, RawRollback::Inputs(_, entries)) => {
            RollbackSpec::PluginWith(templates(draft, Site::Rollback, index, entries))
        }
    }
}

/// The templates of a map's values.
fn templates(draft: &mut Draft<'_>, site: Site, index: usize, entries: &[Entry]) -> Vec<(String, Template)> {
    draft.read(site, Some(index), |reader| {
        entries
            .iter()
            .map(|entry| (entry.key.clone(), reader.template(&entry.value)))
            .collect()
    })
}
