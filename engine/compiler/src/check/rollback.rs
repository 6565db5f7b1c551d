//! A rollback that nobody can do is not asked for.

use crate::{
    codes,
    draft::Draft,
    finding::{Finding, Findings},
    known,
    step::RawRollback,
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for step in &draft.document.steps {
        let RawRollback::Inputs(place, _) = &step.rollback else {
            continue;
        };
        let action = step.action();
        let offered = draft.catalog.actions.get(action).map(|spec| spec.manifest.rollback);
        if offered == Some(false) || known::is_built_in(action) {
            findings.push(
                Finding::error(
                    codes::CANNOT_ROLL_BACK,
                    *place,
                    format!("`{action}` offers no rollback"),
                )
                .help("remove `rollback`, or undo the step with another action"),
            );
        }
    }
}
