//! What crosses the boundary, wrong: pointers, lengths, texts, discriminants, handles, re-entrance.

use runwright_model::{capability::Answer, failure::FailureKind, invocation::Invoked};
use serde_json::json;

use super::{assert_beaten, attack, beaten, limits};
use crate::{
    common::{Script, assert_limit},
    guest::{Guest, OK, RETURNED, Says, TEXT},
};

const NO_UTF8: [&[u8]; 4] = [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"];

/// A guest that logs a text of this length at this address.
fn logging(address: u32, length: u32) -> Guest {
    let (address, length) = (address as i32, length as i32);
    Guest::new().logs().run(&format!(
        "(call $log (i32.const 1) (i32.const {address}) (i32.const {length})) (i32.const {OK})"
    ))
}

/// One that keeps a blob of this length at this address.
fn keeping(address: u32, length: u32) -> Guest {
    let (address, length) = (address as i32, length as i32);
    Guest::new()
        .import("runwright:plugin/blobs@0.1.0", "put", "put", "(param i32 i32 i32)")
        .run(&format!(
            "(call $put (i32.const {address}) (i32.const {length}) (i32.const {RETURNED})) (i32.const {OK})"
        ))
}

#[tokio::test]
async fn texts_and_lists_that_are_nowhere() {
    for (address, length) in [
        (0, 1 << 31),
        (u32::MAX, 1),
        (u32::MAX - 7, u32::MAX),
        (4 << 16, 1),
        (0, (4 << 16) + 1),
    ] {
        assert_beaten(&logging(address, length), "RW-H030", "out of bounds").await;
        let failure = beaten(&keeping(address, length)).await;
        assert_eq!(failure.kind, FailureKind::Plugin, "{}", failure.message);
    }
}

#[tokio::test]
async fn results_that_are_nowhere() {
    for result in [i32::MAX, -4, 4 << 16] {
        let guest = Guest::new().run(&format!("(i32.const {result})"));
        assert_beaten(&guest, "RW-H030", "broke the rules").await;
    }
    assert_beaten(&Guest::new().run("(i32.const 513)"), "RW-H030", "align").await;
    for (address, length) in [(0, 1 << 31), (u32::MAX, 2), (0, u32::MAX)] {
        let guest = Guest::new().returns(&[0, address, length]);
        assert_beaten(&guest, "RW-H030", "out of bounds").await;
    }
}

#[tokio::test]
async fn a_result_that_is_all_of_its_memory() {
    let guest = Guest::new().memory("160").returns(&[0, 0, 160 << 16]);
    let mut tight = limits();
    tight.argument_bytes = 1 << 20;
    assert_limit(attack(&guest, tight, &Script::done()).await, "output-bytes", 1 << 20);
}

#[tokio::test]
async fn variants_that_do_not_exist() {
    for result in [
        &[9][..],
        // A failure of a kind that there is not.
        &[1, 99, TEXT, 0, 0, 0],
        // Details that are neither there nor not.
        &[1, 1, TEXT, 0, 0, 7, TEXT, 0],
    ] {
        assert_beaten(&Guest::new().returns(result), "RW-H030", "discriminant").await;
    }
    let level = Guest::new().logs().run(&format!(
        "(call $log (i32.const 77) (i32.const {TEXT}) (i32.const 0)) (i32.const {OK})"
    ));
    assert_beaten(&level, "RW-H030", "discriminant").await;
}

#[tokio::test]
async fn texts_that_are_no_utf8() {
    for bytes in NO_UTF8 {
        let length = u32::try_from(bytes.len()).unwrap();
        let whole = [0, TEXT, length];
        let failure = [1, 1, TEXT, length, 0, 0, 0, 0];
        let details = [1, 1, TEXT, 0, 0, 1, TEXT, length];
        for guest in [
            logging(TEXT, length),
            Guest::new().returns(&whole),
            Guest::new().returns(&failure),
            Guest::new().returns(&details),
            Guest::new()
                .import("runwright:plugin/blobs@0.1.0", "size", "size", "(param i32 i32 i32)")
                .run(&format!(
                    "(call $size (i32.const {TEXT}) (i32.const {length}) (i32.const {RETURNED})) (i32.const {OK})"
                )),
            Guest::new()
                .import(
                    "runwright:plugin/files@0.1.0",
                    "read",
                    "read",
                    "(param i32 i32 i32 i32 i32 i32)",
                )
                .run(&format!(
                    "(call $read (i32.const 1) (i32.const {TEXT}) (i32.const {length}) (i32.const {TEXT}) (i32.const 0)
                     (i32.const {RETURNED})) (i32.const {OK})"
                )),
        ] {
            assert_beaten(&guest.text(bytes), "RW-H030", "utf-8").await;
        }
    }
}

#[tokio::test]
async fn a_manifest_that_is_no_utf8() {
    let wrong: [fn(&mut Says) -> &mut Vec<u8>; 4] = [
        |says| &mut says.action,
        |says| &mut says.description,
        |says| &mut says.inputs,
        |says| &mut says.outputs,
    ];
    for field in wrong {
        let mut says = Says::default();
        *field(&mut says) = NO_UTF8[0].to_vec();
        let host = crate::common::host_with(limits());
        let component = host.load(Guest::new().says(&says).component()).await.unwrap();
        let error = host.describe(&component).await.unwrap_err();
        assert_eq!(error.code(), "RW-H012");
        assert!(error.to_string().contains("utf-8"), "{error}");
    }
}

