//! Makes components out of the core modules that Go and C compile to, and carries the text of `wit/` for whoever needs
//! it: projects get a copy, generators read it.
//!
//! It runs no compiler of any language and knows nothing of hosts. Its one idea: nobody who writes a plugin should have
//! to install a tool for components.

use thiserror::Error;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

/// The files of `wit/`, by name.
pub const WIT: &[(&str, &str)] = &[
    ("action.wit", include_str!("../../../wit/action.wit")),
    ("approvals.wit", include_str!("../../../wit/approvals.wit")),
    ("aws.wit", include_str!("../../../wit/aws.wit")),
    ("blobs.wit", include_str!("../../../wit/blobs.wit")),
    ("commands.wit", include_str!("../../../wit/commands.wit")),
    ("executions.wit", include_str!("../../../wit/executions.wit")),
    ("files.wit", include_str!("../../../wit/files.wit")),
    ("http.wit", include_str!("../../../wit/http.wit")),
    ("log.wit", include_str!("../../../wit/log.wit")),
    ("parameters.wit", include_str!("../../../wit/parameters.wit")),
    ("step.wit", include_str!("../../../wit/step.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("waits.wit", include_str!("../../../wit/waits.wit")),
    ("world.wit", include_str!("../../../wit/world.wit")),
];

/// Why there is no component.
#[derive(Debug, Error)]
pub enum Error {
    /// The module is none, or does not fit the contract.
    #[error(
        "the module is no plugin: {reason}. It must import and export what `wit/` says, as the SDK of its language does; \
         build it with the SDK's own bindings, unchanged"
    )]
    Module {
        /// What the encoder says.
        reason: String,
    },
}

/// Makes a component out of a core module that speaks the canonical ABI of the world `plugin` and imports WASI
/// preview 1, if anything. The bytes of the same module give the same component.
///
/// # Errors
///
/// [`Error::Module`] when it is no module, or imports or exports something else.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, Error> {
    let refuse = |reason: String| Error::Module { reason };
    let (resolve, world) = contract();
    let mut module = module.to_vec();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .and_then(|()| {
            ComponentEncoder::default()
                .validate(true)
                .module(&module)?
                .adapter(
                    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
                )?
                .encode()
        })
        .map_err(|error| refuse(format!("{error:#}")))
}

/// The contract, read: the package, and its world `plugin`.
///
/// # Panics
///
/// Never: the texts are part of this crate, and a test reads them.
#[must_use]
pub fn contract() -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let mut files = wit_parser::SourceMap::default();
    for (name, text) in WIT {
        files.push_str(name, *text);
    }
    let group: UnresolvedPackageGroup = files.parse().map_err(|(_, error)| error).expect("wit/ is valid WIT");
    let package = resolve.push_group(group).expect("wit/ depends on nothing else");
    let world = resolve
        .select_world(&[package], Some("plugin"))
        .expect("the contract has the world `plugin`");
    (resolve, world)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_contract_is_carried() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, WIT.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        drop(contract());
    }

    #[test]
    fn what_is_no_plugin_is_refused_with_its_reason() {
        let no_module = encode(b"#!/bin/sh").unwrap_err().to_string();
        assert!(no_module.contains("is no plugin"), "{no_module}");
        let empty = encode(b"\0asm\x01\0\0\0").unwrap_err().to_string();
        assert!(empty.contains("runwright:plugin/action@0.1.0"), "{empty}");
    }
}
