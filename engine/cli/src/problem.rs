//! Why a verb could not do what it was asked: one block for people, one object for programs.
//!
//! Not an execution that failed: that is a result, and is shown as one.

use runwright::{Diagnostic, Fault, Source};
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
        let error = match error {
            runwright::Error::Document {
                source_text,
                diagnostics,
            } => return Self::document(*source_text, diagnostics),
            other => other.report(),
        };
        Self {
            exit: match error.fault {
                Fault::Caller => Exit::BadInput,
                Fault::Machine => Exit::Failed,
            },
            code: error.code,
            message: error.message,
            help: error.help,
            document: None,
        }
    }
}

impl From<runwright::author::Error> for Problem {
    fn from(error: runwright::author::Error) -> Self {
        Self {
            code: Some(error.code().to_owned()),
            ..Self::bad_input(error.to_string())
        }
        .help(error.help())
    }
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
