//! What the benches share: documents of any size, and the built-in plugins ready to call.
//!
//! Each bench answers one question; `docs/PERFORMANCE.md` has the answers with machine and command. Nothing here
//! asserts a time.

#![expect(clippy::print_stderr, reason = "who measures wants to know what is missing")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use criterion::{BenchmarkGroup, measurement::WallTime};
use runwright_compiler::{Catalog, Source};
use runwright_host::{Components, Host, Options};
use runwright_model::{
    action::ActionSpec,
    capability::{Capability, Request},
    digest::Digest,
    event::{Phase, Try},
    grant::Grants,
    id::StepId,
    invocation::{Called, Calls, Invocation, Invoked, Invoker},
    log::{Level, Stream},
    plan::Plan,
    time::Timestamp,
};
use serde_json::Value;

/// The bundled components, by digest.
#[derive(Clone)]
pub struct Bundled(Arc<BTreeMap<Digest, &'static [u8]>>);

impl Default for Bundled {
    fn default() -> Self {
        Self(Arc::new(
            runwright_bundle::plugins()
                .iter()
                .map(|b| (Digest::of(b.bytes), b.bytes))
                .collect(),
        ))
    }
}

#[async_trait::async_trait]
impl Components for Bundled {
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.0.get(digest).map(|bytes| bytes.to_vec())
    }
}

/// A pure plugin makes no call.
struct NoCalls;

#[async_trait::async_trait]
impl Calls for NoCalls {
    async fn call(&self, request: Request) -> Called {
        unreachable!("{request:?}");
    }

    fn log(&self, _level: Level, _stream: Stream, _text: &str) {}

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

/// One call of a plugin in a fresh instance, which must end well.
///
/// # Panics
///
/// When it does not.
pub async fn invoke_once(host: &Host, component: Digest, action: &str, inputs: Value) {
    let invocation = Invocation {
        component,
        execution: "bench".parse().expect("an id"),
        step: "S".into(),
        action: action.to_owned(),
        globals: Vec::new(),
        of: Try {
            step: StepId(0),
            visit: 1,
            phase: Phase::Run,
            attempt: 1,
        },
        idempotency_key: "k".into(),
        deadline: None,
        inputs,
        done: None,
        attachments: BTreeMap::new(),
        trace_parent: None,
    };
    let invoked = host.invoke(invocation, Arc::new(NoCalls)).await;
    assert!(matches!(invoked, Invoked::Returned(_)), "{invoked:?}");
}

/// A host that knows the bundled plugins and keeps compiled ones in this folder.
///
/// # Panics
///
/// When the machine cannot run it.
#[must_use]
pub fn host(cache: &Path) -> Host {
    let options = Options {
        // Made by the host, which wants it closed to others.
        cache_dir: Some(cache.join("compiled")),
        ..Options::new(Arc::new(Bundled::default()))
    };
    Host::new(options).expect("a host")
}

/// The build's own folder: benches run in `target/release/deps`.
///
/// # Panics
///
/// When they do not.
#[must_use]
pub fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    program.ancestors().nth(3).expect("three folders up").to_owned()
}

/// A component that is not part of the program, with a call to measure.
pub struct Built {
    component: Arc<OneFile>,
    action: &'static str,
    inputs: Value,
}

struct OneFile {
    digest: Digest,
    bytes: Vec<u8>,
}

#[async_trait::async_trait]
impl Components for OneFile {
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>> {
        (*digest == self.digest).then(|| self.bytes.clone())
    }
}

impl Built {
    /// A call of the component in this file of [`target`]. What is not there is named, and not measured.
    #[must_use]
    pub fn find(file: impl AsRef<Path>, action: &'static str, inputs: Value) -> Option<Self> {
        let path = target().join(file);
        let Ok(bytes) = fs::read(&path) else {
            eprintln!("not measured: there is no {}", path.display());
            return None;
        };
        eprintln!("{}: {} bytes", path.display(), bytes.len());
        let digest = Digest::of(&bytes);
        Some(Self {
            component: Arc::new(OneFile { digest, bytes }),
            action,
            inputs,
        })
    }

    fn host(&self, cache: &Path) -> Host {
        let options = Options {
            cache_dir: Some(cache.to_owned()),
            ..Options::new(self.component.clone())
        };
        Host::new(options).expect("a host")
    }

    async fn call(&self, host: &Host) {
        invoke_once(host, self.component.digest, self.action, self.inputs.clone()).await;
    }

    /// Measures a call in a warm host, and the first one of a process whose cache has the compiled component.
    ///
    /// # Panics
    ///
    /// When the machine cannot run it.
    pub fn measure(&self, group: &mut BenchmarkGroup<'_, WallTime>, name: &str) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        // On the disk of the project, where compiled components are mapped from.
        let folder = tempfile::tempdir_in(".").expect("a folder");
        let cache = folder.path().join("cache");
        let kept = self.host(&cache);
        let began = std::time::Instant::now();
        runtime.block_on(self.call(&kept));
        eprintln!("{name}: compiled and called in {:?}", began.elapsed());
        group.sample_size(50);
        group.bench_function(format!("{name}: a call"), |bencher| {
            bencher.iter(|| runtime.block_on(self.call(&kept)));
        });
        drop(kept);
        group.sample_size(10);
        group.bench_function(format!("{name}: the first call of a process"), |bencher| {
            // Dropped within: a host reserves terabytes of addresses, and a dozen of them are all that there are.
            bencher.iter(|| {
                let host = self.host(&cache);
                runtime.block_on(self.call(&host));
            });
        });
    }
}

/// A bundled action, described and granted all it wants.
///
/// # Panics
///
/// When there is no such action.
pub async fn spec(host: &Host, action: &str) -> ActionSpec {
    let bundled = runwright_bundle::find(action).expect("a bundled action");
    let component = Digest::of(bundled.bytes);
    let manifest = host.describe(&component).await.expect("a manifest");
    let capabilities: Vec<Capability> = manifest.capabilities.iter().map(|want| want.capability).collect();
    ActionSpec {
        grants: Grants::all_of(&capabilities),
        manifest,
        component,
    }
}

/// A document of so many `rw:assert` steps, each reading the one before, in list or graph order.
#[must_use]
pub fn document(steps: usize, graph: bool) -> String {
    let mut text = String::from("schemaVersion: '0.3'\nparameters:\n  Value: {type: String, default: x}\nmainSteps:\n");
    for step in 0..steps {
        let value = if step == 0 {
            "{{ Value }}".to_owned()
        } else {
            format!("{{{{ S{}.Checked }}}}", step - 1)
        };
        let _ = write!(
            text,
            "  - name: S{step}\n    action: rw:assert\n    inputs:\n      Checks:\n        - {{Value: '{value}', NotEquals: never}}\n"
        );
        if graph && step > 0 {
            let _ = writeln!(text, "    dependsOn: [S{}]", step - 1);
        }
    }
    text
}

/// The document as a source.
#[must_use]
pub fn source(text: String) -> Source {
    Source {
        name: "bench".into(),
        origin: "bench.yaml".into(),
        text,
    }
}

/// The plan of a document whose actions are in the catalog.
///
/// # Panics
///
/// When it does not compile.
#[must_use]
pub fn plan(text: String, catalog: &Catalog) -> Plan {
    let compiled = runwright_compiler::parse(&source(text)).compile(catalog);
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}
