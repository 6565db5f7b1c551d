//! How an engine is opened.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use runwright_local::commands::Launcher;
use runwright_model::grant::Policy;
use runwright_store::Store;

use crate::{Engine, Error, Library, Setup, link::Link};

/// Opens an [`Engine`]. Made by [`Engine::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    options: Options,
    runbooks: Vec<PathBuf>,
    plugins: Vec<PathBuf>,
    setup: Setup,
}

/// What an engine was told.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) state_dir: PathBuf,
    pub(crate) kept: Kept,
    pub(crate) drive: bool,
    pub(crate) patience: Duration,
    pub(crate) launcher: Option<Launcher>,
    pub(crate) aws: bool,
    pub(crate) policy: Policy,
}

/// Where journals are.
#[derive(Clone)]
pub(crate) enum Kept {
    /// In the state directory.
    OnDisk,
    /// Nowhere, when the process has ended.
    InMemory,
    /// In a store that the caller opened.
    In(Arc<dyn Store>),
}

impl Kept {
    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self, Self::OnDisk)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnDisk => "OnDisk",
            Self::InMemory => "InMemory",
            Self::In(_) => "In(…)",
        })
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            options: Options {
                state_dir: PathBuf::from("."),
                kept: Kept::OnDisk,
                drive: true,
                patience: Duration::from_secs(30),
                launcher: None,
                aws: false,
                policy: Policy::default(),
            },
            runbooks: Vec::new(),
            plugins: Vec::new(),
            setup: Setup::default(),
        }
    }

    /// Where the store is.
    #[must_use]
    pub fn state_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.state_dir = path.into();
        self
    }

    /// Where runbooks are looked for by name.
    #[must_use]
    pub fn runbooks(mut self, folders: Vec<PathBuf>) -> Self {
        self.runbooks = folders;
        self
    }

    /// Where components are looked for that are too large for the program (`python.wasm`, `script.wasm`), before `plugins` in the state
    /// directory and the folders beside the program.
    #[must_use]
    pub fn plugins(mut self, folders: Vec<PathBuf>) -> Self {
        self.plugins = folders;
        self
    }

    /// How plugins are compiled, limited and fetched, where the defaults do not fit. In particular, without
    /// [`Setup::compiler`] components of strangers are compiled in this process; the program it names calls
    /// [`compile_if_asked`](crate::compile_if_asked) at the start of its `main`.
    #[must_use]
    pub fn setup(mut self, setup: Setup) -> Self {
        self.setup = setup;
        self
    }

    /// Whether steps may act on AWS, with region and credentials as the AWS CLI finds them in this process's environment.
    /// They count while this process holds the store; for a client, those of the process that does.
    #[must_use]
    pub fn aws(mut self, aws: bool) -> Self {
        self.options.aws = aws;
        self
    }

    /// What plugins may do at most, whatever runbooks grant them. Beside it `/etc/runwright/runwright.toml` and
    /// `runwright.toml` in the state directory count, where there are any: each must allow it. They count while this
    /// process holds the store.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.options.policy = policy;
        self
    }

    /// Keeps journals in memory only: for tests and benches. The state directory still holds the key and the
    /// cache of compiled plugins.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.options.kept = Kept::InMemory;
        self
    }

    /// Keeps journals in this store, which nobody else may use meanwhile. The state directory still holds the key, the
    /// records of commands, and the cache of compiled plugins. Other processes are not answered.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.options.kept = Kept::In(store);
        self
    }

    /// Starts a supervisor for each command, so that it outlives this process: a call that is made again after a crash
    /// attaches to it, or finds how it ended. Without, commands are children of this process, and after a crash their
    /// outcome is `uncertain`.
    ///
    /// The program calls [`supervise_if_asked`](crate::local::commands::supervise_if_asked) at the start of its `main`,
    /// or another program that does is named.
    #[must_use]
    pub fn supervisor(mut self, launcher: Launcher) -> Self {
        self.options.launcher = Some(launcher);
        self
    }

    /// Whether the engine, while it holds the store, makes every execution go on that is due, and answers other
    /// processes (through a socket in the state directory). So it does by default. With `false` it is for looking at
    /// things: it makes nothing go on by itself, and whoever wants the store waits until it is closed.
    #[must_use]
    pub fn drive(mut self, drive: bool) -> Self {
        self.options.drive = drive;
        self
    }

    /// How long to wait for a process that holds the store and does not answer: 30 s by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// Opens the store and holds it until the engine is closed. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When another process holds the store (the error names it), or the state directory cannot be written, or is of a
    /// newer version.
    pub async fn open(self) -> Result<Engine, Error> {
        self.linked(false).await
    }

    /// Holds the store when nobody does, and is else a client of the process that holds it, with the same methods and
    /// the same answers. When that process ends, in whatever way, this engine takes its place or becomes a client of
    /// the one that did; calls under way are repeated, and none is carried out twice. Must be called inside a tokio
    /// runtime.
    ///
    /// A client acts as the user it runs as: `by` must be the name of that user, [`crate::user::name`].
    ///
    /// # Errors
    ///
    /// When the process that holds the store does not answer or is of another version, or the state directory cannot
    /// be written, or is of a newer version.
    pub async fn join(self) -> Result<Engine, Error> {
        self.linked(true).await
    }

    async fn linked(self, joins: bool) -> Result<Engine, Error> {
        let library = Library::open_with(self.options.state_dir.clone(), self.runbooks, &self.setup)?;
        let library = library.with_plugins(self.plugins);
        let joins = joins && self.options.kept.is_on_disk();
        let link = Link::open(self.options, library.clone(), joins).await?;
        Ok(Engine::over(library, link))
    }
}
