//! What must hold of a draft before it is a plan. One file per rule; [`RULES`] is the list.

mod action;
mod cancel;
mod circles;
mod conditions;
mod document_outputs;
mod graph_order;
mod inputs;
mod order;
mod own_outputs;
mod references;
mod rollback;
pub(crate) mod types;
mod unreachable;
mod variables;

use crate::{draft::Draft, finding::Findings};

/// A rule looks at the whole draft and reports. Rules do not depend on each other's findings.
pub(crate) type Rule = fn(&Draft<'_>, &mut Findings);

/// Every rule. Findings are sorted by place afterwards, so the order matters only within one place.
pub(crate) const RULES: [Rule; 13] = [
    action::check,
    references::check,
    order::check,
    inputs::check,
    variables::check,
    conditions::check,
    own_outputs::check,
    document_outputs::check,
    graph_order::check,
    cancel::check,
    rollback::check,
    circles::check,
    unreachable::check,
];
