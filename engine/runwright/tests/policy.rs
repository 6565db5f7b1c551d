//! The operator's policy, with the plugins that come with the engine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{fs, path::Path};

use runwright::{
    Engine, Library, PlanRequest, Runbook, Source, StartRequest, Until,
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

async fn compiled(library: &Library, text: &str) -> Runbook {
    let source = Source {
        name: "test".into(),
        origin: "test.yaml".into(),
        text: text.into(),
    };
    let compiled = library.compile(&source, Path::new(".")).await;
    Runbook {
        source,
        path: None,
        compiled,
    }
}

async fn run(engine: &Engine) -> ExecutionView {
    run_text(engine, RUNBOOK).await
}

async fn run_text(engine: &Engine, text: &str) -> ExecutionView {
    let request = StartRequest {
        runbook: compiled(engine.library(), text).await,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_the_operator_allows() {
    let state = TempDir::new().unwrap();
    let file = state.path().join("runwright.toml");
    fs::write(
        &file,
        "[[plugins]]\naction = 'rw:*'\ngrants = {commands = ['echo fine']}\n",
    )
    .unwrap();
    let library = Library::open(state.path().to_owned(), Vec::new()).unwrap();
    let preview = library
        .plan(PlanRequest {
            runbook: compiled(&library, RUNBOOK).await,
            parameters: Map::new(),
            targets: None,
            aws: false,
        })
        .unwrap();
    let permission = &preview.steps[0].permissions[0];
    assert_eq!(permission.granted, ["*"]);
    assert_eq!(permission.at_most[0].policy, file.display().to_string());
    assert_eq!(permission.at_most[0].allowed, ["echo fine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn power_shell_leaves_the_sandbox_only_where_the_runbook_says_so() {
    const STEP: &str = "mainSteps:
- {name: A, action: 'aws:executeScript', inputs: {Runtime: PowerShell 7.4, Script: 'return 1'}}
";
    const GRANT: &str =
        "plugins:\n  rw:powerShell: {grants: {commands: [{run: pwsh, env: [InputPayload, RUNWRIGHT_MARK]}]}}\n";
    let state = TempDir::new().unwrap();
    let engine = Engine::builder().state_dir(state.path()).open().await.unwrap();
    let view = run_text(&engine, &format!("schemaVersion: '0.3'\n{STEP}")).await;
    let failure = view.steps[0].failure.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::Denied);
    assert!(
        failure.message.contains("\"rw:powerShell\": {grants:"),
        "{}",
        failure.message
    );
    let view = run_text(&engine, &format!("schemaVersion: '0.3'\n{GRANT}{STEP}")).await;
    // Where there is no PowerShell, that is what it says.
    match view.steps[0].failure.clone() {
        Some(failure) => assert!(failure.message.contains("there is no PowerShell here"), "{failure:?}"),
        None => assert_eq!(view.status, Status::Success),
    }
    engine.close().await.unwrap();
}
