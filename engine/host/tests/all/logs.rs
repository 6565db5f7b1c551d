//! What a guest writes for people.

use runwright_host::Limits;
use runwright_model::log::{Level, Stream};
use serde_json::json;

use crate::common::{Script, host, host_with, outputs, run};

#[tokio::test]
async fn lines_keep_their_level() {
    let host = host();
    for (word, level) in [
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("error", Level::Error),
    ] {
        let calls = Script::done();
        outputs(run(&host, &calls, json!({"do": "log", "level": word, "text": "héllo"})).await);
        assert_eq!(*calls.lines.lock().unwrap(), [(level, Stream::Log, "héllo".to_owned())]);
    }
}

#[tokio::test]
async fn progress_has_its_own_stream() {
    let host = host();
    let calls = Script::done();
    outputs(
        run(
            &host,
            &calls,
            json!({"do": "progress", "done": 3, "total": 7, "text": "copying"}),
        )
        .await,
    );
    outputs(run(&host, &calls, json!({"do": "progress", "done": 3, "text": "copying"})).await);
    let lines = calls.lines.lock().unwrap();
    assert_eq!(lines[0], (Level::Info, Stream::Progress, "3/7: copying".to_owned()));
    assert_eq!(lines[1].2, "3: copying");
}

#[tokio::test]
async fn control_characters_are_shown_not_obeyed() {
    let host = host();
    for evil in [
        "\u{1b}[2Jx",
        "\u{1b}]0;title\u{7}",
        "a\rb",
        "a\nb",
        "\u{9b}31m",
        "\u{202e}abc",
        "\u{0}",
    ] {
        let calls = Script::done();
        outputs(run(&host, &calls, json!({"do": "log", "text": evil})).await);
        outputs(run(&host, &calls, json!({"do": "print", "text": evil})).await);
        outputs(run(&host, &calls, json!({"do": "progress", "text": evil})).await);
        for text in calls.texts() {
            assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
    }
}

#[tokio::test]
async fn output_comes_line_by_line() {
    let host = host();
    for (to, stream) in [("stdout", Stream::Stdout), ("stderr", Stream::Stderr)] {
        let calls = Script::done();
        outputs(
            run(
                &host,
                &calls,
                json!({"do": "print", "to": to, "text": "one\r\ntwo\n\nthe rest"}),
            )
            .await,
        );
        let expected = ["one", "two", "", "the rest"].map(|text| (Level::Info, stream, text.to_owned()));
        assert_eq!(*calls.lines.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn long_lines_are_cut() {
    let host = host_with(Limits {
        log_line_bytes: 10,
        ..Limits::default()
    });
    let calls = Script::done();
    outputs(run(&host, &calls, json!({"do": "log", "bytes": 10})).await);
    outputs(run(&host, &calls, json!({"do": "log", "bytes": 11})).await);
    outputs(run(&host, &calls, json!({"do": "print", "text": "x".repeat(5_000)})).await);
    let cut = |more| format!("{} … ({more} bytes more)", "x".repeat(10));
    assert_eq!(calls.texts(), ["x".repeat(10), cut(1), cut(4_990)]);
}

#[tokio::test]
async fn a_flood_is_dropped_with_one_notice() {
    // A line of 9 bytes and its end: ten of them fit, the eleventh does not.
    let host = host_with(Limits {
        log_bytes: 100,
        ..Limits::default()
    });
    let (fits, flood) = (Script::done(), Script::done());
    outputs(run(&host, &fits, json!({"do": "log", "bytes": 9, "times": 10})).await);
    assert_eq!(fits.texts().len(), 10);
    outputs(run(&host, &flood, json!({"do": "log", "bytes": 9, "times": 5_000})).await);
    let texts = flood.texts();
    assert_eq!(texts.len(), 11);
    assert!(texts[10].starts_with("limit `log-bytes` reached"), "{}", texts[10]);
    assert_eq!(flood.lines.lock().unwrap()[10].0, Level::Warn);
}
