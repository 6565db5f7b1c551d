//! A host, the misbehaving guest, and an executor's side that tests can script.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use runwright_host::{Components, Host, Limits, Options};
use runwright_model::{
    capability::{Answer, Outcome, Request},
    digest::Digest,
    event::{Phase, Try},
    failure::Failure,
    id::StepId,
    invocation::{Called, Calls, Invocation, Invoked, Invoker},
    log::{Level, Stream},
    time::Timestamp,
};
use runwright_testguest::COMPONENT;
use serde_json::{Value, json};

/// Has exactly these components.
pub(crate) struct Shelf(pub(crate) Vec<Vec<u8>>);

#[async_trait::async_trait]
impl Components for Shelf {
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.0.iter().find(|bytes| Digest::of(bytes) == *digest).cloned()
    }
}

/// Without a cache on disk.
pub(crate) fn options(limits: Limits) -> Options {
    Options {
        limits,
        instances: 100,
        ..Options::new(Arc::new(Shelf(vec![COMPONENT.to_vec()])))
    }
}

/// A folder that all tests share, so that the guest is compiled once and not for each of them.
fn shared_cache() -> Option<PathBuf> {
    Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("runwright-host-cache"))
}

pub(crate) fn host() -> Host {
    host_with(Limits::default())
}

pub(crate) fn host_with(limits: Limits) -> Host {
    Host::new(Options {
        cache_dir: shared_cache(),
        ..options(limits)
    })
    .unwrap()
}

pub(crate) fn uncached(limits: Limits) -> Host {
    Host::new(options(limits)).unwrap()
}

/// With a cache in a folder below this one, which only has to exist.
pub(crate) fn cached(folder: &Path) -> Host {
    Host::new(Options {
        cache_dir: Some(cache_below(folder)),
        ..options(Limits::default())
    })
    .unwrap()
}

/// Where [`cached`] keeps its files.
pub(crate) fn cache_below(folder: &Path) -> PathBuf {
    folder.join("cache")
}

/// The guest with other bytes but the same behaviour: a custom section at its end.
pub(crate) fn variant(number: u8) -> Vec<u8> {
    let mut bytes = COMPONENT.to_vec();
    bytes.extend([0, 3, 1, b'v', number]);
    bytes
}

type Answering = dyn Fn(&Request) -> Called + Send + Sync;

/// Answers by a script, and remembers everything.
pub(crate) struct Script {
    answering: Box<Answering>,
    now: AtomicI64,
    pub(crate) requests: Mutex<Vec<Request>>,
    pub(crate) lines: Mutex<Vec<(Level, Stream, String)>>,
}

pub(crate) const START: i64 = 1_700_000_000_123;

impl Script {
    pub(crate) fn new(answering: impl Fn(&Request) -> Called + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            answering: Box::new(answering),
            now: AtomicI64::new(START),
            requests: Mutex::default(),
            lines: Mutex::default(),
        })
    }

    /// Answers every call with this.
    pub(crate) fn always(outcome: Outcome) -> Arc<Self> {
        Self::new(move |_| Called::Answered(outcome.clone()))
    }

    /// Answers every call with `Done`.
    pub(crate) fn done() -> Arc<Self> {
        Self::always(Ok(Answer::Done))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The texts of the log.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap()
            .iter()
            .map(|(_, _, text)| text.clone())
            .collect()
    }
}

#[async_trait::async_trait]
impl Calls for Script {
    async fn call(&self, request: Request) -> Called {
        let called = (self.answering)(&request);
        self.requests.lock().unwrap().push(request);
        // Real answers come from elsewhere.
        tokio::task::yield_now().await;
        self.now.fetch_add(1_000, SeqCst);
        called
    }

    fn log(&self, level: Level, stream: Stream, text: &str) {
        self.lines.lock().unwrap().push((level, stream, text.to_owned()));
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(SeqCst))
    }
}

pub(crate) fn invocation(inputs: Value) -> Invocation {
    Invocation {
        component: Digest::of(COMPONENT),
        execution: "e-1".parse().unwrap(),
        step: "try".into(),
        action: "t:act".into(),
        globals: vec![("REGION".into(), "eu-north-1".into())],
        of: Try {
            step: StepId(0),
            visit: 1,
            phase: Phase::Run,
            attempt: 1,
        },
        idempotency_key: "e-1/0/1/run/1".into(),
        deadline: None,
        inputs,
        done: None,
        attachments: std::collections::BTreeMap::new(),
        trace_parent: None,
    }
}

pub(crate) async fn run(host: &Host, calls: &Arc<Script>, inputs: Value) -> Invoked {
    host.invoke(invocation(inputs), calls.clone()).await
}

pub(crate) fn outputs(invoked: Invoked) -> Value {
    match invoked {
        Invoked::Returned(outputs) => outputs,
        other => panic!("not returned: {other:?}"),
    }
}

pub(crate) fn failure(invoked: Invoked) -> Failure {
    match invoked {
        Invoked::Failed(failure) => failure,
        other => panic!("not failed: {other:?}"),
    }
}

/// Whether it failed by this limit, with its value in the details.
#[track_caller]
pub(crate) fn assert_limit(invoked: Invoked, which: &str, limit: u64) -> Failure {
    let failure = failure(invoked);
    assert_eq!(failure.code.as_deref(), Some("RW-H013"), "{}", failure.message);
    assert_eq!(failure.kind, runwright_model::failure::FailureKind::LimitExceeded);
    let details = failure.details.clone().unwrap();
    assert_eq!(
        (details["limit"].as_str(), details["value"].as_u64()),
        (Some(which), Some(limit)),
        "{}",
        failure.message
    );
    assert!(
        failure.message.contains(&format!("raise `{which}` under `[limits]`")),
        "{}",
        failure.message
    );
    failure
}

/// The inputs of a capability call.
pub(crate) fn call(request: &Request) -> Value {
    json!({"do": "call", "request": request})
}
