//! Lies and bombs in what a plugin says of itself.

use runwright_host::Limits;

use super::{assert_readable, limits};
use crate::{
    common::{Script, host_with, outputs, run},
    guest::{Guest, Says},
};

/// Why a manifest is refused.
async fn refused(says: Says, limits: Limits) -> String {
    let host = host_with(limits);
    let component = host.load(Guest::new().says(&says).component()).await.unwrap();
    let error = host.describe(&component).await.unwrap_err();
    assert_eq!(error.code(), "RW-H011", "{error}");
    outputs(run(&host, &Script::done(), serde_json::json!({"do": "echo"})).await);
    let said = error.to_string();
    assert_readable(&said);
    said
}

fn says(change: impl FnOnce(&mut Says)) -> Says {
    let mut says = Says::default();
    change(&mut says);
    says
}

#[tokio::test]
async fn names_that_a_terminal_would_obey() {
    for action in [
        "a:\u{1b}[2J",
        "a:b\0",
        "a:\u{202e}b",
        "../../etc:passwd",
        "a:b\nfake: line",
    ] {
        let said = refused(says(|s| s.action = action.into()), limits()).await;
        assert!(said.contains("the action is called"), "{said}");
    }
    let long = refused(
        says(|s| s.action = format!("a:{}", "b".repeat(20_000)).into()),
        limits(),
    )
    .await;
    assert!(long.contains("bytes more)"), "{long}");
}

#[tokio::test]
async fn texts_of_any_length() {
    let tight = Limits {
        manifest_bytes: 8 * 1024,
        ..limits()
    };
    let said = refused(says(|s| s.description = vec![b'x'; 20_000]), tight).await;
    assert!(said.contains("limit `manifest-bytes` exceeded"), "{said}");
}

#[tokio::test]
async fn schemas_that_are_bombs() {
    let nested = format!(
        "{}{{}}{}",
        r#"{"type":"array","items":"#.repeat(1_000),
        "}".repeat(1_000)
    );
    let said = refused(says(|s| s.inputs = nested.into()), limits()).await;
    assert!(said.contains("recursion limit"), "{said}");
    let choices = vec![r#"{"type":"string"}"#; 100].join(",");
    let many = format!(r#"{{"type":"object","properties":{{"a":{{"anyOf":[{choices}]}}}}}}"#);
    let said = refused(says(|s| s.outputs = many.into()), limits()).await;
    assert!(said.contains("more than 64 alternatives"), "{said}");
    let unknown = format!(r#"{{"type":"object","{}":1}}"#, "k\u{1b}".repeat(5_000));
    refused(says(|s| s.inputs = unknown.into()), limits()).await;
    let twice = r#"{"type":"object","type":"string"}"#;
    let said = refused(says(|s| s.inputs = twice.into()), limits()).await;
    assert!(said.contains("duplicate field"), "{said}");
    refused(
        says(|s| s.inputs = br#"{"type":"object","maxLength":-1}"#.to_vec()),
        limits(),
    )
    .await;
    refused(
        says(|s| s.inputs = br#"{"type":"object","minimum":1e999}"#.to_vec()),
        limits(),
    )
    .await;
}

#[tokio::test]
async fn patterns_that_are_bombs() {
    let bomb = br#"{"type":"object","properties":{"a":{"type":"string","pattern":"((((a{999}){999}){999}){999})*$"}}}"#;
    let said = refused(says(|s| s.inputs = bomb.to_vec()), limits()).await;
    assert!(said.contains("which cannot be used"), "{said}");
}
