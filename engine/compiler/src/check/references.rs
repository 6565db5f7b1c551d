//! What a reference names must exist: parameter, variable, global, step and output.

use runwright_model::expression::{Global, Reference};

use crate::{
    check::types::{self, Output},
    codes,
    draft::{Draft, Site, SiteUse},
    finding::{Finding, Findings},
    place::Place,
    suggest::listed,
    template::What,
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for used in &draft.uses {
        let place = || used.found.place(draft.text);
        let finding = match &used.found.what {
            What::Reference(reference) => problem(draft, used, reference),
            What::Ssm => Some(
                Finding::error(
                    codes::REFERENCE_NOT_ALLOWED,
                    place(),
                    "`{{ssm:…}}` is only resolved in defaults of parameters",
                )
                .help("give a parameter this default, and refer to the parameter here"),
            ),
            What::UnknownGlobal(name) => Some(unknown_global(name, place())),
            What::TooManyDots(text) => Some(
                Finding::warning(
                    codes::LOOKS_LIKE_REFERENCE,
                    place(),
                    format!("`{text}` stays text: a reference has exactly one dot"),
                )
                .help("declare an output of the step with a `Selector` that leads there, and refer to that"),
            ),
        };
        findings.extend(finding);
    }
}

fn problem(draft: &Draft<'_>, used: &SiteUse, reference: &Reference) -> Option<Finding> {
    let place = || used.found.place(draft.text);
    match reference {
        Reference::Parameter(name) if draft.parameters.contains_key(name.as_str()) => None,
        Reference::Parameter(name) if draft.document.parameters.broken.contains(name) => None,
        Reference::Parameter(name) => Some(unknown_parameter(draft, name, place())),
        Reference::Variable(_) | Reference::Output { .. } if matches!(used.site, Site::Role | Site::Variable) => {
            let message = format!("`{reference}` has no value yet when an execution starts");
            Some(
                Finding::error(codes::REFERENCE_NOT_ALLOWED, place(), message)
                    .help("only parameters and globals can be used here"),
            )
        }
        Reference::Variable(name) if draft.variables.contains_key(name.as_str()) => None,
        Reference::Variable(name) if draft.document.variables.broken.contains(name) => None,
        Reference::Variable(name) => Some(unknown_variable(draft, name, place())),
        Reference::Output { step, output } => {
            unknown_output(draft, step, output, &place).map(|finding| draft.weighed(used, finding))
        }
        Reference::Global(_) | Reference::ExecutionId => None,
    }
}

fn unknown_parameter(draft: &Draft<'_>, name: &str, place: Place) -> Finding {
    let finding = Finding::error(
        codes::UNKNOWN_PARAMETER,
        place,
        format!("there is no parameter `{name}`"),
    );
    if draft.variables.contains_key(name) {
        return finding
            .help("there is a variable of that name")
            .fix(format!("{{{{ variable:{name} }}}}"));
    }
    if draft.names.contains_key(name) {
        return finding.help(format!(
            "there is a step of that name: refer to one of its outputs, as in `{{{{ {name}.Output }}}}`"
        ));
    }
    match draft
        .suggest
        .nearest(name, draft.document.parameters.read.iter().map(|p| p.name.as_str()))
    {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .fix(format!("{{{{ {near} }}}}")),
        None => finding.help("declare it in `parameters:`"),
    }
}

/// A variable that is not declared.
pub(super) fn unknown_variable(draft: &Draft<'_>, name: &str, place: Place) -> Finding {
    let finding = Finding::error(codes::UNKNOWN_VARIABLE, place, format!("there is no variable `{name}`"));
    match draft.suggest.nearest(
        name,
        draft.document.variables.read.iter().map(|v| v.name.value.as_str()),
    ) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("declare it in `variables:`"),
    }
}

fn unknown_global(name: &str, place: Place) -> Finding {
    let globals = Global::ALL.iter().map(|(global, _)| format!("global:{global}"));
    let known: Vec<String> = globals.chain(["automation:EXECUTION_ID".to_owned()]).collect();
    let finding = Finding::error(codes::UNKNOWN_GLOBAL, place, format!("there is no `{name}`"));
    match crate::suggest::nearest(name, known.iter().map(String::as_str)) {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .fix(format!("{{{{ {near} }}}}")),
        None => finding.help(format!("known are {}", listed(known.iter().map(String::as_str)))),
    }
}

fn unknown_output(draft: &Draft<'_>, step: &str, output: &str, place: &dyn Fn() -> Place) -> Option<Finding> {
    let Some(index) = draft.names.get(step) else {
        let finding = Finding::error(codes::UNKNOWN_SOURCE, place(), format!("there is no step `{step}`"));
        return Some(match draft.nearest_step(step) {
            Some(near) => finding
                .help(format!("did you mean `{near}`?"))
                .fix(format!("{{{{ {near}.{output} }}}}")),
            None => finding,
        });
    };
    match types::output(draft, *index, output) {
        Output::Typed(_) | Output::Unknown => None,
        Output::Missing(known) => {
            let finding = missing_output(draft, *index, output, &known, place());
            let near = crate::suggest::nearest(output, known.iter().copied());
            Some(match near {
                Some(near) => finding.fix(format!("{{{{ {step}.{near} }}}}")),
                None => finding,
            })
        }
    }
}

/// An output that a step does not have; `known` are those it has.
pub(super) fn missing_output(draft: &Draft<'_>, index: usize, output: &str, known: &[&str], place: Place) -> Finding {
    let step = &draft.steps[index];
    let message = format!("the step `{}` has no output `{output}`", step.name);
    let finding = Finding::error(codes::UNKNOWN_OUTPUT, place, message).related(
        draft.document.steps[index].head(),
        format!("its action is `{}`", step.kind.action()),
    );
    match (crate::suggest::nearest(output, known.iter().copied()), known) {
        (Some(near), _) => finding.help(format!("did you mean `{near}`?")),
        (None, []) => finding.help("it has none; declare one in its `outputs`"),
        (None, known) => finding.help(format!(
            "it has {}; others can be declared in its `outputs`",
            listed(known.iter().copied())
        )),
    }
}
