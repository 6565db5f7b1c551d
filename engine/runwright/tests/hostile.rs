//! A hostile plugin in a whole engine: its execution fails for a reason that names the limit, others go on, and the
//! engine can be closed and opened again. The limits are the operator's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{fs, path::Path};

use runwright::{
    Engine, Runbook, Source, StartRequest, Until,
    model::{event::Mode, failure::FailureKind, id::ExecutionId, status::Status},
    view::ExecutionView,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// As a runbook gives them.
fn grants() -> Value {
    json!({"blobs": true, "files": {"read": ["/tmp/runwright-nobody"]}})
}

/// A runbook with one step of the plugin that does what it is told.
fn hostile(inputs: &Value) -> String {
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/tests/kept/0.1.0/misbehave.wasm");
    let document = json!({
        "schemaVersion": "0.3",
        "plugins": {"test:misbehave": {"path": plugin, "grants": grants()}},
        "mainSteps": [{"name": "attack", "action": "test:misbehave", "inputs": inputs}],
    });
    document.to_string()
}

const NEIGHBOUR: &str = "schemaVersion: '0.3'
mainSteps:
- {name: A, action: 'rw:shell', inputs: {Arguments: [echo, one]}}
- {name: B, action: 'aws:sleep', inputs: {Duration: PT0.2S}}
- {name: C, action: 'rw:shell', inputs: {Arguments: [echo, two]}}
";

async fn start(engine: &Engine, text: &str) -> ExecutionId {
    let source = Source {
        name: "test".into(),
        origin: "test.yaml".into(),
        text: text.to_owned(),
    };
    let compiled = engine.library().compile(&source, Path::new(".")).await;
    assert!(compiled.plan.is_some(), "{:#?}", compiled.diagnostics);
    let runbook = Runbook {
        source,
        path: None,
        compiled,
    };
    let request = StartRequest {
        runbook,
        parameters: Map::new(),
        id: None,
        by: "kim".into(),
        mode: Mode::Auto,
    };
    engine.start(request).await.unwrap().id
}

async fn ended(engine: &Engine, id: &ExecutionId) -> ExecutionView {
    engine.wait(id, Until::Ended).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attack_ends_alone() {
    let state = TempDir::new().unwrap();
    let policy = "[limits]\ncall-cpu-ms = 1500\nmemory-bytes = 50000000\ncalls = 200\nsent-bytes = 30000000\n";
    fs::write(state.path().join("runwright.toml"), policy).unwrap();
    let engine = Engine::builder()
        .state_dir(state.path())
        .in_memory()
        .open()
        .await
        .unwrap();
    let attacks = [
        (json!({"do": "loop"}), "call-cpu-ms", "1500"),
        (json!({"do": "alloc", "bytes": 400_000_000}), "memory-bytes", "50000000"),
        (json!({"do": "many-calls", "times": 100_000}), "calls", "200"),
        (
            json!({"do": "big-argument", "bytes": 25_000_000}),
            "sent-bytes",
            "30000000",
        ),
        (json!({"do": "huge", "bytes": 5_000_000}), "output-bytes", "1048576"),
    ];
    let mut ids = Vec::new();
    for (inputs, ..) in &attacks {
        ids.push(start(&engine, &hostile(inputs)).await);
    }
    let neighbour = start(&engine, NEIGHBOUR).await;
    assert_eq!(ended(&engine, &neighbour).await.status, Status::Success);
    for (id, (_, limit, value)) in ids.iter().zip(&attacks) {
        let view = ended(&engine, id).await;
        assert_eq!(view.status, Status::Failed, "{limit}");
        let failure = view.steps[0].failure.clone().unwrap();
        assert_eq!(failure.kind, FailureKind::LimitExceeded, "{}", failure.message);
        for part in [
            &format!("Limit `{limit}` exceeded"),
            *value,
            "`run` of the plugin of test:misbehave",
        ] {
            assert!(failure.message.contains(part), "{part}: {}", failure.message);
        }
        assert!(failure.message.len() < 8_000, "{limit}");
    }
    let after = start(&engine, NEIGHBOUR).await;
    assert_eq!(ended(&engine, &after).await.status, Status::Success);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_larger_than_a_record_of_the_journal_is_kept() {
    let state = TempDir::new().unwrap();
    let engine = Engine::builder().state_dir(state.path()).open().await.unwrap();
    let id = start(&engine, &hostile(&json!({"do": "big-argument", "bytes": 40_000_000}))).await;
    let view = ended(&engine, &id).await;
    assert_eq!(view.status, Status::Success, "{view:#?}");
    assert_eq!(view.steps[0].outputs["kept"], json!(true));
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_of_any_kind_are_answered() {
    let state = TempDir::new().unwrap();
    let engine = Engine::builder().state_dir(state.path()).open().await.unwrap();
    let path = format!("/{}", "x".repeat(900_000));
    // Grants are checked, and a denial is journalled with the call, however long its path is.
    let request = json!({"files": {"read": {"on": null, "path": path}}});
    let id = start(&engine, &hostile(&json!({"do": "call", "request": request}))).await;
    let view = ended(&engine, &id).await;
    assert_eq!(view.status, Status::Success, "{view:#?}");
    let outside = ["/../../etc/shadow", "relative", "/tmp/\0", "/proc/self/mem", ""];
    for path in outside {
        let request = json!({"files": {"read": {"on": null, "path": path}}});
        let id = start(&engine, &hostile(&json!({"do": "call", "request": request}))).await;
        let view = ended(&engine, &id).await;
        let outcome = &view.steps[0].outputs;
        assert!(outcome.contains_key("Err"), "{path:?}: {outcome:?}");
    }
    engine.close().await.unwrap();
}
