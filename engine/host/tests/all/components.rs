//! Files that are no plugins: each gets the message that helps.

use std::sync::Arc;

use runwright_host::{CODES, Components, Error, Host, Limits, Options};
use runwright_model::{digest::Digest, failure::FailureKind};
use runwright_testguest::COMPONENT;
use serde_json::json;

use crate::common::{Script, Shelf, failure, host, run, uncached};

async fn refused(bytes: Vec<u8>) -> Error {
    host().load(bytes).await.unwrap_err()
}

#[track_caller]
fn assert_says(error: &Error, code: &str, parts: &[&str]) {
    assert_eq!(error.code(), code, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} is not in: {error}");
    }
    assert!(
        CODES
            .iter()
            .any(|(known, page)| *known == code && page.starts_with(&format!("# {code}: ")))
    );
}

#[tokio::test]
async fn files_that_are_no_wasm() {
    assert_says(&refused(Vec::new()).await, "RW-H001", &["empty"]);
    assert_says(&refused(b"#!/bin/sh\n".to_vec()).await, "RW-H001", &["does not begin"]);
    assert_says(
        &refused(b" (component)".to_vec()).await,
        "RW-H001",
        &["text", "wasm-tools parse"],
    );
    assert_says(
        &refused(b"\0asm\x0c\0\x01\0".to_vec()).await,
        "RW-H001",
        &["unknown version"],
    );
}

#[tokio::test]
async fn a_core_module() {
    let module = wat::parse_str("(module)").unwrap();
    assert_says(
        &refused(module).await,
        "RW-H002",
        &["core WebAssembly module", "wasm32-wasip2"],
    );
}

#[tokio::test]
async fn a_truncated_component() {
    for length in [5, 9, 100, COMPONENT.len() / 2, COMPONENT.len() - 1] {
        let error = refused(COMPONENT[..length].to_vec()).await;
        assert_says(&error, "RW-H003", &["damaged", &format!("after {length} bytes")]);
    }
}

#[tokio::test]
async fn a_damaged_component() {
    let mut bytes = COMPONENT.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xff);
    assert_says(&refused(bytes).await, "RW-H003", &["damaged"]);
}

#[tokio::test]
async fn imports_beyond_the_contract() {
    for (import, parts) in [
        (
            "acme:metal/smelter@1.0.0",
            &["wants `acme:metal/smelter@1.0.0`", "offered are", "commands"][..],
        ),
        (
            "runwright:plugin/filez@0.1.0",
            &["did you mean `runwright:plugin/files@0.1.0`?"],
        ),
        (
            "runwright:plugin/files@0.9.0",
            &["wants `runwright:plugin/files@0.9.0`", "`runwright:plugin/files@0.1.0`"],
        ),
        ("wasi:http/outgoing-handler@0.2.0", &["without `wasi:http`"]),
        ("wasi:io/poll@0.3.0", &["wants `wasi:io/poll@0.3.0`"]),
    ] {
        let text = format!(r#"(component (import "{import}" (instance)))"#);
        assert_says(&refused(wat::parse_str(text).unwrap()).await, "RW-H004", parts);
    }
}

#[tokio::test]
async fn components_for_another_world() {
    let empty = wat::parse_str("(component)").unwrap();
    assert_says(
        &refused(empty).await,
        "RW-H005",
        &["exports nothing", "runwright:plugin/action@0.1.0"],
    );
    let program = r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#;
    assert_says(
        &refused(wat::parse_str(program).unwrap()).await,
        "RW-H005",
        &["it is a program"],
    );
    let other = r#"(component (instance $i) (export "acme:a/b@1.0.0" (instance $i)))"#;
    assert_says(
        &refused(wat::parse_str(other).unwrap()).await,
        "RW-H005",
        &["exports `acme:a/b@1.0.0`"],
    );
    let hollow = r#"(component (instance $i) (export "runwright:plugin/action@0.1.0" (instance $i)))"#;
    assert_says(
        &refused(wat::parse_str(hollow).unwrap()).await,
        "RW-H005",
        &["another world"],
    );
}

#[tokio::test]
async fn an_import_of_another_shape() {
    let text = r#"(component (import "runwright:plugin/log@0.1.0" (instance
        (export "write" (func (param "text" string)))))
        (instance $i) (export "runwright:plugin/action@0.1.0" (instance $i)))"#;
    assert_says(
        &refused(wat::parse_str(text).unwrap()).await,
        "RW-H005",
        &["another world"],
    );
}

#[tokio::test]
async fn the_size_is_limited() {
    let used = COMPONENT.len() as u64;
    let allowed = uncached(Limits {
        component_bytes: used,
        ..Limits::default()
    });
    allowed.load(COMPONENT.to_vec()).await.unwrap();
    let host = uncached(Limits {
        component_bytes: used - 1,
        ..Limits::default()
    });
    let error = host.load(COMPONENT.to_vec()).await.unwrap_err();
    assert_says(
        &error,
        "RW-H006",
        &["`component-bytes`", &used.to_string(), &(used - 1).to_string()],
    );
    let failure = failure(run(&host, &Script::done(), json!({"do": "echo"})).await);
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::LimitExceeded, Some("RW-H006"))
    );
}

#[tokio::test]
async fn a_component_nobody_has() {
    let host = Host::new(Options {
        instances: 10,
        ..Options::new(Arc::new(Shelf(Vec::new())))
    })
    .unwrap();
    let failure = failure(run(&host, &Script::done(), json!({"do": "echo"})).await);
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Internal, Some("RW-H007"))
    );
    assert!(failure.message.contains(&Digest::of(COMPONENT).to_string()));
    assert!(!failure.retryable);
}

#[tokio::test]
async fn bytes_under_a_wrong_name_are_not_run() {
    struct Liar;
    #[async_trait::async_trait]
    impl Components for Liar {
        async fn bytes(&self, _: &Digest) -> Option<Vec<u8>> {
            Some(COMPONENT.to_vec())
        }
    }
    let host = Host::new(Options {
        instances: 10,
        ..Options::new(Arc::new(Liar))
    })
    .unwrap();
    let error = host.describe(&Digest::of(b"other")).await.unwrap_err();
    assert_says(&error, "RW-H008", &["will not be run"]);
}

#[test]
fn every_code_has_a_page() {
    for (code, page) in CODES {
        assert!(
            page.starts_with(&format!("# {code}: ")) && page.contains("## What to do"),
            "{code}"
        );
    }
}
