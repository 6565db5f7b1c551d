//! How a call ends: outputs, failures, traps, rubbish.

use runwright_host::Limits;
use runwright_model::{
    capability::{Answer, Error, Request, blobs, files},
    event::Phase,
    failure::FailureKind,
    invocation::{Done, Invocation, Invoked, Invoker},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::common::{Script, failure, host, invocation, outputs, run, uncached};

#[tokio::test]
async fn inputs_and_context_arrive_whole() {
    let inputs = json!({"do": "echo", "text": "ä \u{0} \"", "number": -1.5, "list": [1, null, {"x": true}]});
    let invocation = Invocation {
        deadline: Some(Timestamp::from_millis(99)),
        trace_parent: Some("00-aa-bb-01".into()),
        ..invocation(inputs.clone())
    };
    let echoed = outputs(host().invoke(invocation, Script::done()).await);
    assert_eq!(echoed["inputs"], inputs);
    assert_eq!(
        echoed["context"],
        json!({
            "execution-id": "e-1", "step": "try", "visit": 1, "attempt": 1,
            "idempotency-key": "e-1/0/1/run/1", "deadline": 99, "trace-parent": "00-aa-bb-01"
        })
    );
    assert_eq!(
        echoed["step"],
        json!({"action": "t:act", "globals": [["REGION", "eu-north-1"]]})
    );
}

#[tokio::test]
async fn a_rollback_is_told_what_was_done() {
    let stat = Request::Files(files::Request::Stat {
        on: None,
        path: "/x".into(),
    });
    let size = Request::Blobs(blobs::Request::Size { name: "n".into() });
    let done = Done {
        outputs: Some(json!({"a": 1})),
        calls: vec![
            (stat.clone(), Some(Ok(Answer::Files(files::Answer::Stat(None))))),
            (stat.clone(), Some(Err(Error::NotFound("gone".into())))),
            (size.clone(), None),
        ],
    };
    let mut undo = invocation(json!({"do": "show-done"}));
    undo.of.phase = Phase::Rollback;
    undo.done = Some(done);
    let calls = Script::done();
    assert_eq!(host().invoke(undo, calls.clone()).await, Invoked::Returned(Value::Null));
    let shown: Value = serde_json::from_str(&calls.texts()[0]).unwrap();
    let stat = serde_json::to_string(&stat).unwrap();
    assert_eq!(
        shown,
        json!({"outputs": "{\"a\":1}", "calls": [
            ["files.stat", stat, {"ok": "{\"files\":{\"stat\":null}}"}],
            ["files.stat", stat, {"error": "{\"not-found\":\"gone\"}"}],
            ["blobs.size", serde_json::to_string(&size).unwrap(), null],
        ]})
    );
}

#[tokio::test]
async fn a_rollback_may_fail() {
    let mut undo = invocation(json!({"do": "fail", "kind": "uncertain", "message": "who knows"}));
    undo.of.phase = Phase::Rollback;
    let failure = failure(host().invoke(undo, Script::done()).await);
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::Uncertain, "who knows")
    );
}

#[tokio::test]
async fn failures_of_the_plugin_keep_their_fields() {
    let host = host();
    for (word, kind) in [
        ("invalid-input", FailureKind::InvalidInput),
        ("failed", FailureKind::Failed),
        ("verification", FailureKind::Verification),
        ("denied", FailureKind::Denied),
        ("throttled", FailureKind::Throttled),
        ("timed-out", FailureKind::TimedOut),
        ("limit-exceeded", FailureKind::LimitExceeded),
        ("uncertain", FailureKind::Uncertain),
        ("rejected", FailureKind::Rejected),
    ] {
        let inputs = json!({"do": "fail", "kind": word, "message": "m", "retryable": true, "details": "{\"a\":1}"});
        let failure = failure(run(&host, &Script::done(), inputs).await);
        assert_eq!((failure.kind, failure.retryable, failure.code), (kind, true, None));
        assert_eq!(failure.details, Some(json!({"a": 1})));
    }
}

#[tokio::test]
async fn bad_details_do_not_hide_the_failure() {
    let host = host();
    for details in ["[1]", "{", ""] {
        let inputs = json!({"do": "fail", "message": "the reason", "details": details});
        let failure = failure(run(&host, &Script::done(), inputs).await);
        assert!(
            failure
                .message
                .starts_with("the reason (The plugin's details were left out: "),
            "{}",
            failure.message
        );
        assert_eq!(failure.details, None);
    }
}

#[tokio::test]
async fn rubbish_is_named() {
    let host = host();
    for (text, reason) in [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[1]", "not an object"),
        ("\u{1b}[2J", "\\u{1b}[2J"),
    ] {
        let failure = failure(run(&host, &Script::done(), json!({"do": "rubbish", "text": text})).await);
        assert_eq!(
            (failure.kind, failure.code.as_deref()),
            (FailureKind::Plugin, Some("RW-H015"))
        );
        assert!(failure.message.contains(reason), "{}", failure.message);
        assert!(!failure.message.contains('\u{1b}'));
    }
}

#[tokio::test]
async fn traps_are_told_in_words() {
    let host = host();
    for (inputs, words) in [
        (json!({"do": "unreachable"}), "gave up (`unreachable`)"),
        (json!({"do": "out-of-bounds"}), "used memory that is not its own"),
        (json!({"do": "exit", "code": 3}), "called `exit` with code"),
    ] {
        let failure = failure(run(&host, &Script::done(), inputs).await);
        assert_eq!(
            (failure.kind, failure.code.as_deref()),
            (FailureKind::Plugin, Some("RW-H014")),
            "{}",
            failure.message
        );
        assert!(failure.message.contains(words), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_panic_shows_its_message_and_its_place() {
    let calls = Script::done();
    let failure = failure(
        run(
            &host(),
            &calls,
            json!({"do": "panic", "message": "the \u{7}disk is on fire"}),
        )
        .await,
    );
    assert!(
        failure.message.contains("the \\u{7}disk is on fire"),
        "{}",
        failure.message
    );
    assert!(
        failure.message.contains("misbehave::behaviour::perform"),
        "{}",
        failure.message
    );
    assert!(failure.message.len() < 8192);
    assert!(
        calls.texts().iter().any(|line| line.contains("disk is on fire")),
        "also in the log"
    );
}

#[tokio::test]
async fn the_plugin_describes_itself() {
    let host = uncached(Limits::default());
    let digest = runwright_model::digest::Digest::of(runwright_testguest::COMPONENT);
    let manifest = host.describe(&digest).await.unwrap();
    assert_eq!(manifest.action, "test:misbehave");
    assert_eq!(manifest.capabilities.len(), 8);
    assert!(manifest.inputs.properties.contains_key("do"));
    assert_eq!(host.describe(&digest).await.unwrap(), manifest);
}
