//! Steps that no flow leads to.

use runwright_model::plan::Order;

use crate::{
    codes,
    draft::Draft,
    finding::{Finding, Findings},
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    if draft.order != Order::List || !draft.jumps_known {
        return;
    }
    let unreachable = draft.flow().unreachable();
    // One finding for steps that stand together: they are usually unreachable for one reason.
    for run in unreachable.chunk_by(|before, after| before + 1 == *after) {
        let [first, rest @ ..] = run else { continue };
        let step = &draft.document.steps[*first];
        let message = match rest.len() {
            0 => format!("the step `{}` is never reached", step.name()),
            1 => format!("the step `{}` and the one after it are never reached", step.name()),
            more => format!("the step `{}` and the {more} after it are never reached", step.name()),
        };
        let finding = Finding::warning(codes::UNREACHABLE, step.head(), message);
        findings.push(
            finding.help("remove what nobody needs, or lead the flow there with `nextStep`, `onFailure` or a branch"),
        );
    }
}
