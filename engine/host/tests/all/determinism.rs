//! The same call finds the same world, and an empty one.

use runwright_model::invocation::{Invocation, Invoker};
use serde_json::{Value, json};

use crate::common::{START, Script, host, invocation, outputs};

async fn with_key(key: &str, inputs: Value) -> Value {
    let invocation = Invocation {
        idempotency_key: key.into(),
        ..invocation(inputs)
    };
    outputs(host().invoke(invocation, Script::done()).await)
}

#[tokio::test]
async fn random_bytes_depend_on_the_key_alone() {
    let inputs = json!({"do": "random"});
    let first = with_key("k", inputs.clone()).await;
    assert_eq!(first["secure"], true);
    assert_eq!(with_key("k", inputs.clone()).await, first);
    let other = with_key("l", inputs).await;
    assert_ne!(other["bytes"], first["bytes"]);
    assert_ne!(other["hash"], first["hash"]);
}

#[tokio::test]
async fn clocks_stand() {
    let clock = with_key("k", json!({"do": "clock"})).await;
    assert_eq!(clock, json!({"wall-ms": START, "moved-ns": 0}));
}

#[tokio::test]
async fn the_world_is_empty() {
    let world = with_key("k", json!({"do": "world"})).await;
    assert_eq!(world["variables"], 0);
    assert_eq!(world["arguments"], 0);
    assert_eq!(world["stdin"], "0 bytes");
    for attempt in ["read", "list", "write", "connect", "listen", "datagram", "lookup"] {
        assert!(world[attempt].is_string(), "{attempt} did not fail: {world}");
    }
    assert_eq!(with_key("k", json!({"do": "world"})).await, world);
}
