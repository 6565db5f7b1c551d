//! Loads plugins into the Wasm sandbox and makes one call at a time. Internal: use `runwright`.
//!
//! [`Host`] is the executor's [`Invoker`]. Each call gets a fresh instance with nothing but the capabilities'
//! functions, which ask [`Calls`]; when an answer takes time the instance ends and nothing is kept.
//!
//! ```
//! use std::sync::Arc;
//! use runwright_host::{Components, Host, Options};
//! use runwright_model::digest::Digest;
//!
//! struct None_;
//!
//! #[async_trait::async_trait]
//! impl Components for None_ {
//!     async fn bytes(&self, _: &Digest) -> Option<Vec<u8>> {
//!         None
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let host = Host::new(Options::new(Arc::new(None_))).expect("the machine has address space");
//! let error = host.load(b"(component)".to_vec()).await.unwrap_err();
//! assert_eq!(error.code(), "RW-H001");
//! # }
//! ```
//!
//! # What this crate does not do
//!
//! It journals nothing, checks no grant, and knows no backend: all of that is behind [`Calls`]. It does not
//! compare outputs with the manifest's schema; the executor does.
//!
//! # Where to start
//!
//! `call.rs` is one call. `runtime.rs` is the only place that configures the Wasm runtime; `loader.rs` makes
//! components ready; `contract/` has a module for each version of `wit/`; `capability/` and `wasi/` are what a guest sees. `tests/` has a guest for everything that
//! can go wrong.

mod bindings;
mod cache;
mod call;
mod capability;
mod codes;
mod compiler;
mod contract;
mod error;
mod imports;
mod limits;
mod loader;
mod logbook;
mod manifest;
mod meter;
mod preamble;
mod runtime;
mod state;
mod ticker;
mod trap;
mod wasi;

use std::{path::PathBuf, sync::Arc};

