//! Files that are no sound component, or one of an absurd shape.

use std::fmt::Write as _;

use super::{assert_readable, assert_refused, beside, limits};
use crate::{
    common::{Script, outputs, run, uncached},
    guest::Guest,
};

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn thousands_of_parts() {
    let repeated = |part: &str, times: usize| format!("(component (core module $m) {})", part.repeat(times));
    let instances = wat(&repeated("(core instance (instantiate $m))", 900));
    let too_many = wat(&repeated("(core instance (instantiate $m))", 5_000));
    assert_refused(too_many, "RW-H003", "exceeds limit").await;
    assert_refused(instances, "RW-H031", "900 core module instances").await;
    let nested = format!(
        "(component (component $c (core module $m) (core instance (instantiate $m))) {})",
        "(instance (instantiate $c))".repeat(900)
    );
    assert_refused(wat(&nested), "RW-H031", "900 core module instances").await;
    let with_memory = "(component (core module $m (memory 1)) (core instance (instantiate $m))".to_owned()
        + &"(core instance (instantiate $m))".repeat(20)
        + ")";
    assert_refused(wat(&with_memory), "RW-H031", "memories").await;
    // What takes no room at run time is no reason to refuse; that there is no action is.
    let types = "(component ".to_owned() + &"(type (list u8))".repeat(50_000) + ")";
    assert_refused(wat(&types), "RW-H005", "exports nothing").await;
    let modules = "(component ".to_owned() + &"(core module)".repeat(500) + ")";
    assert_refused(wat(&modules), "RW-H005", "exports nothing").await;
}

#[tokio::test]
async fn components_in_components() {
    let deep = format!("{}{}", "(component ".repeat(90), ")".repeat(90));
    assert_refused(wat(&deep), "RW-H005", "exports nothing").await;
}

#[tokio::test]
async fn names_of_any_length() {
    let mut text = String::from("(component (instance $i)");
    for number in 0..900 {
        write!(text, "(export \"{}-n{number}\" (instance $i))", "x".repeat(100)).unwrap();
    }
    text.push(')');
    assert_refused(wat(&text), "RW-H005", "bytes more)").await;
    let long = format!("(component (import \"acme:{}/b\" (instance)))", "x".repeat(50_000));
    assert_refused(wat(&long), "RW-H004", "bytes more)").await;
    // The names of a core module are any text.
    let evil = r#"(component (core module (func) (export "\1b[2J" (func 0)) (export "\1b[2J" (func 0))))"#;
    assert_refused(wat(evil), "RW-H003", "\\u{1b}[2J").await;
}

#[tokio::test]
async fn imports_that_nobody_grants() {
    for import in [
        "wasi:http/types@0.2.0",
        "wasi:keyvalue/store@0.2.0",
        "wasi:nn/tensor@0.2.0",
        "wasi:clocks/timezone@0.2.0",
        "runwright:plugin/secrets@0.1.0",
        "runwright:plugin/action@0.1.0",
        "runwright:store/journal@0.1.0",
    ] {
        let text = format!("(component (import \"{import}\" (instance)))");
        assert_refused(wat(&text), "RW-H004", &format!("wants `{import}`")).await;
    }
    assert_refused(wat("(component (import \"run\" (func)))"), "RW-H004", "wants `run`").await;
    // WASI is linked, with other shapes it is not.
    let shaped = "(component (import \"wasi:filesystem/preopens@0.2.0\" (instance (export \"get-directories\"
        (func (result (list string)))))) (instance $i) (export \"runwright:plugin/action@0.1.0\" (instance $i)))";
    assert_refused(wat(shaped), "RW-H005", "another world").await;
}

#[tokio::test]
async fn a_plugin_cut_off_anywhere() {
    let host = uncached(limits());
    let whole = Guest::new().component();
    for length in (0..whole.len()).step_by(13) {
        let error = host.load(whole[..length].to_vec()).await.unwrap_err();
        assert_readable(&error.to_string());
    }
    outputs(run(&host, &Script::done(), serde_json::json!({"do": "echo"})).await);
}

#[tokio::test]
async fn a_plugin_with_one_bit_turned() {
    let host = uncached(limits());
    let whole = Guest::new().logs().component();
    let mut loaded = 0;
    for bit in (0..whole.len() * 8).step_by(61) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match host.load(bytes).await {
            Err(error) => assert_readable(&error.to_string()),
            Ok(component) => {
                loaded += 1;
                let _ = host.describe(&component).await;
                let _ = beside(&host, component, &Script::done()).await;
            }
        }
    }
    assert!(loaded > 0, "some bits do not matter");
}
