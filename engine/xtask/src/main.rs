//! Project automation, so that it is Rust and not shell: `cargo xtask quickstart`, `cargo xtask test`,
//! `cargo xtask sim`.
//!
//! House rules that the compiler cannot see are tests: `tests/tidy.rs`.

mod aws;
mod fuzz;
mod languages;
mod python;
mod registry;
mod script;

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, bail};

/// The target plugins are built for.
const TARGET: &str = "wasm32-wasip2";

const USAGE: &str = "\
usage: cargo xtask COMMAND

  quickstart [ARGS…]   build everything and run runbooks/quickstart.yaml
  test [ARGS…]         format check, lints, and every test of the workspace; ARGS go to `cargo test`
  lint                 format check and lints only
  fuzz [--seconds N] [--target NAME]
                       feed the journal decoder, the import and the compiler with inputs made up from coverage, for
                       N seconds in all (60)
  torture [--kills N] [--seed N]
                       kill the command N times (500) at random moments, and see that nothing is lost or done twice
  bench peers [ARGS…]  Runwright beside its disk and beside Restate; `bench peers --help` tells more
  script               build script.wasm, which runs JavaScript (rw:script), into target/plugins
  python               build python.wasm, which runs scripts and the AWS API actions, into target/plugins
  languages [path] [LANGUAGE…]
                       build the behaviour suite's plugin in each language whose tools are there, and run the suite; with
                       `path` walk from `plugin new` to a run instead, and say how long each step took
  aws [ARGS…]          the tests against a stand-in for AWS (moto, from PyPI); ARGS go to the tests
  sim [--seeds N] [--from N] [--seed N]
                       the simulation of the executor: ten thousand seeds, N seeds from one on, or one seed with its
                       trace (a failure names the seed, and the knobs that make it smaller)";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match command.as_str() {
        "quickstart" => quickstart(&rest),
        "test" => lint().and_then(|()| test(&rest)),
        "lint" => lint(),
        "torture" => torture(&rest),
        "bench" => bench(&rest),
        "sim" => simulate(&rest),
        "fuzz" => fuzz::fuzz(&rest),
        "script" => script::build().map(|_| ()),
        "python" => python::build().map(|_| ()),
        "aws" => aws::test(&rest),
        "languages" => languages::languages(&rest),
        other => Err(anyhow::anyhow!("unknown command `{other}`\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("xtask is two folders down")
        .to_owned()
}

fn quickstart(rest: &[String]) -> anyhow::Result<()> {
    have_target()?;
    // With the whole workspace selected, dependencies have the features that `test` gives them: one build serves both.
    run(cargo().args(["build", "--workspace", "--bin", "runwright"]))?;
    let binary = target_dir().join("debug").join("runwright");
    run(Command::new(binary)
        .args(["run", "runbooks/quickstart.yaml"])
        .args(rest)
        .current_dir(root()))
}

fn test(rest: &[String]) -> anyhow::Result<()> {
    have_target()?;
    run(cargo().args(["test", "--workspace"]).args(rest))
}

/// The test of that name, with more kills than there is time for among the other tests.
fn torture(rest: &[String]) -> anyhow::Result<()> {
    have_target()?;
    let mut test = cargo();
    test.args(["test", "--workspace", "--test", "torture", "--", "--nocapture"]);
    test.env("TORTURE_KILLS", "500");
    for pair in rest.chunks(2) {
        let (name, number) = match pair {
            [option, number] if option == "--kills" => ("TORTURE_KILLS", number),
            [option, number] if option == "--seed" => ("TORTURE_SEED", number),
            _ => bail!(
                "`torture` has the options `--kills N` and `--seed N`, and not `{}`",
                pair.join(" ")
            ),
        };
        number
            .parse::<u64>()
            .with_context(|| format!("`{number}` is no number"))?;
        test.env(name, number);
    }
    run(&mut test)
}

/// Everything is built before anything is measured.
fn bench(rest: &[String]) -> anyhow::Result<()> {
    let Some(("peers", rest)) = rest.split_first().map(|(name, rest)| (name.as_str(), rest)) else {
        bail!("`cargo bench --package runwright-benches` runs the benches; `cargo xtask bench peers` compares");
    };
    have_target()?;
    run(cargo().args(["build", "--release", "--workspace", "--bin", "runwright"]))?;
    let runwright = std::path::absolute(target_dir().join("release").join("runwright"))?;
    run(cargo()
        .args(["bench", "--workspace", "--bench", "peers", "--", "--runwright"])
        .arg(runwright)
        .args(rest))
}

/// The simulation is a test; this says which seeds it takes.
fn simulate(rest: &[String]) -> anyhow::Result<()> {
    let mut test = cargo();
    test.args(["test", "--workspace", "--test", "simulation", "--", "--nocapture"]);
    for option in rest.chunks(2) {
        let [name, value] = option else {
            bail!("`{}` wants a number\n\n{USAGE}", option.join(" "));
        };
        let variable = match name.as_str() {
            "--seed" => "RUNWRIGHT_SIM_SEED",
            "--seeds" => "RUNWRIGHT_SIM_SEEDS",
            "--from" => "RUNWRIGHT_SIM_FROM",
            other => bail!("unknown option `{other}`\n\n{USAGE}"),
        };
        test.env(variable, value);
    }
    run(&mut test)
}

fn lint() -> anyhow::Result<()> {
    have_target()?;
    for component in ["rustfmt", "clippy"] {
        if !succeeds(cargo().args([if component == "rustfmt" { "fmt" } else { "clippy" }, "--version"])) {
            say(&format!(
                "`{component}` is missing: adding it with `rustup component add {component}`"
            ));
            run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

/// Plugins are built on the way, so their target must be there.
fn have_target() -> anyhow::Result<()> {
    let libraries = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    let libraries = libraries.context("cannot run `rustc`; install Rust with rustup first")?;
    if Path::new(String::from_utf8_lossy(&libraries.stdout).trim()).is_dir() {
        return Ok(());
    }
    say(&format!(
        "plugins are built for {TARGET}, which is missing: adding it with `rustup target add {TARGET}`"
    ));
    run(Command::new("rustup").args(["target", "add", TARGET])).with_context(|| {
        format!("add the target {TARGET} yourself, as your Rust was installed (`rustup target add {TARGET}`)")
    })
}

fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = Path::new(command.get_program());
    let mut words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    words.insert(0, program.file_name().unwrap_or(program.as_os_str()).to_string_lossy());
    let line = words.join(" ");
    say(&format!("$ {line}"));
    let status = command.status().with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "this is a command line")]
fn say(line: &str) {
    eprintln!("{line}");
}
