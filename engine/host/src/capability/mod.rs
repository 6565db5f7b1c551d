//! The capabilities: between the types of `wit/` and the requests and answers of the model.
//!
//! A file per interface. None of them decides anything: whether a call is granted, journalled or waits is the
//! business of whoever is behind [`Calls`](runwright_model::invocation::Calls).

mod approvals;
mod aws;
mod blobs;
mod commands;
mod executions;
mod files;
mod http;
mod log;
mod parameters;
mod step;
pub(crate) mod types;
mod waits;

use wasmtime::component::{HasSelf, Linker};

use crate::{bindings, state::State};

/// An interface of `runwright:plugin` that is linked to every plugin.
pub(crate) struct Interface {
    /// Its name in `wit/`.
    pub(crate) name: &'static str,
    link: fn(&mut Linker<State>) -> wasmtime::Result<()>,
}

/// All of them. A new capability is one file here and one line in this table.
pub(crate) const CAPABILITIES: &[Interface] = &[
    Interface {
        name: "types",
        link: |l| bindings::types::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "log",
        link: |l| bindings::log::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "commands",
        link: |l| bindings::commands::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "files",
        link: |l| bindings::files::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "http",
        link: |l| bindings::http::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "parameters",
        link: |l| bindings::parameters::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "approvals",
        link: |l| bindings::approvals::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "waits",
        link: |l| bindings::waits::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "blobs",
        link: |l| bindings::blobs::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "executions",
        link: |l| bindings::executions::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "aws",
        link: |l| bindings::aws::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
    Interface {
        name: "step",
        link: |l| bindings::step::add_to_linker::<_, HasSelf<State>>(l, |s| s),
    },
];

/// Links every interface.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    CAPABILITIES.iter().try_for_each(|interface| (interface.link)(linker))
}

#[cfg(test)]
mod tests {
    use runwright_model::capability::Capability;

    use super::*;

    #[test]
    fn every_capability_of_the_model_is_linked() {
        for capability in Capability::ALL {
            assert!(
                CAPABILITIES
                    .iter()
                    .any(|interface| interface.name == capability.as_str()),
                "{capability}"
            );
        }
    }
}
