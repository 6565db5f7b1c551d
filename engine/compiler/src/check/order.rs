//! A step whose output is used must be able to have run before.

use runwright_model::{expression::Reference, plan::Order};

use crate::{
    codes,
    draft::{Draft, Site, SiteUse},
    finding::{Finding, Findings},
    template::What,
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    if !draft.jumps_known {
        return;
    }
    let pairs: Vec<_> = draft.uses.iter().filter_map(|used| pair(draft, used)).collect();
    let mut reach = None;
    for (used, producer, consumer) in pairs {
        let itself = producer == consumer && used.site == Site::Rollback;
        if itself || draft.flow().leads_straight(producer, consumer) {
            continue;
        }
        let reach = reach.get_or_insert_with(|| draft.flow().reach());
        if !reach.leads(producer, consumer) {
            findings.push(draft.weighed(used, problem(draft, used, producer, consumer)));
        }
    }
}

/// The step that produces an output, and the one that uses it.
fn pair<'d>(draft: &'d Draft<'_>, used: &'d SiteUse) -> Option<(&'d SiteUse, usize, usize)> {
    match &used.found.what {
        What::Reference(Reference::Output { step, .. }) => Some((used, *draft.names.get(step.as_str())?, used.step?)),
        What::Reference(
            Reference::Parameter(_) | Reference::Variable(_) | Reference::Global(_) | Reference::ExecutionId,
        )
        | What::Ssm
        | What::UnknownGlobal(_)
        | What::TooManyDots(_) => None,
    }
}

fn problem(draft: &Draft<'_>, used: &SiteUse, producer: usize, consumer: usize) -> Finding {
    let (from, to) = (&draft.steps[producer].name, &draft.steps[consumer].name);
    let place = used.found.place(draft.text);
    if producer == consumer {
        return Finding::error(
            codes::CANNOT_HAVE_RUN,
            place,
            format!("the step `{to}` uses its own output before it has run"),
        );
    }
    let finding = match draft.order {
        Order::List => Finding::error(
            codes::CANNOT_HAVE_RUN,
            place,
            format!("the step `{from}` cannot have run before `{to}`"),
        )
        .help(format!("move `{from}` before `{to}`, or lead the flow through it")),
        Order::Graph => Finding::error(
            codes::CANNOT_HAVE_RUN,
            place,
            format!("the step `{to}` uses `{from}`, and does not depend on it"),
        )
        .help(format!("add `{from}` to `dependsOn` of `{to}`")),
    };
    finding.related(draft.document.steps[producer].head(), "the step it refers to")
}
