//! Where things are written: results to standard output, everything else to standard error.
//!
//! A reader that goes away (`| head`) is no error.

use std::io::{self, Write as _};

use runwright::{Diagnostic, Source};
use serde::Serialize;

use super::{diagnostics, paint::Paint, text::visible_lines};
use crate::problem::Problem;

/// The two streams, and how they are to be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// Results are JSON.
    pub(crate) json: bool,
    /// Colours on standard output.
    pub(crate) colour_out: bool,
    /// Colours on standard error.
    pub(crate) colour_err: bool,
    /// Standard error is a terminal that can redraw lines.
    pub(crate) live: bool,
    /// Only results and errors.
    pub(crate) quiet: bool,
    /// How much more than usual.
    pub(crate) verbose: u8,
}

/// Whether anybody reads standard output still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Yes.
    There,
    /// No: a stream may end.
    Gone,
}

impl Console {
    /// One for JSON without anything else.
    pub(crate) fn for_programs() -> Self {
        Self {
            json: true,
            colour_out: false,
            colour_err: false,
            live: false,
            quiet: false,
            verbose: 0,
        }
    }

    /// Colours for standard output.
    pub(crate) fn paint(&self) -> Paint {
        Paint(self.colour_out)
    }

    /// Colours for standard error.
    pub(crate) fn paint_err(&self) -> Paint {
        Paint(self.colour_err)
    }

    /// Writes a part of the result: text as it is.
    pub(crate) fn out(&self, text: &str) -> Result<Reader, Problem> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(Reader::There),
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(why) => Err(Problem::trouble(format!(
                "the result cannot be written to standard output: {why}"
            ))),
        }
    }

    /// Writes the result: `text` for people, `value` for programs.
    pub(crate) fn result<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Result<(), Problem> {
        let written = if self.json { pretty(value)? } else { text() };
        self.out(&written).map(|_| ())
    }

    /// Says something to whoever watches, unless they asked for quiet.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            ignore(writeln!(io::stderr().lock(), "{line}"));
        }
    }

    /// Gives a hint.
    pub(crate) fn note(&self, line: &str) {
        self.say(&format!("{}: {line}", self.paint_err().cyan("note")));
    }

    /// Shows what was found in a document.
    pub(crate) fn diagnostics(&self, source: &Source, found: &[Diagnostic]) {
        let text = diagnostics::report(source, found, self.colour_err);
        ignore(io::stderr().lock().write_all(text.as_bytes()));
    }

    /// Shows why nothing came of it: one block on standard error, or one object on standard output.
    pub(crate) fn problem(&self, problem: &Problem) {
        if self.json {
            // Nothing can be done about a reader that is gone.
            let _ = pretty(&problem.to_json()).and_then(|text| self.out(&text));
            return;
        }
        if let Some(document) = &problem.document {
            return self.diagnostics(&document.0, &document.1);
        }
        let paint = self.paint_err();
        let head = match &problem.code {
            Some(code) => format!("error[{code}]"),
            None => "error".to_owned(),
        };
        let mut text = format!("{}: {}\n", paint.red(&head), visible_lines(&problem.message));
        if let Some(help) = &problem.help {
            text.push_str(&format!("{}: {}\n", paint.cyan("help"), visible_lines(help)));
        }
        ignore(io::stderr().lock().write_all(text.as_bytes()));
    }

    /// The width of standard output, when it is a terminal.
    pub(crate) fn columns(&self) -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        (size.ws_col > 0).then_some(usize::from(size.ws_col))
    }
}

fn pretty<T: Serialize>(value: &T) -> Result<String, Problem> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|why| Problem::trouble(format!("the result cannot be written as JSON: {why}")))
}

/// Messages that cannot be written are lost: there is nowhere to say so.
pub(crate) fn ignore(outcome: io::Result<()>) {
    let _ = outcome;
}
