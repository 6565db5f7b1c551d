//! In graph order nothing jumps: steps follow from `dependsOn` alone.

use runwright_model::plan::Order;

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
            for step in &draft.document.steps {
                findings.extend(jumps(step).into_iter().map(|(place, what)| problem(place, what, first)));
            }
        }
    }
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
