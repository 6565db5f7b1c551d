//! `rw:script`: JavaScript in the sandbox. `cargo xtask script` builds the component; without it the tests say so and pass.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::{
    fs::DirBuilder,
    os::unix::fs::{DirBuilderExt as _, symlink},
    path::{Path, PathBuf},
};

use runwright::{
    Engine, Runbook, Source, StartRequest, Until,
    model::{event::Mode, failure::FailureKind, log::LogLine, status::Status},
    view::ExecutionView,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The folder with `script.wasm`, under the target directory that this test is in.
fn plugins() -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap();
    let folders = program.ancestors().map(|folder| folder.join("plugins"));
    let found = folders.into_iter().find(|folder| folder.join("script.wasm").is_file());
    if found.is_none() {
        println!("skipped: `cargo xtask script` builds what this needs");
    }
    found
}

struct World {
    engine: Engine,
    _state: TempDir,
}

impl World {
    async fn open() -> Option<Self> {
        let state = TempDir::new().unwrap();
        // Compiling the component takes a while; all tests share what came of it.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-script");
        DirBuilder::new().recursive(true).mode(0o700).create(&cache).unwrap();
        symlink(cache, state.path().join("cache")).unwrap();
        let engine = Engine::builder().state_dir(state.path()).plugins(vec![plugins()?]);
        let engine = engine.open().await.unwrap();
        Some(Self { engine, _state: state })
    }

    /// Runs a script in a step `S` with these further keys, until the execution has ended.
    async fn run(&self, script: &str, inputs: Value, keys: &str) -> ExecutionView {
        let mut all = json!({ "Script": script });
        all.as_object_mut().unwrap().extend(inputs.as_object().unwrap().clone());
        let text = format!("schemaVersion: '0.3'\nmainSteps:\n- name: S\n  action: rw:script\n  inputs: {all}\n{keys}");
        let source = Source {
            name: "test".into(),
            origin: "test.yaml".into(),
            text,
        };
        let compiled = self.engine.library().compile(&source, Path::new(".")).await;
        let request = StartRequest {
            runbook: Runbook {
                source,
                path: None,
                compiled,
            },
            parameters: Map::new(),
            id: None,
            by: "kim".into(),
            mode: Mode::Auto,
        };
        let id = self.engine.start(request).await.unwrap().id;
        self.engine.wait(&id, Until::Ended).await.unwrap()
    }

    /// What a script without inputs returns.
    async fn returned(&self, script: &str) -> Value {
        let view = self.run(script, json!({}), "").await;
        assert_eq!(view.status, Status::Success, "{script}: {view:#?}");
        view.steps[0].outputs.get("Payload").cloned().unwrap_or_default()
    }

    /// How a script without inputs fails.
    async fn fails(&self, script: &str) -> (FailureKind, String) {
        let view = self.run(script, json!({}), "").await;
        failure(&view)
    }

    async fn log(&self, view: &ExecutionView) -> Vec<String> {
        let lines: Vec<(u64, LogLine)> = self.engine.logs(&view.id, 0, 1_000).await.unwrap();
        lines.into_iter().map(|(_, line)| line.text).collect()
    }
}

