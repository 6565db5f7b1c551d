//! From bytes to components that can be called: checked, compiled, cached, linked.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use runwright_model::{action::Manifest, digest::Digest};
use tokio::sync::OnceCell;
use wasmtime::{
    Engine,
    component::{Component, Linker},
};

use crate::{
    Compiler, Components, Error, Limits, cache::Cache, capability, codes, contract::Linked, imports, preamble, runtime,
    state::State, trap, wasi,
};

/// Components that stay ready in memory. Their code is mapped, so one costs little more than its name.
const READY_MAX: usize = 256;

/// A component that can be called.
pub(crate) struct Ready {
    pub(crate) plugin: Linked,
    /// How many calls' places one of its instances takes.
    pub(crate) places: u32,
    /// What it says of itself, once asked.
    pub(crate) manifest: OnceCell<Manifest>,
}

/// Makes components ready, each once however many ask at the same time.
pub(crate) struct Loader {
    engine: Engine,
    linker: Linker<State>,
    cache: Option<Arc<Cache>>,
    components: Arc<dyn Components>,
    limits: Limits,
    compiler: Option<Compiler>,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    slots: HashMap<Digest, Slot>,
    /// Counts uses; the slot with the smallest count is the one to go.
    clock: u64,
}

struct Slot {
    ready: Arc<OnceCell<Arc<Ready>>>,
    used: u64,
}

impl Loader {
    pub(crate) fn new(
        engine: Engine,
        cache_dir: Option<&Path>,
        components: Arc<dyn Components>,
        limits: Limits,
        compiler: Option<Compiler>,
    ) -> Result<Self, Error> {
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker)
            .and_then(|()| capability::link(&mut linker))
            .map_err(|error| Error::Engine {
                reason: format!("{error:#}"),
            })?;
        let cache = cache_dir
            .map(|folder| Cache::open(folder, configuration(&engine)))
            .transpose()?;
        let shelf = Mutex::default();
        Ok(Self {
            engine,
            linker,
            cache: cache.map(Arc::new),
            components,
            limits,
            compiler,
            shelf,
        })
    }

    /// Where bytes are.
    pub(crate) fn components(&self) -> &Arc<dyn Components> {
        &self.components
    }

    /// The component of this digest, ready to be called.
    pub(crate) async fn ready(&self, digest: Digest) -> Result<Arc<Ready>, Error> {
        let slot = self.slot(digest);
        slot.get_or_try_init(|| self.load(digest, None)).await.cloned()
    }

    /// The same for bytes at hand.
    pub(crate) async fn ready_from(&self, bytes: Vec<u8>) -> Result<Digest, Error> {
        self.check_size(&bytes)?;
        let digest = Digest::of(&bytes);
        let slot = self.slot(digest);
        slot.get_or_try_init(|| self.load(digest, Some(bytes))).await?;
        Ok(digest)
    }

    pub(crate) fn cache(&self) -> Option<&Arc<Cache>> {
        self.cache.as_ref()
    }

    async fn load(&self, digest: Digest, given: Option<Vec<u8>>) -> Result<Arc<Ready>, Error> {
        if let Some(component) = self.mapped(digest).await {
            return self.link(&component);
        }
        let bytes = match given {
            Some(bytes) => bytes,
            None => self.fetch(&digest).await?,
        };
        let making = Making {
            engine: self.engine.clone(),
            cache: self.cache.clone(),
            apart: self.compiler.clone().filter(|_| !self.components.is_trusted(&digest)),
            limits: self.limits.clone(),
        };
        let component = blocking(move || making.component(&digest, &bytes)).await??;
        self.link(&component)
    }

    async fn fetch(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let bytes = self.components.bytes(digest).await.ok_or(Error::Missing(*digest))?;
        self.check_size(&bytes)?;
        let found = Digest::of(&bytes);
        if found == *digest {
            Ok(bytes)
        } else {
            Err(Error::WrongBytes { wanted: *digest, found })
        }
    }

    fn check_size(&self, bytes: &[u8]) -> Result<(), Error> {
        let (used, limit) = (bytes.len() as u64, self.limits.component_bytes);
        if used > limit {
            Err(Error::TooLarge { used, limit })
        } else {
            Ok(())
        }
    }

    async fn mapped(&self, digest: Digest) -> Option<Component> {
        let (engine, cache) = (self.engine.clone(), self.cache.clone()?);
        blocking(move || {
            let path = cache.artifact(&digest)?;
            map(&engine, &path)
                .inspect_err(|error| {
                    tracing::warn!(%error, path = %path.display(), "a compiled plugin cannot be mapped and is made anew");
                    cache.discard(&digest);
                })
                .ok()
        })
        .await
        .ok()
        .flatten()
    }

    fn link(&self, component: &Component) -> Result<Arc<Ready>, Error> {
        imports::check(&self.engine, component)?;
        let other = |error: wasmtime::Error| Error::OtherWorld {
            reason: trap::short(&format!("{error:#}")),
        };
        let instance = self.linker.instantiate_pre(component).map_err(other)?;
        let plugin = Linked::new(instance).map_err(other)?;
        Ok(Arc::new(Ready {
            plugin,
            places: runtime::places(component),
            manifest: OnceCell::new(),
        }))
    }

    fn slot(&self, digest: Digest) -> Arc<OnceCell<Arc<Ready>>> {
        // The shelf is whole between any two statements, so a panic elsewhere leaves it usable.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).slot(digest)
    }
}

