//! In graph order nothing jumps: steps follow from `dependsOn` alone.

use runwright_model::{
    id::StepId,
    plan::Order,
    step::{OnFailure, StepKind},
};

use crate::{
    codes,
    draft::Draft,
    finding::{Finding, Findings},
    known,
    place::Place,
    step::{Policy, RawStep},
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    match draft.order {
        Order::List => {}
        Order::Graph => {
            let first = draft
                .document
                .steps
                .iter()
                .find(|step| step.depends_on.is_some())
                .map(RawStep::head);
            for (index, step) in draft.document.steps.iter().enumerate() {
                let found = match step.parent {
                    None => jumps(step),
                    Some(_) => leaves(draft, index),
                };
                findings.extend(found.into_iter().map(|(place, what)| problem(place, what, first)));
            }
        }
    }
}

/// The steps of a loop are a list, and may jump within it: not to steps in graph order.
fn leaves(draft: &Draft<'_>, index: usize) -> Vec<(Place, &'static str)> {
    let step = &draft.steps[index];
    let mut targets: Vec<StepId> = step.next.into_iter().chain(step.on_cancel).collect();
    if let OnFailure::Goto(target) = step.on_failure {
        targets.push(target);
    }
    if let StepKind::Branch { choices, default } = &step.kind {
        targets.extend(choices.iter().map(|choice| choice.next).chain(*default));
    }
    let outside = targets
        .into_iter()
        .any(|target| draft.steps[target.index()].parent.is_none());
    let place = draft.document.steps[index].head();
    outside.then_some((place, "a jump out of a loop")).into_iter().collect()
}

/// What belongs to list order, and where it is written.
fn jumps(step: &RawStep) -> Vec<(Place, &'static str)> {
    let goes = |policy: &&crate::place::Spanned<Policy>| matches!(policy.value, Policy::Goto(_));
    let mut found = Vec::new();
    found.extend(step.next.as_ref().map(|next| (next.place, "`nextStep`")));
    found.extend(step.is_end.as_ref().map(|end| (end.place, "`isEnd`")));
    found.extend(
        step.on_failure
            .as_ref()
            .filter(goes)
            .map(|policy| (policy.place, "`onFailure: step:…`")),
    );
    found.extend(
        step.on_cancel
            .as_ref()
            .filter(goes)
            .map(|policy| (policy.place, "`onCancel: step:…`")),
    );
    let branch = step.action.as_ref().filter(|action| action.value == known::BRANCH);
    found.extend(branch.map(|action| (action.place, "`aws:branch`")));
    found
}

fn problem(place: Place, what: &str, first: Option<Place>) -> Finding {
    let message = format!("{what} has no meaning in graph order, where steps follow from `dependsOn`");
    let finding = Finding::error(codes::LIST_KEY_IN_GRAPH, place, message)
        .help("use `when` to skip a step, and `dependsOn` to order them");
    match first {
        Some(first) => finding.related(first, "the document is in graph order because of this step"),
        None => finding,
    }
}
