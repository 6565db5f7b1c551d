//! The behaviour suite (`sdk/behaviours`) against the plugin of each language's SDK.
//!
//! Rust's is built here. Those of other languages need other compilers: `cargo xtask languages` builds what it can into
//! `target/behaviours/LANGUAGE.wasm`; a language whose component is not there is skipped, and says so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use runwright::Library;

/// The test files of the suite.
const FILES: [&str; 3] = ["behaviours.test.yaml", "ungranted.test.yaml", "narrow.test.yaml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_runwright"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// Scenarios that run again with the engine stopped at each append: those that make calls.
const STOPPED: [&str; 5] = ["command", "replay", "rollback", "approval", "child"];

/// Runs the suite against a component, and answers what did not come as expected.
async fn misses(component: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(root().join("sdk/behaviours")).unwrap() {
        let file = entry.unwrap().path();
        fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    fs::copy(component, folder.path().join("behaviours.wasm")).unwrap();
    let library = Library::open(folder.path().join("state"), vec![folder.path().to_owned()]).unwrap();
    let mut reports = Vec::new();
    for file in FILES {
        reports.push((file, library.test(&folder.path().join(file), None).await));
    }
    for name in STOPPED {
        let report = library.test_with_stops(&folder.path().join(FILES[0]), Some(name)).await;
        let stops: usize = report
            .iter()
            .flat_map(|report| &report.scenarios)
            .map(|it| it.stops)
            .sum();
        assert!(stops > 3, "{name} was stopped after {stops} appends only");
        reports.push((FILES[0], report));
    }
    let mut misses = Vec::new();
    for (file, report) in reports {
        let report = report.unwrap_or_else(|error| panic!("{file}: {:#?}", error.report()));
        for scenario in report.scenarios {
            let name = scenario.name;
            misses.extend(scenario.misses.into_iter().map(|miss| {
                let (what, expected, got) = (miss.what, miss.expected, miss.got);
                format!("{file}, {name}, {what}: expected {expected}, got {got}")
            }));
        }
    }
    misses
}

#[expect(clippy::print_stderr, reason = "who runs the tests must see what was not tested")]
async fn behaves(language: &str) {
    let component = target_dir().join(format!("behaviours/{language}.wasm"));
    if !component.is_file() {
        eprintln!(
            "skipped: there is no {}; `cargo xtask languages` builds it",
            component.display()
        );
        return;
    }
    let misses = misses(&component).await;
    assert!(misses.is_empty(), "{language}:\n{}", misses.join("\n"));
}

/// The plugin in Rust, built where the plugins that come with the engine are built, and put beside those of other languages:
/// the benches find them all there.
fn rust() -> PathBuf {
    let target = target_dir().join("plugins");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root())
        .args(["build", "--quiet", "--lib", "--package", "runwright-behaviours"])
        .args(["--target", "wasm32-wasip2", "--profile", "plugin", "--target-dir"])
        .arg(&target);
    for name in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        cargo.env_remove(name);
    }
    assert!(cargo.status().unwrap().success(), "the plugin in Rust does not compile");
    let component = target_dir().join("behaviours/rust.wasm");
    fs::create_dir_all(component.parent().unwrap()).unwrap();
    fs::copy(
        target.join("wasm32-wasip2/plugin/runwright_behaviours.wasm"),
        &component,
    )
    .unwrap();
    component
}

#[tokio::test]
async fn rust_behaves() {
    let misses = misses(&rust()).await;
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[tokio::test]
async fn python_behaves() {
    behaves("python").await;
}

#[tokio::test]
async fn typescript_behaves() {
    behaves("ts").await;
}

#[tokio::test]
async fn javascript_behaves() {
    behaves("js").await;
}

#[tokio::test]
async fn go_behaves() {
    behaves("go").await;
}

#[tokio::test]
async fn c_behaves() {
    behaves("c").await;
}