fn failure(view: &ExecutionView) -> (FailureKind, String) {
    let failure = view.steps[0].failure.clone().unwrap_or_else(|| panic!("{view:#?}"));
    (failure.kind, failure.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_takes_payload_and_context_and_returns_json() {
    let Some(world) = World::open().await else { return };
    let script =
        "const twice = n => n * 2;\nconst main = (payload, context) => ({n: twice(payload.n), where: context});\n";
    let keys = "  outputs: [{Name: N, Selector: $.Payload.n, Type: Integer}]\n";
    let view = world
        .run(script, json!({"Handler": "main", "InputPayload": {"n": 21}}), keys)
        .await;
    let outputs = &view.steps[0].outputs;
    assert_eq!(outputs["N"], 42, "{view:#?}");
    assert_eq!(outputs["OutputPayload"], json!({ "Payload": outputs["Payload"] }));
    assert_eq!(
        outputs["Payload"]["where"],
        json!({
            "automation:EXECUTION_ID": view.id.as_str(),
            "global:REGION": "local",
            "global:ACCOUNT_ID": "000000000000",
            "global:AWS_PARTITION": "aws",
        })
    );
    assert_eq!(world.returned("function handler() {}").await, Value::Null);
    assert_eq!(world.returned("var handler = () => 'ä✓😀'").await, "ä✓😀");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_writes_is_in_the_step_s_log() {
    let Some(world) = World::open().await else { return };
    let script = "function handler() { console.log('a', 1, {b: [true, null]}); console.error('two\\nlines'); }";
    let view = world.run(script, json!({}), "").await;
    assert_eq!(world.log(&view).await, ["a 1 {\"b\":[true,null]}", "two", "lines"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_the_script_s_own_lines() {
    let Some(world) = World::open().await else { return };
    let (kind, message) = world
        .fails("function inner() {\n  throw new TypeError('no good');\n}\n\nfunction handler() {\n  inner();\n}\n")
        .await;
    assert_eq!(kind, FailureKind::Failed);
    assert!(message.starts_with("TypeError: no good"), "{message}");
    assert!(message.contains("inner (script.js:2"), "{message}");
    assert!(message.contains("handler (script.js:6"), "{message}");

    let (kind, message) = world.fails("function handler() {\n  return (;\n}\n").await;
    assert_eq!(kind, FailureKind::InvalidInput);
    assert!(message.starts_with("SyntaxError: "), "{message}");
    assert!(message.contains("script.js:2"), "{message}");

    let (_, message) = world.fails("const handler = () => undefinedName.x").await;
    assert!(message.starts_with("ReferenceError: "), "{message}");
    let (kind, message) = world.fails("function handler() { fail('the disk is full') }").await;
    assert_eq!((kind, message.as_str()), (FailureKind::Failed, "the disk is full"));
    let (_, message) = world
        .fails("function handler() { throw {kind: 'odd', message: 7} }")
        .await;
    assert_eq!(message, "The script threw {\"kind\":\"odd\",\"message\":7}.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_handler_can_be_is_said() {
    let Some(world) = World::open().await else { return };
    let (kind, message) = world.fails("function other() {}").await;
    assert_eq!(kind, FailureKind::InvalidInput);
    assert!(message.contains("has no function `handler`"), "{message}");
    let (_, message) = world.fails("async function handler() {}").await;
    assert!(message.contains("returned a promise"), "{message}");
    let (_, message) = world
        .fails("const handler = () => { const a = {}; a.a = a; return a }")
        .await;
    assert!(message.contains("cannot be written as JSON"), "{message}");
    let (kind, message) = world.fails("const handler = () => 'ä'.repeat(100 * 1024)").await;
    assert_eq!(kind, FailureKind::LimitExceeded);
    assert!(
        message.contains("204802 bytes of JSON, where 102400 are allowed"),
        "{message}"
    );
    let view = world.run("", json!({"Handler": "a; evil()"}), "").await;
    assert!(failure(&view).1.contains("cannot be one"), "{view:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_but_the_language() {
    let Some(world) = World::open().await else { return };
    let names = "fetch XMLHttpRequest require process Deno std os setTimeout WebAssembly Worker wit __cqjs";
    let script =
        format!("const handler = () => '{names}'.split(' ').filter(name => typeof globalThis[name] !== 'undefined')");
    assert_eq!(world.returned(&script).await, json!([]));
    let script =
        "function handler() { try { return typeof action + typeof waits + typeof log } catch (e) { return `${e}` } }";
    assert_eq!(world.returned(script).await, "undefinedundefinedundefined");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleep_is_durable_and_chance_is_the_same_in_the_replay() {
    let Some(world) = World::open().await else { return };
    let script = "function handler() {
  const before = [Math.random(), Math.random()];
  console.log(JSON.stringify(before));
  const from = Date.now();
  sleep(1.5);
  return {before, after: Math.random(), slept: Date.now() - from};
}";
    let first = world.run(script, json!({}), "").await;
    let payload = &first.steps[0].outputs["Payload"];
    assert_eq!(
        world.log(&first).await,
        [payload["before"].to_string()],
        "once, and the same"
    );
    assert!(payload["slept"].as_u64().unwrap() >= 1_500, "{payload}");
    let second = world.run(script, json!({}), "").await;
    assert_ne!(payload["before"], second.steps[0].outputs["Payload"]["before"]);
    assert_ne!(payload["before"][0], payload["before"][1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_asks_for_too_much_is_stopped_and_named() {
    let Some(world) = World::open().await else { return };
    let view = world
        .run("function handler() { for (;;); }", json!({}), "  timeoutSeconds: 1\n")
        .await;
    assert_eq!(view.steps[0].status, Status::TimedOut, "{view:#?}");
    let (_, message) = world.fails("function handler() { return handler() }").await;
    assert!(message.contains("RangeError") || message.contains("stack"), "{message}");
    let (_, message) = world
        .fails("function handler() { const all = []; for (;;) all.push(new Array(100000).fill(1)); }")
        .await;
    assert!(message.contains("memory"), "{message}");
}
