//! What must be true of a test file beside its shape.

use runwright_compiler::{duration_ms, escaped};
use runwright_model::time::Timestamp;

use super::file::{Deed, Mock, OfCalls, Scenario, TestFile};

/// A JSON pointer, and what is wrong there.
pub(crate) type Mistake = (String, String);

/// Everything that is wrong.
pub(crate) fn mistakes(file: &TestFile) -> Vec<Mistake> {
    let mut found = Vec::new();
    each_mock("/mocks", &file.says.mocks, &mut found);
    if file.says.scenarios.is_empty() {
        found.push(("/scenarios".to_owned(), "there is no scenario".to_owned()));
    }
    for (index, scenario) in file.says.scenarios.iter().enumerate() {
        let at = format!("/scenarios/{index}");
        let twice = file.says.scenarios[..index].iter().any(|it| it.name == scenario.name);
        if twice {
            found.push((
                format!("{at}/name"),
                format!("a second scenario is called `{}`", scenario.name),
            ));
        }
        of_scenario(&at, scenario, &mut found);
    }
    found
}

fn of_scenario(at: &str, scenario: &Scenario, found: &mut Vec<Mistake>) {
    if let Some(start) = scenario
        .start
        .as_deref()
        .filter(|start| Timestamp::parse(start).is_none())
    {
        let why = format!("`{start}` is no moment; write it as in 2026-01-31T12:00:00Z");
        found.push((format!("{at}/start"), why));
    }
    each_mock(&format!("{at}/mocks"), &scenario.mocks, found);
    for (index, deed) in scenario.people.iter().enumerate() {
        of_deed(&format!("{at}/people/{index}"), deed, found);
    }
    for (index, calls) in scenario.expect.calls.iter().enumerate() {
        if kinds(calls) != 1 {
            let why =
                "name one call: `command`, `aws`, `http`, `probe`, `file`, `parameter`, `approval` or `execution`";
            found.push((format!("{at}/expect/calls/{index}"), why.to_owned()));
        }
    }
    duration(&format!("{at}/expect/takes"), scenario.expect.takes.as_deref(), found);
    for path in scenario.files.keys().filter(|path| !path.starts_with('/')) {
        found.push((
            format!("{at}/files/{}", escaped(path)),
            format!("`{path}` is no absolute path"),
        ));
    }
}

fn kinds(calls: &OfCalls) -> usize {
    let command = calls.command.is_some() || calls.script.is_some();
    let named = [
        &calls.aws,
        &calls.http,
        &calls.probe,
        &calls.file,
        &calls.parameter,
        &calls.approval,
        &calls.execution,
    ];
    usize::from(command) + named.iter().filter(|named| named.is_some()).count()
}

fn each_mock(at: &str, mocks: &[Mock], found: &mut Vec<Mistake>) {
    for (index, mock) in mocks.iter().enumerate() {
        of_mock(&format!("{at}/{index}"), mock, found);
    }
}

fn of_mock(at: &str, mock: &Mock, found: &mut Vec<Mistake>) {
    let command = mock.command.is_some() || mock.script.is_some();
    let calls = [command, mock.aws.is_some(), mock.http.is_some(), mock.probe.is_some()];
    let kinds = calls.iter().filter(|is| **is).count();
    if kinds > 1 || (kinds == 0 && mock.step.is_none()) {
        let why = "say what is answered: a `step`, or one of `command`, `aws`, `http`, `probe`";
        return found.push((at.to_owned(), why.to_owned()));
    }
    let step = kinds == 0;
    let allowed = [
        ("outputs", mock.outputs.is_some(), step),
        ("undoFails", mock.undo_fails.is_some(), step),
        ("exit", mock.exit.is_some(), command),
        ("stdout", mock.stdout.is_some(), command),
        ("stderr", mock.stderr.is_some(), command),
        ("status", mock.status.is_some(), calls[1] || calls[2]),
        ("headers", !mock.headers.is_empty(), calls[1] || calls[2]),
        ("body", mock.body.is_some(), calls[1] || calls[2]),
        ("answer", mock.answer.is_some(), calls[1]),
        ("error", mock.error.is_some(), calls[1]),
        ("comes", mock.comes.is_some(), calls[3]),
        ("kind", mock.kind.is_some(), mock.fails.is_some()),
    ];
    for (name, given, fits) in allowed {
        if given && !fits {
            found.push((format!("{at}/{name}"), format!("`{name}` says nothing of this answer")));
        }
    }
    if step && mock.outputs.is_none() && mock.fails.is_none() {
        found.push((
            at.to_owned(),
            "say how the step ends: with `outputs`, or `fails`".to_owned(),
        ));
    }
    if step && mock.outputs.is_some() && mock.fails.is_some() {
        found.push((format!("{at}/fails"), "a step that fails has no outputs".to_owned()));
    }
    duration(&format!("{at}/takes"), mock.takes.as_deref(), found);
    duration(
        &format!("{at}/comes"),
        mock.comes.as_deref().filter(|comes| *comes != "never"),
        found,
    );
}

fn of_deed(at: &str, deed: &Deed, found: &mut Vec<Mistake>) {
    let asked = [&deed.approve, &deed.reject, &deed.signal];
    let unasked = [&deed.cancel, &deed.pause, &deed.unpause];
    let (asked, unasked) = (given(&asked), given(&unasked));
    if asked + unasked != 1 {
        let why = "say what is done: one of `approve`, `reject`, `signal`, `cancel`, `pause`, `unpause`";
        return found.push((at.to_owned(), why.to_owned()));
    }
    let moments = given(&[&deed.after, &deed.at, &deed.during]);
    if moments > 1 || (unasked == 1 && (moments == 0 || deed.after.is_some())) {
        let why =
            "say when: `at` (after the start) or `during` (a step); for what a step asks also `after`, or nothing";
        found.push((at.to_owned(), why.to_owned()));
    }
    if deed.signal.is_some() && deed.step.is_none() {
        found.push((at.to_owned(), "name the `step` that waits for the signal".to_owned()));
    }
    duration(&format!("{at}/after"), deed.after.as_deref(), found);
    duration(&format!("{at}/at"), deed.at.as_deref(), found);
}

fn given(options: &[&Option<String>]) -> usize {
    options.iter().filter(|option| option.is_some()).count()
}

fn duration(at: &str, text: Option<&str>, found: &mut Vec<Mistake>) {
    if let Some(text) = text.filter(|text| duration_ms(text.trim()).is_none()) {
        let why = format!("`{text}` is no duration; write `500ms`, `5s`, `1m30s`, `2h` or `7d`");
        found.push((at.to_owned(), why));
    }
}
