//! The versions of the contract that are served, side by side.
//!
//! A component names the version it was built for in what it exports, and is run by that version's module for ever:
//! [`v0_1`] is `runwright:plugin@0.1.0`, with the types that [`bindings`](crate::bindings) has from `wit/` and the
//! interfaces in [`capability`](crate::capability). What the rest of the host sees is the model's and the few types
//! here. Another version is another module, one entry in [`VERSIONS`], and one arm in each `match` below.

mod v0_1;

use runwright_model::{
    failure::FailureKind,
    invocation::{Done, Invocation},
};
use wasmtime::{Store, component::InstancePre};

use crate::{manifest::Said, state::State};

/// Every version that is served, oldest first, as it stands in the names of interfaces.
pub(crate) const VERSIONS: &[&str] = &[v0_1::VERSION];

/// A component that is linked to the version it was built for.
pub(crate) enum Linked {
    /// `runwright:plugin@0.1.0`.
    V0_1(v0_1::Linked),
}

/// An instance of a component, for one call.
pub(crate) enum Instance {
    /// `runwright:plugin@0.1.0`.
    V0_1(v0_1::Instance),
}

/// A failure in a plugin's own words, unchecked.
pub(crate) struct Told {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    pub(crate) retryable: bool,
    /// JSON, if it keeps to the contract.
    pub(crate) details: Option<String>,
}

/// What a function of a plugin answers. The outer error is the runtime's: the guest did not return.
pub(crate) type Answered<T> = wasmtime::Result<Result<T, Told>>;

impl Linked {
    /// Looks for the exports of the component's version.
    pub(crate) fn new(instance: InstancePre<State>) -> wasmtime::Result<Self> {
        v0_1::Linked::new(instance).map(Self::V0_1)
    }

    pub(crate) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Instance> {
        match self {
            Self::V0_1(linked) => linked.instantiate_async(store).await.map(Instance::V0_1),
        }
    }
}

impl Instance {
    /// Runs a step; answers its outputs as text.
    pub(crate) async fn run(&self, store: &mut Store<State>, invocation: &Invocation) -> Answered<String> {
        match self {
            Self::V0_1(instance) => v0_1::run(instance, store, invocation).await,
        }
    }

    /// Undoes a step.
    pub(crate) async fn rollback(
        &self,
        store: &mut Store<State>,
        invocation: &Invocation,
        done: &Done,
    ) -> Answered<()> {
        match self {
            Self::V0_1(instance) => v0_1::rollback(instance, store, invocation, done).await,
        }
    }

    /// Asks what the plugin is.
    pub(crate) async fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<Said> {
        match self {
            Self::V0_1(instance) => v0_1::describe(instance, store).await,
        }
    }
}
