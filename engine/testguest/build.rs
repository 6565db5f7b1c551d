//! Compiles `guest/` to a component.

#![allow(clippy::print_stdout, reason = "cargo reads a build script's orders from its output")]

use std::{env, path::PathBuf, process::Command};

/// What cargo sets for the build of the engine and must not reach the build of the guest.
const FOREIGN: &[&str] = &[
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output folder"));
    for path in [
        "build.rs",
        "guest/Cargo.toml",
        "guest/Cargo.lock",
        "guest/src",
        "../../wit",
        "../model/src",
    ] {
        println!("cargo::rerun-if-changed={}", here.join(path).display());
    }
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo names itself"));
    cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            "wasm32-wasip2",
            "--manifest-path",
        ])
        .arg(here.join("guest/Cargo.toml"))
        .env("CARGO_TARGET_DIR", out.join("guest"));
    for variable in FOREIGN {
        cargo.env_remove(variable);
    }
    let status = cargo.status().expect("cargo can be started a second time");
    assert!(
        status.success(),
        "the test guest did not compile (its messages are above). If the compiler cannot find crate `core` or `std`, \
         the target is missing: run `rustup target add wasm32-wasip2`"
    );
}
