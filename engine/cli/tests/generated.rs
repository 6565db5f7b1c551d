//! What is generated from the definition of the command: help, completions, manual pages.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::{
    io::Read as _,
    net::TcpListener,
    sync::mpsc,
    time::{Duration, Instant},
};

use common::Machine;

const VERBS: [&str; 24] = [
    "run",
    "resume",
    "rerun",
    "approve",
    "reject",
    "signal",
    "pause",
    "unpause",
    "cancel",
    "rollback",
    "list",
    "show",
    "why",
    "logs",
    "validate",
    "graph",
    "migrate",
    "param",
    "plugin",
    "explain",
    "store",
    "gc",
    "completions",
    "man",
];

#[test]
fn every_verb_has_help_that_fits_a_screen() {
    let machine = Machine::new();
    let overview = machine.say("runwright --help").stdout;
    for verb in VERBS {
        let done = machine.say(&format!("runwright {verb} --help"));
        assert_eq!((done.exit, done.stderr.as_str()), (0, ""), "{verb}");
        assert!(done.stdout.lines().count() <= 60, "{verb}:\n{}", done.stdout);
        let about = done.stdout.lines().next().unwrap();
        assert!(overview.contains(about), "{verb} is missing in the overview: {about}");
    }
}

#[test]
fn completions_know_every_verb() {
    let machine = Machine::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = machine.say(&format!("runwright completions {shell}"));
        assert_eq!(done.exit, 0, "{shell}: {}", done.stderr);
        for verb in VERBS {
            assert!(done.stdout.contains(verb), "{shell} does not know {verb}");
        }
    }
    assert_eq!(machine.say("runwright completions tcsh").exit, 2);
}

#[test]
fn there_is_a_manual_page_for_every_verb() {
    let machine = Machine::new();
    let one = machine.say("runwright man").stdout;
    assert!(one.contains(".TH runwright 1"), "{one}");
    let done = machine.say("runwright man --dir pages");
    assert_eq!(done.exit, 0, "{}", done.stderr);
    for verb in VERBS {
        let page = machine.path().join(format!("pages/runwright-{verb}.1"));
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains("SYNOPSIS"), "{verb}");
    }
    assert!(machine.path().join("pages/runwright-param-put.1").is_file());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let machine = Machine::new();
    let words = ["runwright", "completions", "bash"].map(str::to_owned);
    let mut child = machine.command(&words).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(0), "")
    );
}

/// A collector on this machine that reads what it is sent and says nothing, and what it was sent.
fn silent_collector() -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sent, received) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut begin = vec![0; 1_024];
        let length = stream.read(&mut begin).unwrap();
        begin.truncate(length);
        sent.send(begin).unwrap();
        // Until the other side has enough of it.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (port, received)
}

fn explained_with(port: u16) -> Duration {
    let machine = Machine::new();
    let words = ["runwright", "explain", "RW-S005"].map(str::to_owned);
    let mut command = machine.command(&words);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{port}"));
    let begun = Instant::now();
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), stderr.as_ref()), (Some(0), ""));
    begun.elapsed()
}

#[test]
fn a_collector_gets_spans_and_may_be_silent() {
    let (port, received) = silent_collector();
    let took = explained_with(port);
    let begin = String::from_utf8_lossy(&received.recv().unwrap()).into_owned();
    assert!(begin.starts_with("POST /v1/traces HTTP/1.1"), "{begin}");
    assert!(took < Duration::from_secs(4), "the end was held up for {took:?}");
}

#[test]
fn a_collector_may_be_absent() {
    // Nobody listens on a port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let took = explained_with(port);
    assert!(took < Duration::from_secs(4), "the end was held up for {took:?}");
}