#[tokio::test]
async fn allocations_that_are_elsewhere() {
    for (place, part) in [
        ("-8", "out of bounds"),
        ("2147483647", "out of bounds"),
        ("262143", "out of bounds"),
    ] {
        let guest = Guest::new().realloc(&format!("(i32.const {place})"));
        let failure = beaten(&guest).await;
        assert_eq!(failure.code.as_deref(), Some("RW-H030"), "{part}: {}", failure.message);
    }
    // A list of pairs wants a place that four divides.
    let crooked = Guest::new()
        .import("runwright:plugin/step@0.1.0", "globals", "globals", "(param i32)")
        .realloc("(i32.const 70001)")
        .run(&format!("(call $globals (i32.const {RETURNED})) (i32.const {OK})"));
    assert_beaten(&crooked, "RW-H030", "align").await;
}

#[tokio::test]
async fn allocations_over_what_is_in_use() {
    // The host writes where it was told to, and nowhere else: the guest only harms itself.
    let guest = Guest::new().realloc(&format!("(i32.const {OK})"));
    match attack(&guest, limits(), &Script::done()).await {
        Invoked::Returned(_) | Invoked::Failed(_) => {}
        Invoked::Suspended => panic!("nothing waits"),
    }
}

#[tokio::test]
async fn a_call_from_within_the_allocator() {
    let guest = Guest::new()
        .logs()
        .realloc("(call $log (i32.const 1) (i32.const 512) (i32.const 0)) (i32.const 70000)");
    let failure = beaten(&guest).await;
    assert_eq!(failure.kind, FailureKind::Plugin, "{}", failure.message);
    assert!(
        failure.message.contains("cannot leave component"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_call_from_after_the_end() {
    let calls = Script::done();
    let guest = Guest::new()
        .import("runwright:plugin/blobs@0.1.0", "size", "size", "(param i32 i32 i32)")
        .post(&format!(
            "(call $size (i32.const {TEXT}) (i32.const 0) (i32.const {RETURNED}))"
        ));
    let failure = crate::common::failure(attack(&guest, limits(), &calls).await);
    assert!(
        failure.message.contains("cannot leave component"),
        "{}",
        failure.message
    );
    assert!(calls.requests().is_empty());
}

/// A guest with streams: `$stdout` makes one, `$check` uses it, `$drop` gives it back.
fn with_streams() -> Guest {
    Guest::new()
        .import("wasi:cli/stdout@0.2.0", "get-stdout", "stdout", "(result i32)")
        .import(
            "wasi:io/streams@0.2.0",
            "[method]output-stream.check-write",
            "check",
            "(param i32 i32)",
        )
        .import(
            "wasi:io/streams@0.2.0",
            "[resource-drop]output-stream",
            "drop",
            "(param i32)",
        )
        .import(
            "wasi:clocks/monotonic-clock@0.2.0",
            "subscribe-duration",
            "timer",
            "(param i64) (result i32)",
        )
}

#[tokio::test]
async fn handles_that_are_forged_or_gone() {
    for handle in [0, 1, 7, -1, i32::MAX, 1 << 28] {
        for body in [
            format!("(call $check (i32.const {handle}) (i32.const {RETURNED}))"),
            format!("(call $drop (i32.const {handle}))"),
        ] {
            let guest = with_streams().run(&format!("{body} (i32.const {OK})"));
            assert_beaten(&guest, "RW-H030", "handle").await;
        }
    }
    let twice = "(local $s i32) (local.set $s (call $stdout)) (call $drop (local.get $s))";
    for after in [
        "(call $drop (local.get $s))".to_owned(),
        format!("(call $check (local.get $s) (i32.const {RETURNED}))"),
    ] {
        let guest = with_streams().run(&format!("{twice} {after} (i32.const {OK})"));
        assert_beaten(&guest, "RW-H030", "handle").await;
    }
    // A timer is no stream.
    let guest = with_streams().run(&format!(
        "(call $check (call $timer (i64.const 5)) (i32.const {RETURNED})) (i32.const {OK})"
    ));
    assert_beaten(&guest, "RW-H030", "handle").await;
}

#[tokio::test]
async fn handles_without_end() {
    for made in ["(call $stdout)", "(call $timer (i64.const 1))"] {
        let guest = with_streams().run(&format!("(loop $again (drop {made}) (br $again)) (unreachable)"));
        let failure = super::assert_stopped_by(&guest, "handles").await;
        assert!(failure.message.contains("10000"), "{}", failure.message);
    }
    // Who gives them back may have as many as time allows.
    let polite = with_streams().run(&format!(
        "(local $n i32)
         (loop $again (call $drop (call $stdout)) (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 30000))))
         (i32.const {OK})"
    ));
    assert_eq!(
        crate::common::outputs(attack(&polite, limits(), &Script::done()).await),
        json!({})
    );
}

#[tokio::test]
async fn answers_are_for_the_guest_that_asked() {
    // The answer is written into the guest's memory where the guest said: out of it is an end.
    let guest = Guest::new()
        .import("runwright:plugin/blobs@0.1.0", "size", "size", "(param i32 i32 i32)")
        .run(&format!(
            "(call $size (i32.const {TEXT}) (i32.const 0) (i32.const -16)) (i32.const {OK})"
        ));
    let calls = Script::always(Ok(Answer::Blobs(runwright_model::capability::blobs::Answer::Size(1))));
    let failure = crate::common::failure(attack(&guest, limits(), &calls).await);
    assert_eq!(failure.code.as_deref(), Some("RW-H030"), "{}", failure.message);
}
