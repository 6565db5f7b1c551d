//! The contract of `wit/`, as generated.
//!
//! Plugins use the re-exports at the crate's root, and [`Host`](crate::Host) instead of the functions here:
//! on the host these functions panic.

#![allow(missing_docs, clippy::all, reason = "generated from wit/, whose comments are kept")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "plugin",
    export_macro_name: "export_plugin",
    pub_export_macro: true,
    default_bindings_module: "runwright_sdk::bindings",
    additional_derives: [PartialEq],
    // What a rollback reads back from the calls recorded, in the form the journal keeps.
    additional_type_attributes: {
        "runwright:plugin/files@0.1.0/kind": [
            #[derive(serde::Serialize, serde::Deserialize)]
            #[serde(rename_all = "lowercase")]
        ],
        "runwright:plugin/files@0.1.0/facts": [#[derive(serde::Serialize, serde::Deserialize)]],
        "runwright:plugin/files@0.1.0/kept": [#[derive(serde::Serialize, serde::Deserialize)]],
        "runwright:plugin/parameters@0.1.0/parameter-type": [#[derive(serde::Serialize, serde::Deserialize)]],
        "runwright:plugin/parameters@0.1.0/parameter": [#[derive(serde::Serialize, serde::Deserialize)]],
    },
    additional_member_attributes: {
        "runwright:plugin/parameters@0.1.0/parameter-type.plain": [#[serde(rename = "String")]],
        "runwright:plugin/parameters@0.1.0/parameter-type.text-list": [#[serde(rename = "StringList")]],
        "runwright:plugin/parameters@0.1.0/parameter-type.secure": [#[serde(rename = "SecureString")]],
    },
});
