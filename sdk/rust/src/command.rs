//! Commands: shorthands for what plugins run most.

use crate::{Command, Completed, Failure, WriteOptions};

impl Command {
    /// A program with its arguments. Never put a secret into them: they are visible to every process of
    /// the machine.
    #[must_use]
    pub fn program<I, S>(arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            script: None,
            stdin: None,
            environment: Vec::new(),
            working_directory: None,
            run_as: None,
            timeout_ms: None,
        }
    }

    /// A script, run by the interpreter its first line names (`#!/usr/bin/env python3`), else by `/bin/sh`.
    #[must_use]
    pub fn script(text: &str) -> Self {
        let interpreter = interpreter(text).unwrap_or_else(|| vec!["/bin/sh".to_owned()]);
        Self {
            script: Some(text.to_owned()),
            ..Self::program(interpreter)
        }
    }
}

/// What a `#!` line names: the program, and everything after it as one argument, as the kernel reads it.
fn interpreter(text: &str) -> Option<Vec<String>> {
    let line = text.strip_prefix("#!")?.lines().next()?.trim();
    let (program, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if program.is_empty() {
        return None;
    }
    let argument = argument.trim();
    Some(
        [program, argument]
            .iter()
            .filter(|part| !part.is_empty())
            .map(ToString::to_string)
            .collect(),
    )
}

impl Completed {
    /// How it ended, for people: `exit code 3`, `signal 9`.
    #[must_use]
    pub fn how(&self) -> String {
        match (self.exit_code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no exit code".to_owned(),
        }
    }

    /// The last lines it wrote, for a failure's message: of standard error, or of standard output when
    /// there is nothing on standard error. At most 500 characters.
    #[must_use]
    pub fn last_words(&self) -> String {
        const CHARS_MAX: usize = 500;
        let text = if self.stderr.trim().is_empty() {
            self.stdout.trim()
        } else {
            self.stderr.trim()
        };
        let skip = text.chars().count().saturating_sub(CHARS_MAX);
        let tail: String = text.chars().skip(skip).collect();
        if skip > 0 { format!("…{tail}") } else { tail }
    }

    /// Itself, when it ended with exit code 0.
    ///
    /// # Errors
    ///
    /// A failure that says what was being done, how the command ended, and its last words.
    pub fn check(self, doing: &str) -> Result<Self, Failure> {
        if self.exit_code == Some(0) {
            return Ok(self);
        }
        let words = self.last_words();
        let words = if words.is_empty() { "it wrote nothing" } else { &words };
        Err(Failure::failed(format!("{doing} ended with {}: {words}", self.how())))
    }
}

impl Default for WriteOptions {
    /// Keeps mode and owner of the file replaced, and makes no folders.
    fn default() -> Self {
        Self {
            mode: None,
            owner: None,
            group: None,
            parents: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_failed_is_a_failure_with_its_last_words() {
        let host = crate::testing::FakeHost::exit;
        assert!(host(0, "").check("restarting").is_ok());
        let failure = |stdout| host(3, stdout).check("restarting").unwrap_err().message;
        assert_eq!(
            failure("no such unit\n"),
            "restarting ended with exit code 3: no such unit"
        );
        assert_eq!(failure(""), "restarting ended with exit code 3: it wrote nothing");
    }

    #[test]
    fn a_script_names_its_interpreter() {
        assert_eq!(Command::script("echo").arguments, ["/bin/sh"]);
        assert_eq!(
            Command::script("#!/usr/bin/env python3\nprint()").arguments,
            ["/usr/bin/env", "python3"]
        );
        assert_eq!(Command::script("#! /bin/awk -f -v\n").arguments, ["/bin/awk", "-f -v"]);
        assert_eq!(Command::script("#!\n").arguments, ["/bin/sh"]);
    }
}
