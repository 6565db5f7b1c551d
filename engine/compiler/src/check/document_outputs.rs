//! The runbook's outputs name outputs of its steps.

use runwright_model::plan::Order;

use crate::{
    check::{
        references::missing_output,
        types::{self, Output},
    },
    codes,
    draft::Draft,
    finding::{Finding, Findings},
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for output in &draft.document.outputs {
        let Some((step, name)) = output.value.split_once('.') else {
            let message = format!("`{}` is not an output: write `step.output`", output.value);
            findings.push(Finding::error(codes::UNKNOWN_OUTPUT, output.place, message));
            continue;
        };
        let Some(index) = draft.names.get(step) else {
            let finding = Finding::error(codes::UNKNOWN_STEP, output.place, format!("there is no step `{step}`"));
            findings.push(match draft.nearest_step(step) {
                Some(near) => finding
                    .help(format!("did you mean `{near}`?"))
                    .fix(format!("{near}.{name}")),
                None if step.contains("{{") => finding.help("outputs are written without braces"),
                None => finding,
            });
            continue;
        };
        if let Output::Missing(known) = types::output(draft, *index, name) {
            let missing = missing_output(draft, *index, name, &known, output.place);
            // Systems Manager takes the document, and lists the output with a text that says that there is none.
            findings.push(match draft.order {
                Order::List => missing.into_warning(),
                Order::Graph => missing,
            });
        }
    }
}
