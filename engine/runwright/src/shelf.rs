//! The bytes of components, by content: those built in, those read from files, those kept in the store.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use runwright_host::Components;
use runwright_model::digest::Digest;
use runwright_store::{Store, Table};

use crate::outside::copy_of;

/// The components that are part of this program.
static OWN: LazyLock<HashSet<Digest>> = LazyLock::new(|| {
    let bundled = runwright_bundle::plugins().iter();
    bundled.map(|bundled| Digest::of(bundled.bytes)).collect()
});

/// All components this process knows. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Inner>);

#[derive(Default)]
struct Inner {
    known: Mutex<HashMap<Digest, Arc<[u8]>>>,
    store: Mutex<Option<Arc<dyn Store>>>,
    /// Where copies of components stand that are too large for the store.
    copies: Option<PathBuf>,
}

impl Shelf {
    /// Looks in this folder as well.
    pub(crate) fn with_copies(copies: PathBuf) -> Self {
        Self(Arc::new(Inner {
            copies: Some(copies),
            ..Inner::default()
        }))
    }

    /// The file of a component that is too large for the store, if there is one.
    pub(crate) fn copy(&self, digest: &Digest) -> Option<PathBuf> {
        let copies = self.0.copies.as_ref()?;
        Some(copy_of(copies, digest)).filter(|file| file.is_file())
    }

    /// Adds a component, and answers its digest.
    pub(crate) fn add(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(digest).or_insert_with(|| bytes.into());
        digest
    }

    /// Whether it is part of this program.
    pub(crate) fn is_own(digest: &Digest) -> bool {
        OWN.contains(digest)
    }

    /// Also looks into this store from now on; without one, into none.
    pub(crate) fn attach(&self, store: Option<Arc<dyn Store>>) {
        *self.0.store.lock().unwrap_or_else(PoisonError::into_inner) = store;
    }

    /// The bytes, when no store is needed for them.
    pub(crate) fn known(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        self.0
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(digest)
            .cloned()
    }

    /// The bytes, wherever they are.
    pub(crate) async fn find(&self, digest: &Digest) -> Option<Vec<u8>> {
        if let Some(bytes) = self.known(digest) {
            return Some(bytes.to_vec());
        }
        if let Some(file) = self.copy(digest) {
            return tokio::task::spawn_blocking(move || std::fs::read(file))
                .await
                .ok()?
                .ok();
        }
        let store = self.0.store.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        store.get(Table::Components, digest.as_bytes()).await.ok().flatten()
    }
}

#[async_trait::async_trait]
impl Components for Shelf {
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.find(digest).await
    }

    fn is_trusted(&self, digest: &Digest) -> bool {
        Self::is_own(digest)
    }
}
