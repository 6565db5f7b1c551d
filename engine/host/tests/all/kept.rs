//! Plugins that were built for released versions of the contract, kept as they were: they run on every later host.
//!
//! `kept/VERSION/` holds the components, their digests in `SHA256SUMS`, and the contract as it was released in `wit/`.
//! Nothing there is ever built again or changed; a new version is a new folder.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use runwright_model::{
    action::Impact,
    capability::{Answer, Capability, Error, Request, aws, files, waits},
    digest::Digest,
    event::Phase,
    invocation::{Called, Done, Invocation, Invoked, Invoker},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::common::{Script, host, invocation, outputs};

/// The versions that are released.
const RELEASED: [&str; 1] = ["0.1.0"];

fn folder(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/kept")
        .join(version)
}

/// A kept component, loaded.
async fn kept(version: &str, name: &str) -> (runwright_host::Host, Digest) {
    let host = host();
    let bytes = fs::read(folder(version).join(name)).unwrap();
    let digest = host.load(bytes).await.unwrap();
    (host, digest)
}

fn call(component: Digest, inputs: Value) -> Invocation {
    Invocation {
        component,
        ..invocation(inputs)
    }
}

#[test]
fn what_is_kept_is_what_was_kept() {
    for version in RELEASED {
        let sums = fs::read_to_string(folder(version).join("SHA256SUMS")).unwrap();
        let mut known: Vec<&str> = Vec::new();
        for line in sums.lines() {
            let (sum, name) = line.split_once("  ").unwrap();
            let bytes = fs::read(folder(version).join(name)).unwrap();
            assert_eq!(
                Digest::of(&bytes).to_string(),
                format!("sha256:{sum}"),
                "{name} was changed"
            );
            known.push(name);
        }
        for entry in fs::read_dir(folder(version)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                ["SHA256SUMS", "wit"].contains(&name.as_str()) || known.contains(&name.as_str()),
                "{name}"
            );
        }
    }
}

/// Every interface of a folder by its file, without what is said about it.
fn contract(folder: &std::path::Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let bare = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            let words: Vec<&str> = bare.flat_map(str::split_whitespace).collect();
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                words.join(" "),
            )
        })
        .collect()
}

#[test]
fn a_released_contract_does_not_change() {
    let wit = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let now = contract(&wit);
    let (_, version) = now["types.wit"].split_once("runwright:plugin@").unwrap();
    let version = version.split(';').next().unwrap();
    if !RELEASED.contains(&version) {
        return;
    }
    let released = contract(&folder(version).join("wit"));
    for (file, text) in &released {
        assert_eq!(
            now.get(file),
            Some(text),
            "wit/{file} is not what {version} released. Plugins that were built for {version} rely on it: also an \
             addition is a new version. See `docs/ARCHITECTURE.md`, \"Versions of the contract\"."
        );
    }
    assert_eq!(
        now.len(),
        released.len(),
        "an interface was added: that is a new version"
    );
}

#[tokio::test]
async fn one_that_waits_is_replayed() {
    let (host, component) = kept("0.1.0", "pause.wasm").await;
    let manifest = host.describe(&component).await.unwrap();
    assert_eq!(
        (manifest.action.as_str(), manifest.impact),
        ("aws:pause", Impact::NonMutating)
    );
    assert_eq!(manifest.capabilities[0].capability, Capability::Waits);
    let inputs = json!({"Message": "look at the lamp"});
    let waiting = Script::new(|_| Called::Suspended);
    assert_eq!(
        host.invoke(call(component, inputs.clone()), waiting.clone()).await,
        Invoked::Suspended
    );
    let signal = waits::Signal {
        by: "ada".into(),
        at: Timestamp::from_millis(5),
        payload: json!(null),
    };
    let answer = Called::Answered(Ok(Answer::Waits(waits::Answer::Signal(signal))));
    let resumed = Script::new(move |_| answer.clone());
    assert_eq!(
        outputs(host.invoke(call(component, inputs), resumed.clone()).await),
        json!({})
    );
    assert_eq!(resumed.requests(), waiting.requests(), "the same call in the replay");
    assert_eq!(resumed.texts(), ["look at the lamp", "resumed by ada"]);
}

/// A disk where `/etc/motd` holds `old`.
fn disk(request: &Request) -> Called {
    let stat = files::Stat {
        kind: files::Kind::File,
        size: 3,
        mode: 0o644,
        owner: "root".into(),
        group: "root".into(),
        modified: Timestamp::from_millis(1),
        link: None,
        sha256: Some(hex(b"old")),
    };
    let answer = match request {
        Request::Files(files::Request::Snapshot { path, .. }) => files::Answer::Snapshot(files::Snapshot {
            path: path.clone(),
            before: Some(stat),
            contents: Some("sha256:00".into()),
        }),
        Request::Files(files::Request::Stat { .. }) => files::Answer::Stat(Some(stat)),
        _ => return Called::Answered(Ok(Answer::Done)),
    };
    Called::Answered(Ok(Answer::Files(answer)))
}

