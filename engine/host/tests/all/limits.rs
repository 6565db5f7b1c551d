//! Every limit, at it and past it.

use std::time::{Duration, Instant};

use runwright_host::Limits;
use runwright_model::{
    capability::{Answer, blobs},
    failure::FailureKind,
};
use serde_json::json;

use crate::common::{Script, assert_limit, failure, host, host_with, outputs, run};

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn computing_ends() {
    let host = host_with(Limits {
        call_cpu_ms: 100,
        ..Limits::default()
    });
    let start = Instant::now();
    let failure = assert_limit(
        run(&host, &Script::done(), json!({"do": "loop"})).await,
        "call-cpu-ms",
        100,
    );
    assert!(failure.details.unwrap()["used"].as_u64().unwrap() >= 100);
    assert!(start.elapsed() < Duration::from_secs(30));
    outputs(run(&host, &Script::done(), json!({"do": "spin", "times": 1_000})).await);
}

#[tokio::test]
async fn memory_ends() {
    let host = host_with(Limits {
        memory_bytes: 16 * MIB,
        ..Limits::default()
    });
    let calls = Script::done();
    outputs(run(&host, &calls, json!({"do": "alloc", "bytes": 8 * MIB})).await);
    let failure = assert_limit(
        run(&host, &calls, json!({"do": "alloc", "bytes": 16 * MIB})).await,
        "memory-bytes",
        16 * MIB,
    );
    assert!(failure.details.unwrap()["used"].as_u64().unwrap() > 16 * MIB);
}

#[tokio::test]
async fn a_guest_that_bears_refused_memory_goes_on() {
    let host = host_with(Limits {
        memory_bytes: 16 * MIB,
        ..Limits::default()
    });
    let tried = outputs(run(&host, &Script::done(), json!({"do": "try-alloc", "bytes": 64 * MIB})).await);
    assert_eq!(tried, json!({"allocated": false}));
}

#[tokio::test]
async fn a_component_that_begins_too_large_is_told_so() {
    let host = host_with(Limits {
        memory_bytes: 64 * 1024,
        ..Limits::default()
    });
    let failure = failure(run(&host, &Script::done(), json!({"do": "echo"})).await);
    assert!(failure.message.contains("memory"), "{}", failure.message);
}

#[tokio::test]
async fn the_stack_ends() {
    // The guest's own stack is in its memory and large enough here; the limit is on the machine's.
    let host = host_with(Limits {
        stack_bytes: 64 * 1024,
        ..Limits::default()
    });
    let calls = Script::done();
    outputs(run(&host, &calls, json!({"do": "recurse", "times": 100})).await);
    assert_limit(
        run(&host, &calls, json!({"do": "recurse", "times": 20_000})).await,
        "stack-bytes",
        64 * 1024,
    );
}

#[tokio::test]
async fn outputs_end() {
    let host = host_with(Limits {
        output_bytes: 1_000,
        ..Limits::default()
    });
    let calls = Script::done();
    let around = r#"{"text":""}"#.len();
    outputs(run(&host, &calls, json!({"do": "huge", "bytes": 1_000 - around})).await);
    let failure = assert_limit(
        run(&host, &calls, json!({"do": "huge", "bytes": 1_001 - around})).await,
        "output-bytes",
        1_000,
    );
    assert_eq!(failure.details.unwrap()["used"], 1_001);
}

#[tokio::test]
async fn huge_outputs_are_not_even_copied() {
    let limits = Limits {
        output_bytes: MIB,
        argument_bytes: MIB,
        ..Limits::default()
    };
    let host = host_with(limits);
    assert_limit(
        run(&host, &Script::done(), json!({"do": "huge", "bytes": 20 * MIB})).await,
        "output-bytes",
        MIB,
    );
}

#[tokio::test]
async fn arguments_end() {
    let host = host();
    let kept = Script::always(Ok(Answer::Blobs(blobs::Answer::Name("n".into()))));
    outputs(run(&host, &kept, json!({"do": "big-argument", "bytes": 64 * MIB})).await);
    assert_eq!(kept.requests().len(), 1);
    let refused = Script::done();
    assert_limit(
        run(&host, &refused, json!({"do": "big-argument", "bytes": 100 * MIB})).await,
        "argument-bytes",
        65 * MIB,
    );
    assert_eq!(refused.requests(), []);
}

#[tokio::test]
async fn calls_end() {
    let host = host_with(Limits {
        calls: 5,
        ..Limits::default()
    });
    let calls = Script::always(Ok(Answer::Blobs(blobs::Answer::Size(1))));
    assert_eq!(
        outputs(run(&host, &calls, json!({"do": "many-calls", "times": 5})).await),
        json!({"answered": 5})
    );
    let failure = assert_limit(
        run(&host, &calls, json!({"do": "many-calls", "times": 6})).await,
        "calls",
        5,
    );
    assert!(failure.message.contains("`blobs.size`"), "{}", failure.message);
    assert_eq!(calls.requests().len(), 10);
}

#[tokio::test]
async fn ten_thousand_calls_are_allowed() {
    let calls = Script::always(Ok(Answer::Blobs(blobs::Answer::Size(1))));
    let answered = outputs(run(&host(), &calls, json!({"do": "many-calls", "times": 10_000})).await);
    assert_eq!(answered, json!({"answered": 10_000}));
}

#[tokio::test]
async fn failures_are_cut_and_kept() {
    let host = host_with(Limits {
        failure_bytes: 101,
        ..Limits::default()
    });
    let calls = Script::done();
    let whole = failure(run(&host, &calls, json!({"do": "fail", "message-bytes": 100})).await);
    assert_eq!(whole.message, "é".repeat(50));
    let cut = failure(
        run(
            &host,
            &calls,
            json!({"do": "fail", "kind": "rejected", "message-bytes": 102}),
        )
        .await,
    );
    assert!(
        cut.message.starts_with(&format!(
            "{} … (cut: limit `failure-bytes` exceeded, 102 ",
            "é".repeat(50)
        )),
        "{}",
        cut.message
    );
    assert_eq!(cut.kind, FailureKind::Rejected, "the reason is not lost");
    let details = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
    let long = failure(run(&host, &calls, json!({"do": "fail", "message": "m", "details": details})).await);
    assert_eq!(long.details, None);
    assert!(long.message.contains("`failure-bytes`"), "{}", long.message);
}
