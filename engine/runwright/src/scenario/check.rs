//! What was expected, held against what came.

use std::time::Duration;

use runwright_executor::{outputs_of, state::State};
use runwright_model::{capability::Request, failure::Failure, grant, status::Status};
use serde_json::{Map, Value};

use super::{
    Miss, call,
    disk::Disk,
    file::{OfCalls, OfLogs, OfStep, Scenario, WholeStep, ms},
    outcome::{Outcome, is_ordered},
};

/// What misses of lines of the log are about.
pub(crate) const LOGS: &str = "log lines";
/// How many calls a miss names.
const SHOWN_CALLS: usize = 12;

/// Collects what differs. Places are JSON pointers below the scenario.
pub(crate) struct Check<'a> {
    scenario: &'a Scenario,
    outcome: &'a Outcome,
    misses: Vec<(String, Miss)>,
}

/// Everything that differs, each with its place below the scenario.
pub(crate) fn misses(scenario: &Scenario, outcome: &Outcome, disk: &Disk) -> Vec<(String, Miss)> {
    let mut check = Check {
        scenario,
        outcome,
        misses: Vec::new(),
    };
    check.status();
    check.path();
    check.steps();
    check.values(
        "outputs",
        &scenario.expect.outputs,
        outcome.state.ended.as_ref().map(|ended| &ended.outputs),
    );
    check.values("variables", &scenario.expect.variables, Some(&outcome.state.variables));
    for (index, calls) in scenario.expect.calls.iter().enumerate() {
        check.calls(index, calls);
    }
    check.files(disk);
    for (index, logs) in scenario.expect.logs.iter().enumerate() {
        check.logs(index, logs);
    }
    check.took();
    check.misses
}

