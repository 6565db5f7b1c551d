//! Rust types and traits generated from `wit/`. Everything here comes from one macro; read `wit/` instead.

#![allow(unreachable_pub, reason = "generated; visibility is not ours to choose")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "plugin",
    imports: {
        "runwright:plugin/log": trappable,
        default: async | trappable,
    },
    exports: { default: async },
});

pub(crate) use exports::runwright::plugin::action;
pub(crate) use runwright::plugin::{
    approvals, aws, blobs, commands, executions, files, http, log, parameters, step, types, waits,
};