impl Shelf {
    fn slot(&mut self, digest: Digest) -> Arc<OnceCell<Arc<Ready>>> {
        self.clock += 1;
        let used = self.clock;
        if let Some(slot) = self.slots.get_mut(&digest) {
            slot.used = used;
            return Arc::clone(&slot.ready);
        }
        if self.slots.len() >= READY_MAX
            && let Some(oldest) = self
                .slots
                .iter()
                .min_by_key(|(_, slot)| slot.used)
                .map(|(digest, _)| *digest)
        {
            self.slots.remove(&oldest);
        }
        let ready = Arc::new(OnceCell::new());
        self.slots.insert(
            digest,
            Slot {
                ready: Arc::clone(&ready),
                used,
            },
        );
        ready
    }
}

/// What it takes to make a component.
struct Making {
    engine: Engine,
    cache: Option<Arc<Cache>>,
    /// The program that compiles it, when it is not compiled in this process.
    apart: Option<Compiler>,
    limits: Limits,
}

impl Making {
    /// Checks and compiles, through the cache if there is one: what is mapped from a file is shared and can be dropped
    /// from memory.
    fn component(&self, digest: &Digest, bytes: &[u8]) -> Result<Component, Error> {
        let (engine, cache) = (&self.engine, self.cache.as_deref());
        preamble::check(bytes)?;
        let compiled = match &self.apart {
            Some(compiler) => compiler.compile(bytes, &configuration(engine), &self.limits)?,
            None => engine
                .precompile_component(bytes)
                .map_err(|error| Error::Broken { reason: reason(&error) })?,
        };
        let kept = cache.map(|cache| cache.keep_artifact(digest, &compiled));
        match kept {
            Some(Ok(path)) => {
                if let Ok(component) = map(engine, &path) {
                    return Ok(component);
                }
            }
            Some(Err(error)) => {
                tracing::warn!(%error, code = codes::CACHE_FOLDER, "a compiled plugin cannot be kept; it will be compiled again");
            }
            None => {}
        }
        #[expect(
            unsafe_code,
            reason = "these bytes were compiled a few lines above, here or by the compiler of this engine"
        )]
        // SAFETY: `compiled` comes from `precompile_component` of an engine of the same configuration. What trusting
        // another process means is written in `compiler/mod.rs`.
        let component = unsafe { Component::deserialize(engine, compiled) };
        // It is sound, so what is left to refuse is its size.
        component.map_err(|error| Error::TooManyParts { reason: reason(&error) })
    }
}

fn reason(error: &wasmtime::Error) -> String {
    trap::short(&format!("{error:#}"))
}

fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    #[expect(unsafe_code, reason = "mapping compiled code trusts the file")]
    // SAFETY: the cache's folder is closed to other users, the file is ours, and its checksum is that of what
    // this engine wrote (`Cache::artifact`). The runtime checks its own version and configuration besides.
    unsafe {
        Component::deserialize_file(engine, path)
    }
}

/// Names what compiled code depends on: the runtime's version and configuration.
pub(crate) fn configuration(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Broken {
        reason: format!("the compiler crashed: {error}"),
    })
}