use runwright_model::{
    action::Manifest,
    capability::Request,
    digest::Digest,
    failure::{Failure, FailureKind},
    invocation::{Called, Calls, Invocation, Invoked, Invoker},
    log::{Level, Stream},
    time::Timestamp,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{call::Caller, loader::Loader, loader::Ready, manifest::Said, state::Ended, ticker::Ticker};
pub use crate::{
    codes::CODES,
    compiler::{COMPILE, Compiler, compile_if_asked},
    error::Error,
    limits::Limits,
};

/// Finds components by content, wherever they are kept.
#[async_trait::async_trait]
pub trait Components: Send + Sync {
    /// The bytes with this digest; `None` when nobody has them. The host checks the digest itself.
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>>;

    /// Whether it is part of this program, so that compiling it needs no process of its own.
    fn is_trusted(&self, _digest: &Digest) -> bool {
        false
    }
}

/// What a host is made from.
#[derive(Clone)]
pub struct Options {
    /// Where bytes come from.
    pub components: Arc<dyn Components>,
    /// Where compiled components and manifests are kept between starts; nowhere when `None`. Made if it is
    /// missing; must belong to the engine's user alone.
    pub cache_dir: Option<PathBuf>,
    /// What a call may use.
    pub limits: Limits,
    /// The program that compiles components which are not trusted, in a process of its own. Without one they are compiled
    /// in this process, where only their size is limited.
    pub compiler: Option<Compiler>,
    /// How many calls run at the same time; more wait for their turn. Each reserves address space (8 GiB),
    /// not memory. A call that is suspended does not count.
    pub instances: u32,
}

impl Options {
    /// The default limits, 1,000 instances, and no cache on disk.
    #[must_use]
    pub fn new(components: Arc<dyn Components>) -> Self {
        Self {
            components,
            cache_dir: None,
            limits: Limits::default(),
            compiler: None,
            instances: INSTANCES_DEFAULT,
        }
    }
}

/// How many calls run at the same time unless [`Options`] say otherwise.
pub const INSTANCES_DEFAULT: u32 = 1_000;

/// Makes calls of plugins. Cheap to clone; all clones share their components and instances.
///
/// Needs a Tokio runtime. Dropping a call's future ends its instance.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

struct Shared {
    engine: wasmtime::Engine,
    limits: Limits,
    loader: Loader,
    ticker: Ticker,
    instances: u32,
    turns: Semaphore,
}

impl Host {
    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] when the machine has no address space for so many instances,
    /// [`Error::CacheFolder`] when the folder cannot be used.
    pub fn new(options: Options) -> Result<Self, Error> {
        let Options {
            components,
            cache_dir,
            limits,
            compiler,
            instances,
        } = options;
        let engine = runtime::engine(&limits, instances)?;
        let loader = Loader::new(
            engine.clone(),
            cache_dir.as_deref(),
            components,
            limits.clone(),
            compiler,
        )?;
        let ticker = Ticker::start(&engine).map_err(|error| Error::Engine {
            reason: format!("its thread cannot be started: {error}"),
        })?;
        let turns = Semaphore::new(instances as usize);
        Ok(Self(Arc::new(Shared {
            engine,
            limits,
            loader,
            ticker,
            instances,
            turns,
        })))
    }

    /// Makes a component ready to be called and answers its name: checked, compiled and linked. What it finds
    /// wrong would fail every call. Bytes are not kept beyond the cache: [`Components`] must have them too.
    ///
    /// # Errors
    ///
    /// Every [`Error`] that is about a component.
    pub async fn load(&self, bytes: Vec<u8>) -> Result<Digest, Error> {
        self.0.loader.ready_from(bytes).await
    }

    /// What a plugin says of itself. Asked once per version; kept beside the compiled component.
    ///
    /// # Errors
    ///
    /// Those of [`Host::load`], [`Error::Describe`] and [`Error::Manifest`].
    pub async fn describe(&self, component: &Digest) -> Result<Manifest, Error> {
        let ready = self.0.loader.ready(*component).await?;
        ready
            .manifest
            .get_or_try_init(|| self.0.describe(component, &ready))
            .await
            .cloned()
    }

    /// What a call may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

impl Shared {
    async fn describe(&self, component: &Digest, ready: &Ready) -> Result<Manifest, Error> {
        let cache = self.loader.cache();
        let bytes_max = self.limits.manifest_bytes;
        if let Some(said) = cache.and_then(|cache| cache.said(component)) {
            return manifest::read(said, bytes_max);
        }
        let said = self.ask(ready).await?;
        let manifest = manifest::read(said.clone(), bytes_max)?;
        if let Some(Err(error)) = cache.map(|cache| cache.keep_said(component, &said)) {
            tracing::warn!(%error, "a manifest cannot be kept; the plugin will be asked again");
        }
        Ok(manifest)
    }

    async fn ask(&self, ready: &Ready) -> Result<Said, Error> {
        let _turn = self.turn(ready).await;
        let _running = self.ticker.running();
        self.caller(ready)
            .describe(Arc::new(Nothing))
            .await
            .map_err(|ended| match ended {
                Ended::Failed(failure) => Error::Describe(Box::new(failure)),
                Ended::Suspended => unreachable!("nothing suspends: every call is stopped"),
            })
    }

    /// Waits until there is room for an instance.
    async fn turn(&self, ready: &Ready) -> SemaphorePermit<'_> {
        let places = ready.places.min(self.instances);
        self.turns
            .acquire_many(places)
            .await
            .expect("the semaphore is never closed")
    }

    fn caller<'a>(&'a self, ready: &'a Ready) -> Caller<'a> {
        Caller {
            engine: &self.engine,
            limits: &self.limits,
            plugin: &ready.plugin,
            components: self.loader.components(),
        }
    }
}

#[async_trait::async_trait]
impl Invoker for Host {
    async fn invoke(&self, invocation: Invocation, calls: Arc<dyn Calls>) -> Invoked {
        let ready = match self.0.loader.ready(invocation.component).await {
            Ok(ready) => ready,
            Err(error) => return Invoked::Failed(error.into_failure()),
        };
        let _turn = self.0.turn(&ready).await;
        let _running = self.0.ticker.running();
        self.0.caller(&ready).invoke(invocation, calls).await
    }
}

/// Behind a plugin that describes itself there is nothing.
struct Nothing;

#[async_trait::async_trait]
impl Calls for Nothing {
    async fn call(&self, request: Request) -> Called {
        let message = format!(
            "It called `{}` while it described itself, when nothing may be called.",
            request.function()
        );
        Called::Stopped(Failure::new(FailureKind::Plugin, message).with_code(codes::CALL_IN_DESCRIBE))
    }

    fn log(&self, _: Level, _: Stream, _: &str) {}

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}