fn hex(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string().trim_start_matches("sha256:").to_owned()
}

#[tokio::test]
async fn one_that_changes_something_undoes_it() {
    let (host, component) = kept("0.1.0", "write-file.wasm").await;
    let manifest = host.describe(&component).await.unwrap();
    assert!(manifest.rollback && manifest.action == "rw:writeFile");
    let inputs = json!({"Path": "/etc/motd", "Content": "new"});
    let calls = Script::new(disk);
    let done = outputs(host.invoke(call(component, inputs.clone()), calls.clone()).await);
    assert_eq!(done["Path"], "/etc/motd");
    let made = calls.requests();
    let functions: Vec<_> = made.iter().map(Request::function).collect();
    assert_eq!(functions[..2], ["files.snapshot", "files.write"]);
    // Undone half-way: the write was under way when the engine stopped.
    let answered = |request: &Request| match disk(request) {
        Called::Answered(outcome) => Some(outcome),
        Called::Suspended | Called::Stopped(_) => None,
    };
    let mut undo = call(component, inputs);
    undo.of.phase = Phase::Rollback;
    undo.done = Some(Done {
        outputs: None,
        calls: vec![(made[0].clone(), answered(&made[0])), (made[1].clone(), None)],
    });
    let calls = Script::new(disk);
    assert_eq!(host.invoke(undo, calls.clone()).await, Invoked::Returned(Value::Null));
    assert!(
        calls
            .requests()
            .iter()
            .any(|request| request.function() == "files.restore"),
        "{:?}",
        calls.requests()
    );
}

/// What another toolchain made: clang and generated bindings. Go's, Python's and JavaScript's are too large to be kept here.
#[tokio::test]
async fn one_in_c() {
    let (host, component) = kept("0.1.0", "behaviours-c.wasm").await;
    let manifest = host.describe(&component).await.unwrap();
    assert_eq!(
        (manifest.action.as_str(), manifest.capabilities.len()),
        ("test:behaviours", 9)
    );
    let run = async |case: &str, calls: &Arc<Script>| {
        let inputs = json!({"Case": case, "Text": "ä"});
        host.invoke(call(component, inputs), calls.clone()).await
    };
    let echoed = outputs(run("echo", &Script::done()).await);
    assert_eq!(echoed, json!({"Result": "echo", "Text": "ä"}));

    let refused = Script::always(Err(Error::Denied {
        capability: Capability::Commands,
        missing: "commands: [reboot]".into(),
    }));
    assert_eq!(outputs(run("denied", &refused).await)["Result"], "commands: [reboot]");

    let answer = aws::Response {
        status: 200,
        body: b"<ok/>".to_vec().into(),
        ..aws::Response::default()
    };
    let service = Script::always(Ok(Answer::Aws(answer)));
    let answered = outputs(run("aws", &service).await);
    assert_eq!(answered["Result"], json!({"status": 200, "body": "<ok/>"}));
    assert_eq!(service.requests()[0].function(), "aws.send");

    let waiting = Script::new(|_| Called::Suspended);
    assert_eq!(run("sleep", &waiting).await, Invoked::Suspended);
    let resumed = Script::done();
    outputs(run("sleep", &resumed).await);
    assert_eq!(resumed.requests(), waiting.requests(), "the same call in the replay");

    let failure = crate::common::failure(run("crashes", &Script::done()).await);
    assert!(failure.message.contains("panic: boom at "), "{}", failure.message);
}

#[tokio::test]
async fn one_that_uses_everything() {
    let (host, component) = kept("0.1.0", "misbehave.wasm").await;
    assert_eq!(host.describe(&component).await.unwrap().capabilities.len(), 8);
    let calls = Script::done();
    let echoed = outputs(
        host.invoke(call(component, json!({"do": "echo", "text": "ä"})), calls.clone())
            .await,
    );
    assert_eq!(echoed["inputs"]["text"], "ä");
    assert_eq!(echoed["context"]["idempotency-key"], "e-1/0/1/run/1");
    assert_eq!(echoed["step"]["action"], "t:act");
    for (request, answer) in crate::capabilities::table() {
        let (expected, given) = (serde_json::to_value(Ok::<_, ()>(&answer)).unwrap(), answer.clone());
        let calls = Script::new(move |_| Called::Answered(Ok(given.clone())));
        let inputs = json!({"do": "call", "request": request});
        assert_eq!(
            outputs(host.invoke(call(component, inputs), calls.clone()).await),
            expected
        );
        assert_eq!(calls.requests(), [request]);
    }
    for (inputs, code) in [
        (json!({"do": "panic", "message": "boom"}), "RW-H014"),
        (json!({"do": "rubbish", "text": "x"}), "RW-H015"),
    ] {
        let failure = crate::common::failure(host.invoke(call(component, inputs), calls.clone()).await);
        assert_eq!(failure.code.as_deref(), Some(code));
    }
}
