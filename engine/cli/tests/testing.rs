//! Scenarios (`runwright test`): those of the shipped runbooks, which reach every step and every branch, and what scenarios can say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{fs, path::Path};

use runwright::{Library, scenario::TestReport};

#[tokio::test]
async fn the_shipped_runbooks_do_what_their_scenarios_say() {
    let runbooks = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../runbooks"));
    let state = tempfile::tempdir().unwrap();
    let library = Library::open(state.path().to_owned(), Vec::new()).unwrap();
    let mut names: Vec<_> = fs::read_dir(runbooks)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    names.sort();
    assert!(names.len() >= 6, "{names:?}");
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let file = runbooks.join(format!("tests/{name}.test.yaml"));
        let report = library.test(&file, None).await.unwrap();
        assert_eq!(report.runbook, name);
        let failed: Vec<_> = report.scenarios.iter().filter(|scenario| !scenario.ok).collect();
        assert!(failed.is_empty(), "{name}: {failed:#?}");
        assert!(
            report.coverage.missed.is_empty(),
            "{name}: {:?}",
            report.coverage.missed
        );
        assert_eq!(report.unasked, [], "{name}");
    }
}

/// What came of a test file beside these runbooks; the first is under test.
async fn report(runbooks: &[(&str, &str)], test: &str) -> TestReport {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in runbooks {
        let text = format!("schemaVersion: '0.3'\n{text}");
        fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let file = folder.path().join("it.test.yaml");
    fs::write(&file, format!("runbook: {}.yaml\n{test}", runbooks[0].0)).unwrap();
    let library = Library::open(folder.path().join("state"), Vec::new()).unwrap();
    library.test(&file, None).await.unwrap()
}

/// Fails with all that was missed.
async fn passes(runbooks: &[(&str, &str)], test: &str) {
    let report = report(runbooks, test).await;
    assert!(report.ok, "{report:#?}");
}

const MAKE: &str = "mainSteps:\n- {name: make, action: 'rw:shell', inputs: {Arguments: [make]}}\n";

#[tokio::test]
async fn a_cancel_stops_what_is_under_way() {
    let test = "
mocks: [{command: make, takes: 2h}]
scenarios:
- name: after ten minutes
  people: [{cancel: no longer wanted, by: kim, at: 10m}]
  expect: {status: Cancelled, steps: {make: Cancelled}, takes: 10m}
- name: as soon as it runs
  people: [{cancel: '', during: make}]
  expect: {status: Cancelled, takes: 0s}
- name: too late
  people: [{cancel: '', at: 3h}]
  expect: {status: Success, takes: 2h}
";
    let report = report(&[("long", MAKE)], test).await;
    let misses: Vec<usize> = report.scenarios.iter().map(|it| it.misses.len()).collect();
    assert_eq!(misses, [0, 0, 1], "{report:#?}");
    assert_eq!(report.scenarios[2].misses[0].got, "the moment for `cancel` never came");
}

#[tokio::test]
async fn mocks_that_answered_nothing_are_named() {
    let test = "
mocks:
- {command: make}
- {command: 'mkae', exit: 1}
- step: make
  times: 0
  outputs: {}
scenarios:
- name: plain
  mocks: [{command: make, times: 1}, {http: 'GET *'}]
  expect: {status: Success}
- name: by the mock of all
  expect: {status: Success}
- name: does not begin
  parameters: {Strange: x}
  mocks: [{command: never}]
  expect: {status: Success}
";
    let unasked = report(&[("it", MAKE)], test).await.unasked;
    let shown: Vec<(usize, &str)> = unasked.iter().map(|it| (it.line, it.mock.as_str())).collect();
    assert_eq!(
        shown,
        [
            (5, "{command: 'mkae', exit: 1}"),
            (6, "step: make"),
            (11, "{http: 'GET *'}")
        ]
    );
}

#[tokio::test]
async fn a_pause_holds_what_comes_next() {
    let two = format!("{MAKE}- {{name: test, action: 'rw:shell', inputs: {{Arguments: [make, test]}}}}\n");
    let test = "
mocks: [{command: 'make*', takes: 1h}]
scenarios:
- name: over night
  people: [{pause: the night, during: make}, {unpause: '', at: 9h}]
  expect: {status: Success, path: [make, test], takes: 10h}
- name: for good
  people: [{pause: the night, during: make}]
  expect: {status: Paused, steps: {test: Pending}}
";
    passes(&[("two", &two)], test).await;
}

#[tokio::test]
async fn signals_and_votes_come_when_they_are_said_to() {
    let text = "mainSteps:
- {name: hold, action: 'aws:pause', inputs: {}}
- {name: ask, action: 'aws:approve', inputs: {Message: go, Approvers: [kim, lee], MinRequiredApprovals: 2}}
";
    let test = "
scenarios:
- name: all of them
  people:
  - {signal: Resume, step: hold, after: 3d}
  - {approve: ask, by: kim, after: 1h}
  - {approve: ask, by: lee, after: 1d}
  expect: {status: Success, takes: 4d, calls: [{approval: go, with: {quorum: 2}, times: 1}]}
- name: a stranger
  people: [{signal: Resume, step: hold}, {approve: ask, by: max}]
  expect: {status: TimedOut}
- name: nobody
  expect: {status: Success}
";
    let report = report(&[("asks", text)], test).await;
    let ok: Vec<bool> = report.scenarios.iter().map(|it| it.ok).collect();
    assert_eq!(ok, [true, false, false], "{report:#?}");
    assert!(
        report.scenarios[1].misses[0].got.contains("max is not an approver"),
        "{report:#?}"
    );
    assert!(
        report.scenarios[2].misses[0]
            .got
            .contains("nobody does what it waits for"),
        "{report:#?}"
    );
}

#[tokio::test]
async fn attempts_have_their_time_and_their_failures() {
    let text = "mainSteps:
- {name: slow, action: 'rw:shell', inputs: {Arguments: [slow]}, timeoutSeconds: 60, maxAttempts: 2, onFailure: Continue, isCritical: false}
- {name: flaky, action: 'rw:shell', inputs: {Arguments: [flaky]}, retry: {maxAttempts: 3, backoff: 10s}}
";
    let test = "
scenarios:
- name: it
  mocks:
  - {command: slow, takes: 1d}
  - {step: flaky, fails: not yet, kind: throttled, times: 2}
  - {step: flaky, outputs: {ExitCode: 0, Stdout: '', Stderr: '', DurationMs: 1}}
  expect:
    status: Success
    steps: {slow: {status: TimedOut, attempts: 2}, flaky: {status: Success, attempts: 3}}
    takes: 2m30s
";
    passes(&[("tries", text)], test).await;
}

#[tokio::test]
async fn children_and_rounds_are_real() {
    let parent = "mainSteps:
- name: rounds
  action: aws:loop
  inputs:
    Iterators: [a, b, c]
    Steps:
    - {name: round, action: 'rw:shell', inputs: {Arguments: [echo, '{{ rounds.CurrentIteratorValue }}']}}
- {name: child, action: 'aws:executeAutomation', inputs: {DocumentName: child, RuntimeParameters: {Who: [kim]}}}
";
    let child = "parameters: {Who: {type: String}}
mainSteps:
- {name: greet, action: 'rw:shell', inputs: {Arguments: [greet, '{{ Who }}']}}
- {name: rest, action: 'aws:sleep', inputs: {Duration: P6D}}
";
    let test = "
mocks: [{command: 'echo *'}]
scenarios:
- name: its command is answered
  mocks: [{command: greet kim}]
  expect:
    status: Success
    takes: 6d
    steps: {round: {visits: 3}}
    calls: [{command: 'echo *', times: 3}, {command: greet kim, times: 1}, {execution: child, with: {Who: [kim]}}]
- name: its step is answered
  mocks: [{step: greet, runbook: child, fails: nobody is there}]
  expect: {status: Failed, failure: nobody is there}
";
    passes(&[("parent", parent), ("child", child)], test).await;
}
