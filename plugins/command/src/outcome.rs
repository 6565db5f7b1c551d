//! How a step ended: its outputs or its failure, and whether it asks for the end.

use runwright_sdk::{
    Completed, Failure, FailureKind, Host, Level,
    schema::{self, Schema},
};
use serde::Serialize;
use serde_json::json;

use crate::Inputs;

/// The exit code that ends the document with a success.
const SUCCESS_AND_EXIT: i32 = 168;
/// The exit code that ends the document with a failure.
const FAILURE_AND_EXIT: i32 = 169;

const STDOUT_CHARS_MAX: usize = 24_000;
const STDERR_CHARS_MAX: usize = 8_000;
/// The most characters of both that listings show.
const OUTPUT_CHARS_MAX: usize = 2_500;
const SEPARATOR: &str = "\n----------ERROR-------\n";
const CUT: &str = "\n--output truncated--";

/// What was done, and how it ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// The exit code; 0 is well.
    pub code: i32,
    /// How it ended, for people: `exit code 3`.
    pub how: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Completed> for Ended {
    fn from(completed: Completed) -> Self {
        Self {
            code: completed.exit_code.unwrap_or(-1),
            how: completed.how(),
            stdout: completed.stdout,
            stderr: completed.stderr,
        }
    }
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    status: &'static str,
    response_code: i32,
    standard_output: String,
    standard_error: String,
    output: String,
    /// The engine skips the steps behind this one.
    exit: bool,
}

/// The schema of the outputs.
#[must_use]
pub fn outputs() -> Schema {
    schema::object()
        .required("Status", schema::string("`Success`; any other ends the step."))
        .required("ResponseCode", schema::integer("The exit code."))
        .required(
            "StandardOutput",
            schema::string("Standard output, at most 24,000 characters."),
        )
        .required(
            "StandardError",
            schema::string("Standard error, at most 8,000 characters."),
        )
        .required(
            "Output",
            schema::string("Standard output and standard error, at most 2,500 characters."),
        )
        .required(
            "Exit",
            schema::boolean("Whether the steps behind this one are skipped."),
        )
}

/// The outputs or the failure of a step, as its end and its modifiers say.
///
/// # Errors
///
/// What did not end well, unless `onFailure` makes a success of it.
pub fn conclude(host: &impl Host, inputs: &Inputs, ended: Result<Ended, Failure>) -> Result<Outputs, Failure> {
    let on_failure = inputs.text("onFailure").unwrap_or_default();
    let exits = inputs.text("onSuccess").as_deref() == Some("exit");
    let (failure, ended) = match ended {
        Ok(ended) if ended.code == 0 => return Ok(success(&ended, exits)),
        Ok(ended) if ended.code == SUCCESS_AND_EXIT => return Ok(success(&ended, true)),
        Ok(ended) => (failed(&ended), ended),
        // Whether it was done is not known, or it was not allowed: that is never a success.
        Err(failure) if matches!(failure.kind, FailureKind::Denied | FailureKind::Uncertain) => return Err(failure),
        Err(failure) => {
            let ended = Ended {
                code: -1,
                ..Ended::default()
            };
            (failure, ended)
        }
    };
    if on_failure == "successAndExit" {
        host.log(
            Level::Warn,
            &format!("a failure that counts as a success: {}", failure.message),
        );
        let ended = Ended {
            code: SUCCESS_AND_EXIT,
            ..ended
        };
        return Ok(success(&ended, true));
    }
    let exit = on_failure == "exit" || ended.code == FAILURE_AND_EXIT;
    let status = if failure.kind == FailureKind::TimedOut {
        "TimedOut"
    } else {
        "Failed"
    };
    Err(failure.for_good().with_details(&json!({
        "Status": status,
        "ResponseCode": ended.code,
        "StandardOutput": cut(&ended.stdout, STDOUT_CHARS_MAX),
        "StandardError": cut(&ended.stderr, STDERR_CHARS_MAX),
        "Output": both(&ended),
        "Exit": exit,
    })))
}

