//! Why a verb could not do what it was asked: one block for people, one object for programs.
//!
//! Not an execution that failed: that is a result, and is shown as one.

use runwright::{BindError, Diagnostic, Source};
use serde_json::{Map, Value, json};

use crate::exit::Exit;

/// An error on its way to the person or program that called.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The exit code.
    pub(crate) exit: Exit,
    /// Its stable code, as in `RW-S005`, when it has one.
    pub(crate) code: Option<String>,
    /// What happened.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) help: Option<String>,
    /// The document that does not compile, and what was found in it.
    pub(crate) document: Option<Box<(Source, Vec<Diagnostic>)>>,
}

impl Problem {
    /// The caller can mend it: exit code 2.
    pub(crate) fn bad_input(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::BadInput,
            code: None,
            message: message.into(),
            help: None,
            document: None,
        }
    }

    /// The engine, the store or the machine failed: exit code 1.
    pub(crate) fn trouble(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            ..Self::bad_input(message)
        }
    }

    /// The engine failed in a way that `explain` has a page for: exit code 1.
    fn coded(code: &str, message: String) -> Self {
        let problem = Self::trouble(message).help(format!("`runwright explain {code}` says more"));
        Self {
            code: Some(code.to_owned()),
            ..problem
        }
    }

    /// A document that has errors: exit code 2.
    pub(crate) fn document(source: Source, diagnostics: Vec<Diagnostic>) -> Self {
        let message = format!("{} does not compile", source.origin);
        Self {
            document: Some(Box::new((source, diagnostics))),
            ..Self::bad_input(message)
        }
    }

    /// The same with what to do next.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The form for programs: `{"diagnostics": […]}` for a document, else `{"error": {…}}`.
    pub(crate) fn to_json(&self) -> Value {
        if let Some(document) = &self.document {
            return json!({ "diagnostics": document.1 });
        }
        let mut error = Map::new();
        if let Some(code) = &self.code {
            error.insert("code".into(), json!(code));
        }
        error.insert("message".into(), json!(self.message));
        if let Some(help) = &self.help {
            error.insert("help".into(), json!(help));
        }
        json!({ "error": error })
    }
}

impl From<runwright::Error> for Problem {
    fn from(error: runwright::Error) -> Self {
        use runwright::Error as E;
        match error {
            E::Document {
                source_text,
                diagnostics,
            } => Self::document(*source_text, diagnostics),
            E::Parameters(found) => Self::bad_input(parameters_message(&found))
                .help("give values with `-p Name=value`, or all in a file with `--parameters FILE`"),
            // These messages say what to do next themselves.
            E::NoRunbook { .. } | E::Unreadable { .. } | E::NoExecution(_) | E::Mismatch { .. } | E::State(_) => {
                Self::bad_input(error.to_string())
            }
            E::NoPlugin { .. } => Self::bad_input(error.to_string()).help("`runwright plugin list` lists the actions"),
            E::Capability(refusal) => Self {
                exit: capability_exit(&refusal),
                ..Self::bad_input(refusal.to_string())
            },
            E::Host(refusal) => Self {
                exit: host_exit(refusal.code()),
                ..Self::coded(refusal.code(), chain(&refusal))
            },
            E::Store(failure) => Self::coded(failure.code(), chain(&failure)),
            other => Self::trouble(chain(&other)),
        }
    }
}

/// A component that is not what it should be is the caller's to mend; these are the machine's.
fn host_exit(code: &str) -> Exit {
    const CACHE_FOLDER: &str = "RW-H009";
    const ENGINE: &str = "RW-H010";
    if [CACHE_FOLDER, ENGINE].contains(&code) {
        Exit::Failed
    } else {
        Exit::BadInput
    }
}

impl From<runwright::model::capability::Error> for Problem {
    fn from(error: runwright::model::capability::Error) -> Self {
        runwright::Error::from(error).into()
    }
}

/// One line for one misfit, a list for several.
fn parameters_message(found: &[BindError]) -> String {
    match found {
        [only] => misfit(only),
        many => {
            let lines: Vec<String> = many.iter().map(|error| format!("\n  - {}", misfit(error))).collect();
            format!("{} parameters do not fit the runbook:{}", many.len(), lines.concat())
        }
    }
}

fn misfit(error: &BindError) -> String {
    let allowed = error
        .allowed
        .as_ref()
        .map_or_else(String::new, |allowed| format!("; allowed is {allowed}"));
    format!("parameter `{}` {}{allowed}", error.parameter, error.reason)
}

fn capability_exit(error: &runwright::model::capability::Error) -> Exit {
    use runwright::model::capability::Error as E;
    match error {
        E::Denied { .. } | E::NotFound(_) | E::Invalid(_) | E::LimitExceeded { .. } => Exit::BadInput,
        E::Throttled(_) | E::TimedOut(_) | E::Unavailable(_) | E::Uncertain(_) => Exit::Failed,
    }
}

/// The error and its causes, unless a cause is already part of the text.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_errors_have_the_exit_codes_of_the_table() {
        let missing = Problem::from(runwright::Error::NoExecution("x".into()));
        assert_eq!(missing.exit, Exit::BadInput);
        let capability = runwright::model::capability::Error::Unavailable("down".into());
        assert_eq!(
            Problem::from(runwright::Error::Capability(capability)).exit,
            Exit::Failed
        );
    }

    #[test]
    fn json_leaves_out_what_is_not_known() {
        let problem = Problem::bad_input("no").help("try");
        assert_eq!(problem.to_json(), json!({"error": {"message": "no", "help": "try"}}));
    }
}
