//! More than anybody can take: of log, of blobs, of calls, of arguments, of random bytes.

use runwright_host::Limits;
use runwright_model::{
    capability::{Answer, blobs},
    invocation::Called,
    log::Level,
};
use serde_json::json;

use super::{assert_stopped_by, attack, limits};
use crate::{
    common::{Script, assert_limit, outputs},
    guest::{Guest, OK, RETURNED, TEXT},
};

/// An allocator that gives the same place each time, so that a flood of answers needs no memory.
const ONE_PLACE: &str = "(i32.const 65536)";

/// Does something so many times.
fn times(number: u32, body: &str) -> String {
    format!(
        "(local $n i32)
         (loop $again {body} (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const {number}))))
         (i32.const {OK})"
    )
}

#[tokio::test]
async fn a_log_is_kept_as_far_as_the_limit() {
    let guest = Guest::new().logs().run(&times(
        20_000,
        &format!("(call $log (i32.const 1) (i32.const {TEXT}) (i32.const 1024))"),
    ));
    let calls = Script::done();
    let guest = guest.text("x".repeat(1024).as_bytes());
    assert_eq!(outputs(attack(&guest, limits(), &calls).await), json!({}));
    let lines = calls.lines.lock().unwrap();
    let bytes: usize = lines.iter().map(|(_, _, text)| text.len()).sum();
    assert!(bytes as u64 <= limits().log_bytes + 1_000, "{bytes}");
    let (level, _, last) = lines.last().unwrap();
    assert_eq!(*level, Level::Warn);
    assert!(last.contains("`log-bytes`") && last.contains("`[limits]`"), "{last}");
}

#[tokio::test]
async fn lines_of_escapes_do_not_outgrow_the_limit() {
    // Each character is shown as six.
    let guest = Guest::new().logs().text(&[0x1b; 8192]).run(&times(
        1_000,
        &format!("(call $log (i32.const 1) (i32.const {TEXT}) (i32.const 8192))"),
    ));
    let calls = Script::done();
    outputs(attack(&guest, limits(), &calls).await);
    let bytes: usize = calls.texts().iter().map(String::len).sum();
    assert!(bytes as u64 <= limits().log_bytes + 1_000, "{bytes}");
}

#[tokio::test]
async fn random_bytes_without_end() {
    let random = |length: i64, memory: &str| {
        Guest::new()
            .memory(memory)
            .realloc(ONE_PLACE)
            .import(
                "wasi:random/random@0.2.0",
                "get-random-bytes",
                "random",
                "(param i64 i32)",
            )
            .run(&format!(
                "(loop $again (call $random (i64.const {length}) (i32.const {RETURNED})) (br $again)) (unreachable)"
            ))
    };
    assert_stopped_by(&random(-1, "4"), "argument-bytes").await;
    assert_stopped_by(&random(1 << 40, "4"), "argument-bytes").await;
    assert_stopped_by(&random(1 << 20, "32"), "call-cpu-ms").await;
}

fn named() -> std::sync::Arc<Script> {
    Script::new(|_| Called::Answered(Ok(Answer::Blobs(blobs::Answer::Name("sha256:0".into())))))
}

/// Keeps blobs of this size for ever.
fn keeping(bytes: u32) -> Guest {
    Guest::new()
        .memory("64")
        .realloc(ONE_PLACE)
        .import("runwright:plugin/blobs@0.1.0", "put", "put", "(param i32 i32 i32)")
        .run(&format!(
            "(loop $again
                (call $put (i32.const 65536) (i32.const {bytes}) (i32.const {RETURNED}))
                (br $again))
             (unreachable)"
        ))
}

#[tokio::test]
async fn blobs_without_end() {
    let tight = Limits {
        sent_bytes: 10 << 20,
        ..limits()
    };
    let calls = named();
    let failure = assert_limit(attack(&keeping(1 << 20), tight, &calls).await, "sent-bytes", 10 << 20);
    assert!(failure.message.contains("called `blobs.put`"), "{}", failure.message);
    // Base64 makes a third more of them.
    assert_eq!(calls.requests().len(), 7);
}

#[tokio::test]
async fn calls_without_end() {
    let tight = Limits { calls: 500, ..limits() };
    let calls = named();
    let failure = assert_limit(attack(&keeping(0), tight, &calls).await, "calls", 500);
    assert_eq!(calls.requests().len(), 500);
    assert!(
        failure.message.contains("takes 501 where 500 are allowed"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn an_argument_of_megabytes() {
    let tight = Limits {
        argument_bytes: 1 << 20,
        ..limits()
    };
    let guest = Guest::new()
        .memory("200")
        .import(
            "runwright:plugin/files@0.1.0",
            "read",
            "read",
            "(param i32 i32 i32 i32 i32 i32)",
        )
        .run(&format!(
            "(memory.fill (i32.const 65536) (i32.const 47) (i32.const 9000000))
             (call $read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 9000000)
                (i32.const {RETURNED}))
             (i32.const {OK})"
        ));
    let calls = Script::done();
    assert_limit(attack(&guest, tight, &calls).await, "argument-bytes", 1 << 20);
    assert!(calls.requests().is_empty());
}

#[tokio::test]
async fn json_of_megabytes_is_not_read() {
    // In memory, a list of so many numbers would take some fifty times the room of its text.
    let guest = Guest::new()
        .memory("64")
        .logs()
        .import(
            "runwright:plugin/executions@0.1.0",
            "start",
            "begin",
            "(param i32 i32 i32 i32 i32)",
        )
        .run(&format!(
            "(memory.fill (i32.const 65536) (i32.const 91) (i32.const 2000000))
             (call $begin (i32.const {TEXT}) (i32.const 0) (i32.const 65536) (i32.const 2000000)
                (i32.const {RETURNED}))
             ;; An error, and of these the sixth: a limit, whose name is logged.
             (if (i32.ne (i32.load8_u (i32.const {RETURNED})) (i32.const 1)) (then (unreachable)))
             (if (i32.ne (i32.load8_u offset=8 (i32.const {RETURNED})) (i32.const 5)) (then (unreachable)))
             (call $log (i32.const 1) (i32.load offset=16 (i32.const {RETURNED}))
                (i32.load offset=20 (i32.const {RETURNED})))
             (i32.const {OK})"
        ));
    let calls = Script::done();
    outputs(attack(&guest, limits(), &calls).await);
    assert!(calls.requests().is_empty());
    assert_eq!(calls.texts(), ["json-bytes"]);
}