fn success(ended: &Ended, exit: bool) -> Outputs {
    Outputs {
        status: "Success",
        response_code: ended.code,
        standard_output: cut(&ended.stdout, STDOUT_CHARS_MAX),
        standard_error: cut(&ended.stderr, STDERR_CHARS_MAX),
        output: both(ended),
        exit,
    }
}

fn failed(ended: &Ended) -> Failure {
    let words = last_words(ended);
    let separator = if words.is_empty() { "." } else { ": " };
    Failure::failed(format!("it ended with {}{separator}{words}", ended.how))
}

/// The end of what it wrote, for people.
fn last_words(ended: &Ended) -> String {
    const CHARS_MAX: usize = 500;
    let said = if ended.stderr.trim().is_empty() {
        ended.stdout.trim()
    } else {
        ended.stderr.trim()
    };
    let skip = said.chars().count().saturating_sub(CHARS_MAX);
    said.chars().skip(skip).collect()
}

fn both(ended: &Ended) -> String {
    if ended.stderr.is_empty() {
        return cut(&ended.stdout, OUTPUT_CHARS_MAX);
    }
    cut(
        &format!("{}{SEPARATOR}{}", ended.stdout, ended.stderr),
        OUTPUT_CHARS_MAX,
    )
}

/// A text of at most so many characters; one that is cut says so within them.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most - CUT.len()).collect();
    cut.push_str(CUT);
    cut
}

#[cfg(test)]
mod tests {
    use runwright_sdk::testing::FakeHost;
    use serde_json::Value;

    use super::*;

    fn ended(code: i32, inputs: Value) -> Result<Outputs, Failure> {
        let inputs: Inputs = serde_json::from_value(inputs).unwrap();
        let ended = Ended {
            code,
            how: format!("exit code {code}"),
            stdout: "out".into(),
            stderr: String::new(),
        };
        conclude(&FakeHost::new(), &inputs, Ok(ended))
    }

    fn exit(failure: &Failure) -> Value {
        serde_json::from_str::<Value>(failure.details.as_deref().unwrap()).unwrap()["Exit"].clone()
    }

    #[test]
    fn exit_codes_and_modifiers() {
        assert!(!ended(0, json!({})).unwrap().exit);
        assert!(ended(0, json!({"onSuccess": "exit"})).unwrap().exit);
        assert!(
            !ended(0, json!({"onSuccess": "Exit", "onFailure": "exit"}))
                .unwrap()
                .exit,
            "words are exact"
        );
        assert!(ended(168, json!({})).unwrap().exit);
        assert_eq!(exit(&ended(1, json!({})).unwrap_err()), false);
        assert_eq!(exit(&ended(1, json!({"onFailure": "exit"})).unwrap_err()), true);
        assert_eq!(exit(&ended(169, json!({})).unwrap_err()), true);
        let outputs = ended(7, json!({"onFailure": "successAndExit"})).unwrap();
        assert!(outputs.exit && outputs.response_code == 168 && outputs.status == "Success");
    }

    #[test]
    fn a_refusal_is_never_a_success() {
        let inputs: Inputs = serde_json::from_value(json!({"onFailure": "successAndExit"})).unwrap();
        for kind in [FailureKind::Denied, FailureKind::Uncertain] {
            assert!(conclude(&FakeHost::new(), &inputs, Err(Failure::new(kind, "x"))).is_err());
        }
        assert!(conclude(&FakeHost::new(), &inputs, Err(Failure::timed_out("x"))).is_ok());
    }

    #[test]
    fn outputs_are_cut_within_their_budgets() {
        let long = Ended {
            stdout: "ä".repeat(24_001),
            stderr: "e".repeat(8_001),
            ..Ended::default()
        };
        let outputs = success(&long, false);
        for (text, most) in [
            (outputs.standard_output, 24_000),
            (outputs.standard_error, 8_000),
            (outputs.output, 2_500),
        ] {
            assert_eq!(text.chars().count(), most);
            assert!(text.ends_with(CUT));
        }
        assert_eq!(cut(&"ä".repeat(24_000), 24_000).chars().count(), 24_000);
    }
}