impl Check<'_> {
    fn state(&self) -> &State {
        &self.outcome.state
    }

    fn miss(&mut self, at: String, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) {
        let miss = Miss::new(what, expected, got);
        self.misses.push((format!("/expect{at}"), miss));
    }

    fn status(&mut self) {
        let (expected, got) = (self.scenario.expect.status, self.state().status());
        let failure = self.state().ended.as_ref().and_then(|ended| ended.failure.as_ref());
        let said = failure.map(|failure| failure.message.clone());
        if expected != got {
            let why = said.as_ref().map_or_else(String::new, |message| format!(": {message}"));
            self.miss("/status".into(), "status", expected.as_str(), format!("{got}{why}"));
        }
        if let Some(pattern) = &self.scenario.expect.failure {
            let found = said.as_deref().is_some_and(|message| contains(pattern, message));
            if !found {
                let got = said.unwrap_or_else(|| "no failure".to_owned());
                self.miss("/failure".into(), "failure", pattern.clone(), got);
            }
        }
    }

    fn path(&mut self) {
        let Some(expected) = &self.scenario.expect.path else {
            return;
        };
        let got = &self.outcome.path;
        let same = if is_ordered(&self.state().plan) {
            expected == got
        } else {
            sorted(expected) == sorted(got)
        };
        if !same {
            self.miss("/path".into(), "path", expected.join(", "), got.join(", "));
        }
    }

    fn steps(&mut self) {
        for (name, expected) in &self.scenario.expect.steps {
            let at = format!("/steps/{}", runwright_compiler::escaped(name));
            match expected {
                OfStep::Status(status) => self.step_status(&at, name, *status),
                OfStep::Whole(whole) => self.step(&at, name, whole),
            }
        }
    }

    fn step_status(&mut self, at: &str, name: &str, expected: Status) {
        let Some(id) = self.state().plan.step_named(name) else {
            return;
        };
        let got = self.state().step_status(id);
        if got != expected {
            let failure = self.state().visit(id).and_then(|visit| visit.failure.as_ref());
            let why = failure.map_or_else(String::new, |failure| format!(": {}", failure.message));
            self.miss(
                at.to_owned(),
                format!("status of {name}"),
                expected.as_str(),
                format!("{got}{why}"),
            );
        }
    }

    fn step(&mut self, at: &str, name: &str, whole: &WholeStep) {
        if let Some(status) = whole.status {
            self.step_status(&format!("{at}/status"), name, status);
        }
        let Some(id) = self.state().plan.step_named(name) else {
            return;
        };
        let visit = self.state().visit(id).cloned();
        let visits = self.state().visit_number(id);
        let attempts = visit.as_ref().map_or(0, |visit| visit.attempt);
        let numbers = [("visits", whole.visits, visits), ("attempts", whole.attempts, attempts)];
        for (what, expected, got) in numbers {
            if let Some(expected) = expected.filter(|expected| *expected != got) {
                let place = format!("{at}/{what}");
                self.miss(
                    place,
                    format!("{what} of {name}"),
                    expected.to_string(),
                    got.to_string(),
                );
            }
        }
        let inputs = visit.as_ref().map(|visit| visit.inputs.clone()).unwrap_or_default();
        let outputs = outputs_of(self.state(), id).into_owned();
        let values = [
            ("inputs", &whole.inputs, inputs),
            ("outputs", &whole.outputs, Value::Object(outputs)),
        ];
        for (what, expected, got) in values {
            if let Some(expected) = expected.as_ref().filter(|expected| !call::is_part(expected, &got)) {
                let place = format!("{at}/{what}");
                self.miss(
                    place,
                    format!("{what} of {name}"),
                    expected.to_string(),
                    got.to_string(),
                );
            }
        }
        let failure = visit.as_ref().and_then(|visit| visit.failure.clone());
        self.step_failure(at, name, whole, failure.as_ref());
        let undone = visit.and_then(|visit| visit.undo).map(|undo| undo.status);
        if let Some(expected) = whole.rollback.filter(|expected| Some(*expected) != undone) {
            let got = undone.map_or("none", Status::as_str);
            self.miss(
                format!("{at}/rollback"),
                format!("rollback of {name}"),
                expected.as_str(),
                got,
            );
        }
    }

    fn step_failure(&mut self, at: &str, name: &str, whole: &WholeStep, got: Option<&Failure>) {
        let said = got.map_or_else(|| "no failure".to_owned(), |failure| failure.message.clone());
        if let Some(pattern) = &whole.failure
            && !got.is_some_and(|failure| contains(pattern, &failure.message))
        {
            let (at, what) = (format!("{at}/failure"), format!("failure of {name}"));
            self.miss(at, what, pattern.clone(), said.clone());
        }
        if let Some(kind) = whole
            .kind
            .filter(|kind| got.is_none_or(|failure| failure.kind != *kind))
        {
            let got = got.map_or(said.clone(), |failure| format!("{}: {said}", word(&failure.kind)));
            self.miss(
                format!("{at}/kind"),
                format!("kind of failure of {name}"),
                word(&kind),
                got,
            );
        }
    }

    fn logs(&mut self, index: usize, expected: &OfLogs) {
        let lines = &self.outcome.logs;
        let fits = |line: &&runwright_model::log::LogLine| {
            expected.step.as_ref().is_none_or(|step| *step == line.step)
                && expected.level.is_none_or(|level| level == line.level)
                && contains(&expected.line, &line.text)
        };
        let number = lines.iter().filter(fits).count();
        let enough = expected.times.map_or(number > 0, |times| times as usize == number);
        if enough {
            return;
        }
        let last: Vec<&str> = lines
            .iter()
            .rev()
            .take(SHOWN_CALLS)
            .map(|line| line.text.as_str())
            .collect();
        let got = if number > 0 || last.is_empty() {
            format!("{number}")
        } else {
            format!("none; the last lines were {last:?}")
        };
        let wanted = match expected.times {
            Some(times) => format!("{times} of these"),
            None => "at least one of these".to_owned(),
        };
        self.miss(format!("/logs/{index}"), LOGS, wanted, got);
    }

    fn values(&mut self, what: &str, expected: &Map<String, Value>, got: Option<&Map<String, Value>>) {
        for (name, value) in expected {
            let found = got.and_then(|got| got.get(name));
            if found != Some(value) {
                let got = found.map_or_else(|| "nothing".to_owned(), Value::to_string);
                let at = format!("/{what}/{}", runwright_compiler::escaped(name));
                self.miss(at, name.clone(), value.to_string(), got);
            }
        }
    }

    fn calls(&mut self, index: usize, expected: &OfCalls) {
        let of_step = |step: &str| expected.step.as_deref().is_none_or(|name| name == step);
        let made = self.outcome.calls.iter();
        let fit: Vec<&Request> = made
            .filter(|(step, request)| of_step(step) && call::is_of(expected, request))
            .map(|(_, request)| request)
            .collect();
        let number = u32::try_from(fit.len()).unwrap_or(u32::MAX);
        if expected.times.map_or(number > 0, |times| times == number) {
            return;
        }
        let wanted = match expected.times {
            Some(times) => format!("{times} of these"),
            None => "at least one of these".to_owned(),
        };
        let got = if number > 0 {
            format!("{number}")
        } else {
            self.other_calls()
        };
        self.miss(format!("/calls/{index}"), "calls", wanted, got);
    }

    /// What was called instead.
    fn other_calls(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (_, request) in self.outcome.calls.iter().filter(|(_, request)| !request.is_wait()) {
            let line = match call::details(request) {
                Value::Object(details) if matches!(request, Request::Aws(_)) => {
                    format!("{} {}", call::line(request), Value::Object(details))
                }
                _ => call::line(request),
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let more = lines.len().saturating_sub(SHOWN_CALLS);
        lines.truncate(SHOWN_CALLS);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        if lines.is_empty() {
            "none, and no others".to_owned()
        } else {
            format!("none; made were {}", lines.join(", "))
        }
    }

    fn files(&mut self, disk: &Disk) {
        for (path, expected) in &self.scenario.expect.files {
            let got = disk.text(path);
            let same = match expected {
                Some(text) => got.as_ref() == Some(text),
                None => !disk.holds(path),
            };
            if !same {
                let shown = |text: &Option<String>| {
                    text.as_ref()
                        .map_or_else(|| "no file".to_owned(), |it| format!("{it:?}"))
                };
                let at = format!("/files/{}", runwright_compiler::escaped(path));
                self.miss(at, path.clone(), shown(expected), shown(&got));
            }
        }
    }

    fn took(&mut self) {
        let Some(expected) = self.scenario.expect.takes.as_deref() else {
            return;
        };
        let end = self
            .state()
            .ended
            .as_ref()
            .map_or(self.state().last_at, |ended| ended.at);
        let got = end.since(self.state().started_at);
        if Duration::from_millis(ms(expected)).as_secs() != got.as_secs() {
            self.miss("/takes".into(), "duration", expected, format!("{} s", got.as_secs()));
        }
    }
}

/// A value of a small enum as test files write it.
fn word(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_value(value).unwrap_or_default();
    text.as_str().unwrap_or_default().to_owned()
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_unstable();
    names
}

/// Whether a pattern is found anywhere in a text.
fn contains(pattern: &str, text: &str) -> bool {
    grant::matches(&format!("*{pattern}*"), text)
}
