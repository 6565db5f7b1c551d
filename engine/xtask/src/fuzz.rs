//! `cargo xtask fuzz`: builds the targets of `engine/fuzz` with coverage, and lets each run for its share of the time.
//! One more target, [`COMPONENTS`], is a test of the host, which generates components and runs them.
//!
//! The compiler of the rest of the project does it: the flags are those that `cargo fuzz` sets, less the address
//! sanitizer, which only a nightly compiler has and which finds little where `unsafe` is denied. With `cargo fuzz`
//! installed, `cargo fuzz run TARGET` works in `engine/fuzz` as well.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use anyhow::{Context as _, bail};

use crate::{cargo, root, run, say, target_dir};

/// The coverage that libFuzzer needs. With a target named, build scripts and macros do not get it.
const RUSTFLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// All that an input may take before it counts as a finding.
const LIMITS: [&str; 2] = ["-rss_limit_mb=1024", "-timeout=20"];

/// What is fuzzed.
struct Target {
    name: &'static str,
    /// Inputs are no longer than this.
    bytes: u32,
    /// Files of the project that are good inputs, beside those in `corpus/`.
    seeds: &'static [&'static str],
}

const TARGETS: [Target; 3] = [
    Target {
        name: "journal",
        bytes: 8 << 10,
        seeds: &["engine/store/tests/journals/v1"],
    },
    Target {
        name: "stream",
        bytes: 32 << 10,
        seeds: &[],
    },
    Target {
        name: "document",
        bytes: 8 << 10,
        seeds: &["runbooks", "engine/compiler/tests/fixtures/documents"],
    },
];

/// The target that is no program of the fuzzer: `engine/host/tests/all/generated.rs`, with modules that a program of
/// `engine/fuzz` makes. Coverage of the Wasm runtime would cost minutes of building it again.
const COMPONENTS: &str = "components";
/// That program.
const MODULES: &str = "modules";

/// Builds the targets and runs them one after the other.
pub(crate) fn fuzz(arguments: &[String]) -> anyhow::Result<()> {
    let (mut seconds, mut only) = (60, None);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--seconds" => {
                seconds = value
                    .parse()
                    .with_context(|| format!("`{value}` is no number of seconds"))?
            }
            "--target" => only = Some(value),
            other => bail!("unknown option `{other}`: there are --seconds N and --target NAME"),
        }
    }
    let chosen: Vec<&Target> = TARGETS
        .iter()
        .filter(|target| only.is_none_or(|name| name == target.name))
        .collect();
    let components = only.is_none_or(|name| name == COMPONENTS);
    if chosen.is_empty() && !components {
        bail!(
            "there is no such target; there are {}, {COMPONENTS}",
            TARGETS.map(|target| target.name).join(", ")
        );
    }
    let triple = triple()?;
    build(&triple)?;
    let binaries = folder().join(&triple).join("release");
    let each = (seconds / (chosen.len() + usize::from(components)) as u64).max(1);
    for target in chosen {
        target.run(&binaries.join(target.name), each)?;
    }
    if components {
        run_components(&build_modules()?, each)?;
    }
    Ok(())
}

/// Runs the host's test with seeds that nobody tried before; it prints the seed of an input that fails.
fn run_components(modules: &Path, seconds: u64) -> anyhow::Result<()> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let seed = env::var("RUNWRIGHT_FUZZ_SEED").unwrap_or_else(|_| since.as_micros().to_string());
    let filter = "generated::components_that_nobody_wrote";
    run(cargo()
        .args(["test", "--workspace", "--test", "all", "--", "--nocapture", filter])
        .env("RUNWRIGHT_FUZZ_SECONDS", seconds.to_string())
        .env("RUNWRIGHT_FUZZ_SEED", seed)
        .env("RUNWRIGHT_FUZZ_MODULES", modules))
}

impl Target {
    /// What it finds goes to a folder of its own below the build; what is in the repository is only read.
    fn run(&self, binary: &Path, seconds: u64) -> anyhow::Result<()> {
        let (found, crashes) = (
            folder().join("corpus").join(self.name),
            folder().join("artifacts").join(self.name),
        );
        fs::create_dir_all(&found)?;
        fs::create_dir_all(&crashes)?;
        let seeds = self.seeds.iter().map(|seeds| root().join(seeds));
        let output = Command::new(binary)
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={}", self.bytes))
            .arg(format!("-artifact_prefix={}/", crashes.display()))
            .args(LIMITS)
            .arg("-print_final_stats=1")
            .arg(&found)
            .arg(root().join("engine/fuzz/corpus").join(self.name))
            .args(seeds)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            say(&format!("fuzz {}: {}", self.name, summary(&said)));
            return Ok(());
        }
        let tail: Vec<&str> = said.lines().rev().take(60).collect();
        tail.iter().rev().for_each(|line| say(line));
        let input = said.lines().find_map(|line| line.split_once("Test unit written to "));
        let input = input.map_or("the input above", |(_, path)| path);
        bail!(
            "target {} found something in {input}\n  replay it: {} {input}\n  make it smaller: {} -minimize_crash=1 -runs=100000 {input}",
            self.name,
            binary.display(),
            binary.display(),
        )
    }
}

/// How many inputs were tried, and what they added to the coverage of those that were there.
fn summary(said: &str) -> String {
    let coverage = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "cov:");
        words.nth(1).map(str::to_owned)
    };
    let at = |mark: &str| said.lines().rev().find(|line| line.contains(mark)).and_then(coverage);
    let before = at("INITED").unwrap_or_else(|| "?".into());
    let after = at("DONE").unwrap_or_else(|| "?".into());
    let stat = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().last())
            .unwrap_or("?")
            .to_owned()
    };
    format!(
        "{} inputs, {} of them new; coverage {before} with the kept corpus, {after} now; {} MiB",
        stat("stat::number_of_executed_units"),
        stat("stat::new_units_added"),
        stat("stat::peak_rss_mb"),
    )
}

fn build(triple: &str) -> anyhow::Result<()> {
    let bins = TARGETS.iter().flat_map(|target| ["--bin", target.name]);
    run(cargo()
        .args(["build", "--release", "--locked", "--target", triple])
        .args(["--manifest-path", "engine/fuzz/Cargo.toml"])
        .args(bins)
        .env("CARGO_TARGET_DIR", folder())
        .env("RUSTFLAGS", RUSTFLAGS))
}

/// Builds what makes modules, which is no target: nobody counts its coverage, so it has no fuzzer to link to.
fn build_modules() -> anyhow::Result<PathBuf> {
    run(cargo()
        .args(["build", "--release", "--locked", "--bin", MODULES])
        .args(["--manifest-path", "engine/fuzz/Cargo.toml"])
        .env("CARGO_TARGET_DIR", folder()))?;
    Ok(folder().join("release").join(MODULES))
}

/// Beside what the rest of the project builds, which has other flags.
fn folder() -> PathBuf {
    root().join(target_dir()).join("fuzz")
}

/// The name of the machine that this runs on.
fn triple() -> anyhow::Result<String> {
    let told = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output()
        .context("cannot run `rustc`")?;
    Ok(String::from_utf8(told.stdout)?.trim().to_owned())
}
