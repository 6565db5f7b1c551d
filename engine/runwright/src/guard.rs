//! Lets the host call only components that the operator trusts, whoever brought them: a runbook is checked where it is
//! compiled, and that may have been another process, under another policy.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use runwright_model::{
    digest::Digest,
    failure::{Failure, FailureKind},
    invocation::{Calls, Invocation, Invoked, Invoker},
};

use crate::{Library, distribution::Distribution, shelf::Shelf};

/// The host behind the operator's demands.
pub(crate) struct Guard {
    host: Arc<runwright_host::Host>,
    shelf: Shelf,
    distribution: Arc<Distribution>,
    /// What was found good: the signatures of one component do not change while this process lives.
    good: Mutex<HashSet<(String, Digest)>>,
}

impl Guard {
    pub(crate) fn new(library: &Library) -> Self {
        Self {
            host: library.host.clone(),
            shelf: library.shelf.clone(),
            distribution: library.distribution.clone(),
            good: Mutex::default(),
        }
    }

    async fn check(&self, action: &str, component: &Digest) -> Result<(), Failure> {
        // What comes with the engine, or was put into its plugin folders, was trusted with the engine.
        let installed = Shelf::is_own(component) || self.shelf.copy(component).is_some();
        if self.distribution.trust.is_empty() || installed {
            return Ok(());
        }
        let known = (action.to_owned(), *component);
        if self
            .good
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&known)
        {
            return Ok(());
        }
        // One that is missing is told by the host.
        let Some(bytes) = self.shelf.find(component).await else {
            return Ok(());
        };
        let proofs = self.distribution.registry.proofs(component);
        proofs
            .and_then(|proofs| self.distribution.trust.check(action, &bytes, &proofs))
            .map_err(|error| Failure {
                retryable: false,
                ..Failure::new(FailureKind::Denied, error.to_string()).with_code(error.code())
            })?;
        self.good.lock().unwrap_or_else(PoisonError::into_inner).insert(known);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Invoker for Guard {
    async fn invoke(&self, invocation: Invocation, calls: Arc<dyn Calls>) -> Invoked {
        match self.check(&invocation.action, &invocation.component).await {
            Ok(()) => self.host.invoke(invocation, calls).await,
            Err(failure) => Invoked::Failed(failure),
        }
    }
}
