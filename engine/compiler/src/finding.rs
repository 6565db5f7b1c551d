//! A diagnostic before its place has become a line and a column.

use crate::{
    diagnostic::{Diagnostic, Severity},
    place::{Lines, Place},
};

/// One finding: what the compiler's parts report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    pub(crate) place: Place,
    message: String,
    /// Boxed, because findings are also the errors of the readers, which should be small.
    more: Box<More>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct More {
    label: Option<String>,
    related: Vec<(Place, String)>,
    help: Option<String>,
    fix: Option<String>,
}

/// Everything found so far.
pub(crate) type Findings = Vec<Finding>;

impl Finding {
    pub(crate) fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            severity: Severity::Error,
            place,
            message,
            more: Box::default(),
        }
    }

    pub(crate) fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, place, message)
        }
    }

    pub(crate) fn into_warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.more.label = Some(label.into());
        self
    }

    pub(crate) fn related(mut self, place: Place, why: impl Into<String>) -> Self {
        self.more.related.push((place, why.into()));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.more.help = Some(help.into());
        self
    }

    /// Text for the place of the finding that mends it.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.more.fix = Some(fix.into());
        self
    }

    /// "Did you mean": help, and a fix that keeps the quotes of the text at the place.
    pub(crate) fn did_you_mean(self, suggestion: Option<&str>) -> Self {
        match suggestion {
            Some(word) => self.help(format!("did you mean `{word}`?")).fix(word),
            None => self,
        }
    }

    pub(crate) fn into_diagnostic(self, text: &str, lines: &Lines) -> Diagnostic {
        let More {
            label,
            related,
            help,
            fix,
        } = *self.more;
        Diagnostic {
            code: self.code,
            severity: self.severity,
            message: self.message,
            span: lines.span(text, self.place),
            label,
            related: related
                .into_iter()
                .map(|(place, why)| (lines.span(text, place), why))
                .collect(),
            help,
            fix: fix.map(|fix| quoted_like(self.place.slice(text), fix)),
        }
    }
}

/// The fix in the quotes of the text it replaces.
fn quoted_like(replaced: &str, fix: String) -> String {
    match replaced.chars().next() {
        Some(quote @ ('"' | '\'')) if replaced.len() > 1 && replaced.ends_with(quote) => format!("{quote}{fix}{quote}"),
        _ => fix,
    }
}
