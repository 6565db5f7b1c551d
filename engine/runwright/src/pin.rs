//! Keeps the components of plans in the store, so that an execution runs what it began with.

use std::sync::Arc;

use runwright_model::{digest::Digest, plan::Plan};
use runwright_store::{Expect, Store, Table};

use crate::{Error, shelf::Shelf};

/// The way of components into the store.
pub(crate) struct Pin {
    store: Arc<dyn Store>,
    shelf: Shelf,
}

impl Pin {
    /// Takes from this shelf what the store does not have.
    pub(crate) fn new(store: Arc<dyn Store>, shelf: Shelf) -> Self {
        Self { store, shelf }
    }

    /// Keeps the components and the attachments of a plan; answers those that are nowhere.
    pub(crate) async fn components(&self, plan: &Plan) -> Result<Vec<Digest>, Error> {
        let mut lacking = Vec::new();
        let components = plan.actions.values().map(|spec| &spec.component);
        for digest in components.chain(plan.attachments.values()) {
            if self.shelf.copy(digest).is_some() {
                continue;
            }
            if self.store.get(Table::Components, digest.as_bytes()).await?.is_some() {
                continue;
            }
            match self.shelf.known(digest) {
                Some(bytes) => self.keep(&bytes).await?,
                None => lacking.push(*digest),
            }
        }
        Ok(lacking)
    }

    /// Keeps one component.
    pub(crate) async fn keep(&self, component: &[u8]) -> Result<(), Error> {
        let key = Digest::of(component);
        self.store
            .put(Table::Components, key.as_bytes(), component.to_vec(), Expect::Absent)
            .await?;
        Ok(())
    }
}
