//! Every action must be known, and provided.

use crate::{
    codes, command,
    draft::Draft,
    finding::{Finding, Findings},
    known,
    place::Spanned,
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for action in draft.document.steps.iter().filter_map(|step| step.action.as_ref()) {
        let name = action.value.as_str();
        let provided = draft.catalog.actions.contains_key(name) && !command::is_plugin(name);
        if !provided && !known::is_built_in(name) {
            findings.push(problem(draft, action));
        }
    }
}

fn problem(draft: &Draft<'_>, action: &Spanned<String>) -> Finding {
    let (name, place) = (action.value.as_str(), action.place);
    if let Some((_, reason)) = known::REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Finding::error(
            codes::ACTION_REFUSED,
            place,
            format!("`{name}` only works inside AWS: {reason}"),
        )
        .help("remove the step, or do what it is for with another action");
    }
    if command::is_plugin(name) {
        let message = format!("`{name}` is a plugin of Command documents, and no action of runbooks");
        return Finding::error(codes::UNKNOWN_ACTION, place, message)
            .help("run it with aws:runCommand, which runs a Command document; or use rw:shell");
    }
    if known::SSM_ACTIONS.contains(&name) {
        return Finding::error(
            codes::ACTION_NOT_PROVIDED,
            place,
            format!("`{name}` is an action of Systems Manager that this version does not provide yet"),
        )
        .help("bind a plugin of your own in `plugins:` and use its action, or leave the step out");
    }
    let provided = draft
        .catalog
        .actions
        .keys()
        .chain(&draft.catalog.names)
        .map(String::as_str)
        .filter(|name| !command::is_plugin(name));
    let near = draft.suggest.nearest(name, provided.chain(known::SSM_ACTIONS));
    let finding = Finding::error(codes::UNKNOWN_ACTION, place, format!("there is no action `{name}`"));
    match near {
        Some(near) => finding.did_you_mean(Some(near)),
        None if name.starts_with("aws:") || !name.contains(':') => {
            finding.help("actions are named like `aws:runCommand`, or like `acme:drain` when a plugin provides them")
        }
        None => finding.help("name the component that provides it in `plugins:`"),
    }
}
