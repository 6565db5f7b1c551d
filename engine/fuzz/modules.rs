//! Writes a core module that looks like a plugin from outside: every import and export of the world in `wit/`, and
//! arbitrary bodies behind them. `modules SEED` writes the module of that seed to standard output.
//!
//! `engine/host/tests/all/generated.rs` makes components of such modules and runs them, so that the Wasm runtime needs
//! not be built once more with the fuzzer's flags. The modules in `engine/host/tests/generated` came from here.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use arbitrary::Unstructured;
use fastrand::Rng;
use wasm_smith::{Config, Module};
use wit_component::dummy_module;
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// Bytes of chance for one module.
const CHANCE_BYTES: usize = 6 * 1024;

fn main() -> ExitCode {
    let Some(seed) = std::env::args().nth(1).and_then(|text| text.parse().ok()) else {
        eprintln!("usage: modules SEED");
        return ExitCode::FAILURE;
    };
    let module = generated(&mut Rng::with_seed(seed));
    match io::stdout().write_all(&module) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the module: {error}");
            ExitCode::FAILURE
        }
    }
}

fn generated(rng: &mut Rng) -> Vec<u8> {
    let config = config();
    loop {
        let chance: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(CHANCE_BYTES).collect();
        if let Ok(module) = Module::new(config.clone(), &mut Unstructured::new(&chance)) {
            return module.to_bytes();
        }
    }
}

fn config() -> Config {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit"))
        .expect("the contract is sound");
    let world = resolve
        .select_world(&[package], Some("plugin"))
        .expect("it has this world");
    let shape = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    Config {
        available_imports: Some(shape.clone()),
        exports: Some(shape),
        max_memories: 1,
        max_memory32_bytes: 8 << 20,
        max_tables: 4,
        max_table_elements: 100_000,
        // What the runtime's configuration leaves out would only be refused.
        gc_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        // `externref` would want a collector.
        reference_types_enabled: false,
        ..Config::default()
    }
}
