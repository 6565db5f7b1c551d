//! A step's own outputs: their names differ, and their selectors can be read.

use runwright_model::selector::Selector;

use crate::{
    codes,
    draft::Draft,
    finding::{Finding, Findings},
};

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for step in &draft.document.steps {
        for (index, output) in step.outputs.iter().enumerate() {
            if let Some(first) = step.outputs[..index]
                .iter()
                .find(|other| other.name.value == output.name.value)
            {
                let message = format!("the step has two outputs `{}`", output.name.value);
                findings.push(
                    Finding::error(codes::DUPLICATE_OUTPUT, output.name.place, message)
                        .related(first.name.place, "first here"),
                );
            }
            if let Err(error) = Selector::parse(&output.selector.value) {
                findings.push(
                    Finding::error(codes::BAD_SELECTOR, output.selector.place, error.to_string())
                        .help("a selector is a JSONPath, as in `$.Items[0].Name`"),
                );
            }
        }
    }
}
