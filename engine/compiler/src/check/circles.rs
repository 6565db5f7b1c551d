//! Circles without a way out.

use runwright_model::plan::Order;

use crate::{
    codes,
    draft::Draft,
    finding::{Finding, Findings},
    place::Place,
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    match draft.order {
        Order::List if draft.jumps_known => {
            for circle in draft.flow().endless() {
                findings.push(endless(draft, &circle));
            }
        }
        Order::List => {}
        Order::Graph => {
            for circle in draft.flow().dependency_circles() {
                findings.push(dependencies(draft, &circle));
            }
        }
    }
}

fn endless(draft: &Draft<'_>, circle: &[usize]) -> Finding {
    let message = format!(
        "these steps follow each other for ever: {}",
        shown(draft, circle.iter().copied())
    );
    Finding::error(codes::ENDLESS_LOOP, head(draft, circle), message)
        .help("let one of them end the flow (`isEnd`) or lead out of the circle (aws:branch)")
}

/// Edges lead from what is depended on; people read it the other way round.
fn dependencies(draft: &Draft<'_>, circle: &[usize]) -> Finding {
    let backwards = circle.iter().take(1).chain(circle.iter().skip(1).rev()).copied();
    let message = format!("these steps wait for each other: {}", shown(draft, backwards));
    Finding::error(codes::DEPENDENCY_CYCLE, head(draft, circle), message)
        .help("each step depends on the next one shown; remove one `dependsOn`")
}

fn head(draft: &Draft<'_>, circle: &[usize]) -> Place {
    circle
        .first()
        .map_or(Place::default(), |first| draft.document.steps[*first].head())
}

/// `a → b → a`, shortened when the circle is long.
fn shown(draft: &Draft<'_>, circle: impl Iterator<Item = usize>) -> String {
    const SHOWN_MAX: usize = 10;
    let names: Vec<&str> = circle.map(|step| draft.steps[step].name.as_str()).collect();
    let mut text = names.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(" → ");
    if names.len() > SHOWN_MAX {
        text.push_str(&format!(" → … {} more …", names.len() - SHOWN_MAX));
    }
    match names.first() {
        Some(first) => format!("{text} → {first}"),
        None => text,
    }
}
