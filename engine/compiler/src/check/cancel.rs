//! Where a cancelled execution may go on.

use crate::{
    codes,
    draft::Draft,
    finding::{Finding, Findings},
    known,
    step::Policy,
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for step in &draft.document.steps {
        let Some(cancel) = &step.on_cancel else { continue };
        if matches!(step.action(), known::LOOP | known::UPDATE_VARIABLE) && cancel.value != Policy::Abort {
            let message = format!("`{}` has no `onCancel`", step.action());
            findings.push(Finding::error(codes::BAD_CANCEL, cancel.place, message).help("remove it"));
            continue;
        }
        let target = match &cancel.value {
            Policy::Goto(name) => draft
                .names
                .get(name.as_str())
                .map(|index| &draft.document.steps[*index]),
            Policy::Abort | Policy::Continue | Policy::Rollback => None,
        };
        if let Some(target) = target.filter(|target| known::NOT_AFTER_CANCEL.contains(&target.action())) {
            // The service's guide forbids it, and its own samples do it.
            let message = format!("a cancelled execution should not go on with `{}`", target.action());
            findings.push(
                Finding::warning(codes::BAD_CANCEL, cancel.place, message)
                    .related(target.head(), "the step it would go on with")
                    .help("let it go on with a step that ends by itself in two minutes"),
            );
        }
    }
}
