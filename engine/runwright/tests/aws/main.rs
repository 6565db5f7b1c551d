//! Runbooks that act on AWS and run Python, against a stand-in: `cargo xtask aws` builds the component and starts it.
//!
//! Without `RUNWRIGHT_TEST_AWS` (its address) and `RUNWRIGHT_TEST_PLUGINS` (the component's folder) the tests say so and pass.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod actions;
mod attachments;
mod documents;
mod nodes;
mod parameters;
mod scenario;
mod scripts;
mod wild;

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, symlink},
    path::Path,
};

use runwright::{
    Engine, Source, StartRequest, Until,
    model::{id::ExecutionId, status::Status},
    view::ExecutionView,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

/// An engine with access to the stand-in.
struct World {
    engine: Engine,
    _state: TempDir,
}

impl World {
    /// `None` when the tests were not called by `cargo xtask aws`.
    async fn open() -> Option<Self> {
        let (Some(plugins), Some(_)) = (
            std::env::var_os("RUNWRIGHT_TEST_PLUGINS"),
            std::env::var_os("RUNWRIGHT_TEST_AWS"),
        ) else {
            println!("skipped: `cargo xtask aws` has what this needs");
            return None;
        };
        let state = state();
        let engine = Engine::builder()
            .state_dir(state.path())
            .plugins(vec![plugins.into()])
            .aws(true);
        let engine = engine.open().await.unwrap();
        Some(Self { engine, _state: state })
    }

    /// Runs a document until it has ended.
    async fn run(&self, document: &str) -> ExecutionView {
        self.run_with(document, Value::Object(Map::new())).await
    }

    async fn run_with(&self, document: &str, parameters: Value) -> ExecutionView {
        let text = format!("schemaVersion: '0.3'\n{document}");
        self.run_whole(&text, parameters).await.unwrap()
    }

    /// The same for a whole document; `Err` when it cannot be started.
    async fn run_whole(&self, text: &str, parameters: Value) -> Result<ExecutionView, runwright::Error> {
        let id = self.start(text, parameters).await?;
        self.engine.wait(&id, Until::Ended).await
    }

    async fn start(&self, text: &str, parameters: Value) -> Result<ExecutionId, runwright::Error> {
        let source = Source {
            name: "test".into(),
            origin: "test.yaml".into(),
            text: text.to_owned(),
        };
        let compiled = self.engine.library().compile(&source, Path::new(".")).await;
        let runbook = runwright::Runbook {
            source,
            path: None,
            compiled,
        };
        self.begin(runbook, parameters).await
    }

    async fn begin(&self, runbook: runwright::Runbook, parameters: Value) -> Result<ExecutionId, runwright::Error> {
        let parameters = parameters.as_object().unwrap().clone();
        let request = StartRequest {
            runbook,
            parameters,
            id: None,
            by: "kim".into(),
            mode: runwright::model::event::Mode::Auto,
        };
        Ok(self.engine.start(request).await?.id)
    }
}

/// A state directory. Compiling the component takes a while; all tests share what came of it.
fn state() -> TempDir {
    let state = TempDir::new().unwrap();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&cache)
        .unwrap();
    symlink(cache, state.path().join("cache")).unwrap();
    state
}

/// Fails with all that the execution says, unless it ended well.
#[track_caller]
fn succeeded(view: &ExecutionView) -> &ExecutionView {
    assert_eq!(view.status, Status::Success, "{view:#?}");
    view
}

/// An output of a step.
#[track_caller]
fn output(view: &ExecutionView, step: &str, name: &str) -> Value {
    let step = view.steps.iter().find(|found| found.name == step).unwrap();
    step.outputs
        .get(name)
        .unwrap_or_else(|| panic!("no {name}: {step:#?}"))
        .clone()
}
