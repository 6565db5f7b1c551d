//! What every scenario needs: backends over a store in memory, a log that is kept, a folder.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use runwright_local::{Local, keys::StoreKey};
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
pub(crate) const PLACEHOLDER: &str = "((secret:/app/password:1))";

impl World {
    pub(crate) fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let local = Local::new(store.clone(), StoreKey::from_bytes([3; 32]));
        Self {
            local,
            store,
            lines: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A context in which everything is granted and one secret is known.
    pub(crate) fn context(&self) -> CallContext {
        CallContext {
            execution: "exec-1".parse().unwrap(),
            step: "one".into(),
            idempotency_key: "exec-1/one/1/1/0".into(),
            deadline: None,
            again: false,
            log: self.lines.clone(),
            secrets: Secrets::new(BTreeMap::from([(PLACEHOLDER.to_owned(), SECRET.to_owned())])),
            grants: Arc::new(Grants::all_of(&Capability::ALL)),
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
