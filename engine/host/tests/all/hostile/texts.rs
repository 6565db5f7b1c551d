//! Texts that reach people: they are cut, and a terminal does not obey them.

use runwright_model::{failure::FailureKind, invocation::Invoked};
use serde_json::json;

use super::{assert_beaten, attack, beaten, limits};
use crate::{
    common::Script,
    guest::{Guest, TEXT},
};

const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\u{9b}31m\u{202e}txt.exe\u{0}\u{7f}\u{2028}";

#[tokio::test]
async fn the_message_of_a_failure() {
    let length = u32::try_from(EVIL.len()).unwrap();
    let guest = Guest::new()
        .text(EVIL.as_bytes())
        .returns(&[1, 1, TEXT, length, 0, 0, 0, 0]);
    let failure = beaten(&guest).await;
    assert_eq!((failure.kind, failure.code), (FailureKind::Failed, None));
    assert!(
        failure.message.starts_with("\\u{1b}]0;owned\\u{7}"),
        "{}",
        failure.message
    );
    let lines = "first\n\tsecond: Grüße, 世界 🌍, שלום";
    let length = u32::try_from(lines.len()).unwrap();
    let plain = Guest::new()
        .text(lines.as_bytes())
        .returns(&[1, 1, TEXT, length, 0, 0, 0, 0]);
    assert_eq!(beaten_message(&plain).await, lines, "what is harmless stays as it is");
}

async fn beaten_message(guest: &Guest) -> String {
    crate::common::failure(attack(guest, limits(), &Script::done()).await).message
}

#[tokio::test]
async fn a_message_that_is_all_escapes_is_cut_as_well() {
    let evil = "\u{202e}".repeat(8_000);
    let length = u32::try_from(evil.len()).unwrap();
    let guest = Guest::new()
        .text(evil.as_bytes())
        .returns(&[1, 1, TEXT, length, 0, 0, 0, 0]);
    let message = beaten_message(&guest).await;
    assert!(
        message.contains("limit `failure-bytes` exceeded, 24000 bytes"),
        "{message:.200}"
    );
    assert!(message.len() < 3 * 16 * 1024, "{}", message.len());
}

#[tokio::test]
async fn outputs_that_are_nothing_to_work_with() {
    let deep = "[".repeat(20_000);
    let deep_object = "{\"a\":".repeat(5_000);
    for (text, part) in [
        (deep.as_str(), "recursion limit"),
        (deep_object.as_str(), "recursion limit"),
        ("{\"a\": 1e999}", "number out of range"),
        ("{\"a\": NaN}", "no JSON"),
        ("{\"a\": \"\\ud800\"}", "no JSON"),
        ("{} {}", "trailing characters"),
        ("\u{feff}{}", "no JSON"),
        (EVIL, "\\u{1b}]0;owned"),
        ("\"text\"", "not an object"),
    ] {
        let guest = Guest::new()
            .text(text.as_bytes())
            .returns(&[0, TEXT, u32::try_from(text.len()).unwrap()]);
        assert_beaten(&guest, "RW-H015", part).await;
    }
}

#[tokio::test]
async fn outputs_that_say_a_thing_twice() {
    // As everywhere in JSON's world, the last word counts; a number keeps its digits as far as a double has them.
    let text = r#"{"a": 1, "a": {"b": 2}, "n": 123456789012345678901234567890, "__proto__": 1}"#;
    let guest = Guest::new()
        .text(text.as_bytes())
        .returns(&[0, TEXT, u32::try_from(text.len()).unwrap()]);
    let Invoked::Returned(outputs) = attack(&guest, limits(), &Script::done()).await else {
        panic!("it is an object")
    };
    assert_eq!(outputs["a"], json!({"b": 2}));
    assert_eq!(outputs["n"].as_f64(), Some(123_456_789_012_345_678_901_234_567_890.0));
}

#[tokio::test]
async fn names_of_functions_in_a_backtrace() {
    let named = |name: &str| {
        Guest::new()
            .items(&format!("(func $\"{name}\" (unreachable))"))
            .run(&format!("(call $\"{name}\") (unreachable)"))
    };
    assert_beaten(&named(r"\1b[2J\e2\80\ae"), "RW-H014", "\\u{1b}[2J\\u{202e}").await;
    assert_beaten(&named(&"n".repeat(90_000)), "RW-H014", "nnnn …").await;
    // A mangled name of some hundred bytes that stands for more text than there is memory: each parameter is a pair
    // of the one before.
    let digit = |n: usize| {
        char::from_digit(u32::try_from(n).unwrap(), 36)
            .unwrap()
            .to_ascii_uppercase()
    };
    let pairs: String = (0..30).map(|n| format!("S_IS{0}_S{0}_E", digit(n))).collect();
    assert_beaten(&named(&format!("_Z1fSt4pairIiiE{pairs}")), "RW-H014", "It was here:").await;
}
