//! What every scenario needs: backends over a store in memory, a log that is kept, a folder.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use runwright_local::{Local, commands::Launcher, keys::StoreKey};
use runwright_model::{
    capability::{Answer, Backend as _, CallContext, Capability, Outcome, Request},
    grant::Grants,
    log::{Level, LogSink, Stream},
    secret::Secrets,
};
use runwright_store::MemoryStore;

#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<(Stream, String)>>);

impl Lines {
    pub(crate) fn of(&self, stream: Stream) -> Vec<String> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|(s, _)| *s == stream)
            .map(|(_, text)| text.clone())
            .collect()
    }

    pub(crate) fn all(&self) -> String {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|(_, text)| format!("{text}\n"))
            .collect()
    }
}

impl LogSink for Lines {
    fn line(&self, _: Level, stream: Stream, text: &str) {
        self.0.lock().unwrap().push((stream, text.to_owned()));
    }
}

pub(crate) struct World {
    pub(crate) local: Local,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) lines: Arc<Lines>,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) const SECRET: &str = "tr\"ub 4dor&3-wörd";
pub(crate) const KEY: &str = "exec-1/one/1/1/0";
pub(crate) const PLACEHOLDER: &str = "((secret:/app/password:1))";

impl World {
    /// As an engine is: commands have supervisors.
    pub(crate) fn new() -> Self {
        Self::launched_by(Launcher::program(env!("CARGO_BIN_EXE_runwright-supervisor")))
    }

    pub(crate) fn launched_by(launcher: Launcher) -> Self {
        let without = Self::without_supervisors();
        let local = without.local.clone().supervised(launcher, &without.state());
        Self { local, ..without }
    }

    pub(crate) fn without_supervisors() -> Self {
        let store = Arc::new(MemoryStore::new());
        let local = Local::new(store.clone(), StoreKey::from_bytes([3; 32]));
        Self {
            local,
            store,
            lines: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The engine's own folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The world after the engine was started again: what is on the disk is there, and nothing else.
    pub(crate) fn restarted(self) -> Self {
        let launcher = Launcher::program(env!("CARGO_BIN_EXE_runwright-supervisor"));
        let local = Local::new(self.store.clone(), StoreKey::from_bytes([3; 32])).supervised(launcher, &self.state());
        Self {
            local,
            lines: Arc::default(),
            ..self
        }
    }

    /// A context in which everything is granted and one secret is known.
    pub(crate) fn context(&self) -> CallContext {
        CallContext {
            execution: "exec-1".parse().unwrap(),
            step: "one".into(),
            idempotency_key: KEY.into(),
            deadline: None,
            again: false,
            log: self.lines.clone(),
            secrets: Secrets::new(BTreeMap::from([(PLACEHOLDER.to_owned(), SECRET.to_owned())])),
            grants: Arc::new(Grants::all_of(&Capability::ALL)),
            role: None,
        }
    }

    /// The context of the call as it is made again after a crash.
    pub(crate) fn again(&self) -> CallContext {
        CallContext {
            again: true,
            ..self.context()
        }
    }

    /// A context with these grants alone.
    pub(crate) fn granted(&self, grants: Grants) -> CallContext {
        CallContext {
            grants: Arc::new(grants),
            ..self.context()
        }
    }

    pub(crate) async fn perform(&self, request: Request) -> Outcome {
        self.local.perform(request, self.context()).await
    }

    /// Ends the command of the usual call.
    pub(crate) async fn stop(&self) {
        let command = runwright_model::capability::commands::Command::default();
        let request = Request::Commands(runwright_model::capability::commands::Request::Run { on: None, command });
        self.local.stop(&request, &self.context()).await;
    }

    /// The context of another call.
    pub(crate) fn next(&self) -> CallContext {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        CallContext {
            idempotency_key: format!("{KEY}/{number}"),
            ..self.context()
        }
    }

    /// The real path of something in the folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder
            .path()
            .canonicalize()
            .unwrap()
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    }
}

/// No form of the secret is in the text.
pub(crate) fn assert_hidden(text: &str) {
    use base64::Engine as _;
    let json = serde_json::Value::from(SECRET).to_string();
    let base64 = base64::engine::general_purpose::STANDARD.encode(SECRET);
    let url = "tr%22ub%204dor%263-w%C3%B6rd";
    for form in [SECRET, json.trim_matches('"'), &base64, url] {
        assert!(!text.contains(form), "{form} is in: {text}");
    }
}

pub(crate) fn assert_done(outcome: &Outcome) {
    assert_eq!(*outcome, Ok(Answer::Done));
}

/// Waits until something holds, for ten seconds at most.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(10), "never: {what}");
        tokio::task::yield_now().await;
    }
}
