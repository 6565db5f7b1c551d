//! The operator's policy, with the plugins that come with the engine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{fs, path::Path};

use runwright::{
    Engine, Runbook, Source, StartRequest, Until,
    model::{event::Mode, failure::FailureKind, status::Status},
    view::ExecutionView,
};
use serde_json::Map;
use tempfile::TempDir;

const RUNBOOK: &str = "schemaVersion: '0.3'
mainSteps:
- {name: A, action: 'rw:shell', inputs: {Arguments: [echo, fine]}}
- {name: B, action: 'rw:shell', inputs: {Arguments: [echo, other]}}
";

async fn run(engine: &Engine) -> ExecutionView {
    let source = Source {
        name: "test".into(),
        origin: "test.yaml".into(),
        text: RUNBOOK.into(),
    };
    let compiled = engine.library().compile(&source, Path::new(".")).await;
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
    let id = engine.start(request).await.unwrap().id;
    engine.wait(&id, Until::Ended).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_does_not_allow_is_denied_and_says_where() {
    let state = TempDir::new().unwrap();
    let file = state.path().join("runwright.toml");
    fs::write(
        &file,
        "[[plugins]]\naction = 'rw:shell'\ngrants = {commands = ['echo fine']}\n",
    )
    .unwrap();
    let engine = Engine::builder().state_dir(state.path()).open().await.unwrap();
    let view = run(&engine).await;
    assert_eq!(view.status, Status::Failed, "{view:#?}");
    assert_eq!(view.steps[0].status, Status::Success, "{view:#?}");
    let failure = view.steps[1].failure.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::Denied);
    let missing = format!("commands: [echo other] in the operator's policy {}", file.display());
    assert!(failure.message.contains(&missing), "{}", failure.message);
    engine.close().await.unwrap();

    fs::write(&file, "[[plugin]]\n").unwrap();
    let refused = Engine::builder().state_dir(state.path()).open().await.err().unwrap();
    assert_eq!(refused.code(), Some("RW-C907"), "{refused}");

    fs::remove_file(&file).unwrap();
    let engine = Engine::builder().state_dir(state.path()).open().await.unwrap();
    assert_eq!(run(&engine).await.status, Status::Success);
}
