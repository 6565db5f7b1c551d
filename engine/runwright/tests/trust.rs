//! Who must have signed a plugin, and how old it may be, as the operator's file says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{fs, path::Path};

use runwright::{
    Engine, Library, Runbook, Source, StartRequest, Until,
    model::{digest::Digest, event::Mode, failure::FailureKind, id::ExecutionId, status::Status},
};
use serde_json::Map;
use tempfile::TempDir;

const RELEASED: &str = "0.1.0";

/// A plugin of a stranger: one of ours under another name and version.
fn component(version: &str) -> Vec<u8> {
    let ours = runwright_bundle::find("aws:sleep").unwrap().bytes;
    let renamed = replaced(ours, b"aws:sleep", b"acm:sleep");
    let at: Vec<usize> = (0..renamed.len() - 5)
        .filter(|at| renamed[*at..].starts_with(RELEASED.as_bytes()) && renamed[at - 1] != b'@')
        .collect();
    assert!(!at.is_empty(), "the manifest's version is one of the texts in it");
    let mut bytes = renamed;
    for at in at {
        bytes[at..at + 5].copy_from_slice(version.as_bytes());
    }
    bytes
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let found: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!found.is_empty(), "the manifest's name is one of the texts in it");
    for at in found {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// A machine with a key, a component beside a runbook, and a policy.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        for name in ["release", "other"] {
            Library::keygen(&folder.path().join(name)).unwrap();
        }
        let machine = Self { folder };
        machine.put(&component(RELEASED));
        machine
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, component: &[u8]) {
        fs::write(self.path().join("sleep.wasm"), component).unwrap();
    }

    fn demand(&self, demand: &str) {
        let key = self.path().join("release.pub");
        let text = format!(
            "[keys]\nrelease = {{ file = '{}' }}\n\n[[signed]]\naction = 'acm:*'\n{demand}\n",
            key.display()
        );
        fs::write(self.path().join("state/runwright.toml"), text).unwrap();
    }

    async fn sign(&self, key: &str) {
        let file = self.path().join("sleep.wasm").display().to_string();
        self.library().sign(&file, &self.path().join(key)).await.unwrap();
    }

    fn library(&self) -> Library {
        Library::open(self.path().join("state"), Vec::new()).unwrap()
    }

    async fn runbook(&self, library: &Library, binding: &str) -> Runbook {
        let source = Source {
            name: "test".into(),
            origin: "test.yaml".into(),
            text: format!(
                "schemaVersion: '0.3'\nplugins:\n  acm:sleep: {{{binding}, grants: {{waits: true}}}}\nmainSteps:\n\
                 - {{name: A, action: 'acm:sleep', inputs: {{Duration: PT0S}}}}\n"
            ),
        };
        let compiled = library.compile(&source, self.path()).await;
        Runbook {
            source,
            path: None,
            compiled,
        }
    }

    /// The code of what is wrong with the runbook, or `good`.
    async fn says(&self, binding: &str) -> String {
        let compiled = self.runbook(&self.library(), binding).await.compiled;
        if compiled.plan.is_some() {
            return "good".to_owned();
        }
        let first = compiled.diagnostics.first().unwrap();
        assert!(Library::explain(first.code).is_some(), "{}", first.code);
        first.code.to_owned()
    }

    async fn run(&self) -> (ExecutionId, Status) {
        let engine = Engine::builder()
            .state_dir(self.path().join("state"))
            .open()
            .await
            .unwrap();
        let runbook = self.runbook(engine.library(), "path: sleep.wasm").await;
        let request = StartRequest {
            runbook,
            parameters: Map::new(),
            id: None,
            by: "kim".into(),
            mode: Mode::Auto,
        };
        let id = engine.start(request).await.unwrap().id;
        let status = engine.wait(&id, Until::Ended).await.unwrap().status;
        engine.close().await.unwrap();
        (id, status)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_right_key_signed_is_compiled() {
    let machine = Machine::new();
    assert_eq!(
        machine.says("path: sleep.wasm").await,
        "good",
        "nobody demands anything"
    );
    machine.demand("by = ['release']");
    assert_eq!(machine.says("path: sleep.wasm").await, "RW-P113");
    machine.sign("other.key").await;
    assert_eq!(machine.says("path: sleep.wasm").await, "RW-P114");
    machine.sign("release.key").await;
    assert_eq!(
        machine.says("path: sleep.wasm").await,
        "good",
        "one of two signatures is enough"
    );
    let mut tampered = component(RELEASED);
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    machine.put(&tampered);
    assert_eq!(machine.says("path: sleep.wasm").await, "RW-P114");
    // It was refused before anything looked into it: this is no component at all.
    machine.put(b"not Wasm");
    assert_eq!(machine.says("path: sleep.wasm").await, "RW-P114");
    let pin = Digest::of(&component(RELEASED)).to_hex();
    assert_eq!(
        machine.says(&format!("path: sleep.wasm, sha256: '{pin}'")).await,
        "RW-C901"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_are_too_low_are_refused() {
    let machine = Machine::new();
    machine.demand("min-version = '0.2.0'");
    assert_eq!(machine.says("path: sleep.wasm").await, "RW-P117");
    machine.put(&component("0.3.0"));
    assert_eq!(machine.says("path: sleep.wasm").await, "good");
    machine.demand("by = ['release']");
    machine.sign("release.key").await;
    assert_eq!(machine.run().await.1, Status::Success);
    // Signed by the right key, and older than what ran.
    machine.put(&component("0.2.0"));
    machine.sign("release.key").await;
    assert_eq!(machine.says("path: sleep.wasm").await, "RW-P116");
    machine.demand("by = ['release']\nallow-downgrade = true");
    assert_eq!(machine.says("path: sleep.wasm").await, "good");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_does_not_go_back_unawares() {
    let machine = Machine::new();
    let text = "schemaVersion: '0.3'\nplugins:\n  acm:sleep: {path: sleep.wasm}\nmainSteps: []\n";
    let source = |text: &str| Source {
        name: "test".into(),
        origin: "test.yaml".into(),
        text: text.into(),
    };
    let lock = async |text: &str, allow_downgrade: bool| {
        let library = machine.library();
        let (text, pinned) = library.lock(&source(text), machine.path(), allow_downgrade).await?;
        library.locked(&pinned)?;
        Ok::<_, runwright::Error>((text, pinned))
    };
    machine.put(&component("0.3.0"));
    let (newer, _) = lock(text, false).await.unwrap();
    machine.put(&component("0.2.0"));
    assert_eq!(lock(&newer, false).await.unwrap_err().code(), Some("RW-P116"));
    let (older, pinned) = lock(&newer, true).await.unwrap();
    assert_eq!(pinned[0].lower_than.as_ref().unwrap().to_string(), "0.3.0");
    assert_ne!(older, newer);
    lock(&older, false).await.expect("what is pinned already is left alone");
    // Nor does it pin what may not be used.
    machine.demand("by = ['release']");
    let refused = lock(text, true).await.unwrap_err();
    assert!(matches!(refused, runwright::Error::Document { diagnostics, .. } if diagnostics[0].code == "RW-P113"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_brought_before_the_demand_is_not_called_after_it() {
    let machine = Machine::new();
    let (id, status) = machine.run().await;
    assert_eq!(status, Status::Success);
    machine.demand("by = ['release']");
    let engine = Engine::builder()
        .state_dir(machine.path().join("state"))
        .open()
        .await
        .unwrap();
    let again = engine.rerun(&id, "kim", None).await.unwrap().id;
    let view = engine.wait(&again, Until::Ended).await.unwrap();
    engine.close().await.unwrap();
    assert_eq!(view.status, Status::Failed, "{view:#?}");
    let failure = view.steps[0].failure.clone().unwrap();
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Denied, Some("RW-P113"))
    );

    // Once it is signed, the signature is found again by the component's content.
    machine.sign("release.key").await;
    assert_eq!(machine.says("path: sleep.wasm").await, "good");
    let engine = Engine::builder()
        .state_dir(machine.path().join("state"))
        .open()
        .await
        .unwrap();
    let again = engine.rerun(&id, "kim", None).await.unwrap().id;
    assert_eq!(engine.wait(&again, Until::Ended).await.unwrap().status, Status::Success);
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_of_a_registry_is_pinned_and_may_be_offline() {
    let machine = Machine::new();
    let pin = Digest::of(&component(RELEASED)).to_hex();
    assert_eq!(machine.says("oci: 'registry.example/acm/sleep:1'").await, "RW-P110");
    assert_eq!(machine.says("oci: 'sleep'").await, "RW-P101");
    assert_eq!(machine.says("oci: 'x.example/a:1', path: sleep.wasm").await, "RW-C048");
    fs::write(
        machine.path().join("state/runwright.toml"),
        "[registries]\noffline = true\n",
    )
    .unwrap();
    let binding = format!("oci: 'registry.example/acm/sleep:1', sha256: '{pin}'");
    assert_eq!(machine.says(&binding).await, "RW-P111");
    // Nobody listens there.
    fs::write(machine.path().join("state/runwright.toml"), "").unwrap();
    assert_eq!(
        machine.says(&binding.replace("registry.example", "127.0.0.1:1")).await,
        "RW-P102"
    );
}
