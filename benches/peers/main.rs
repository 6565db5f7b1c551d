//! How fast is Runwright beside the disk it writes to, and beside the fastest durable engine there is?
//!
//! `cargo xtask bench peers` launches this. Every measurement is a process of its own (so that memory and caches are
//! its own) and probes the disk in the same minute: a disk shared with others differs twentyfold from one minute to
//! the next. `docs/PERFORMANCE.md` says what each figure means, and holds the table that is written here.
//!
//! No test asserts a figure of this.

mod compile;
mod crash;
mod disk;
mod engine;
mod figures;
mod machine;
mod plan;
mod restate;
mod startup;
mod steps;
mod table;
mod waiting;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use figures::Figures;
use plan::{Measurement, Scale};

/// As in the `runwright` binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can go wrong in a measurement: it is told and the next one goes on.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "\
usage: cargo xtask bench peers [OPTIONS]

  --quick              a hundredth of everything: says whether the harness works, measures nothing
  --restate            measure Restate too; npm installs it into the scratch folder when it is not there
  --only NAME,NAME     only these measurements
  --output json        the figures as JSON on stdout instead of the table
  --write              put the table into docs/PERFORMANCE.md
  --scratch FOLDER     where to work, on the disk to be measured; by default in Cargo's target folder";

/// The options, understood.
#[derive(Debug, Default)]
struct Options {
    scale: Scale,
    restate: bool,
    only: Vec<String>,
    help: bool,
    json: bool,
    write: bool,
    scratch: Option<PathBuf>,
    runwright: Option<PathBuf>,
    /// Measure one thing in this process, in this folder.
    role: Option<(String, PathBuf)>,
    /// When this process was started: the first moment of a measurement that includes its start.
    spawned_ns: Option<u128>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let options = options(std::env::args().skip(1))?;
    match &options.role {
        Some((name, folder)) => act(name, folder, &options),
        None if options.help => {
            print(USAGE);
            Ok(())
        }
        None => measure_all(&options),
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Outcome<Options> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("`{argument}` needs a value\n\n{USAGE}"))
        };
        match argument.as_str() {
            // Cargo says that this is a bench.
            "--bench" => {}
            "--help" => options.help = true,
            "--quick" => options.scale = Scale::Quick,
            "--restate" => options.restate = true,
            "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
            "--output" if value()? == "json" => options.json = true,
            "--write" => options.write = true,
            "--scratch" => options.scratch = Some(value()?.into()),
            "--runwright" => options.runwright = Some(value()?.into()),
            "--role" => options.role = Some((value()?, value()?.into())),
            "--spawned-ns" => options.spawned_ns = Some(value()?.parse()?),
            other => return Err(format!("`{other}` is not understood\n\n{USAGE}").into()),
        }
    }
    for name in &options.only {
        if Measurement::named(name).is_none() && name != "restate" {
            let names: Vec<&str> = Measurement::ALL.iter().map(Measurement::name).collect();
            return Err(format!(
                "there is no measurement `{name}`; there are {}, restate",
                names.join(", ")
            )
            .into());
        }
    }
    Ok(options)
}

/// Measures everything that was asked for, one after the other, and tells.
fn measure_all(options: &Options) -> Outcome<()> {
    let folder = plan::scratch(options.scratch.as_deref())?;
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let mut figures = Figures::default();
    let load_before = machine::load();
    for measurement in Measurement::ALL.iter().filter(|one| wanted(one.name())) {
        say(&format!("{} …", measurement.name()));
        let run = plan::Run {
            measurement: *measurement,
            folder: &folder,
            scale: options.scale,
            runwright: options.runwright.as_deref(),
        };
        match run.measure() {
            Ok(measured) => figures.add(measurement.name(), measured),
            Err(error) => figures.missing(measurement.name(), &error.to_string()),
        }
    }
    if wanted("restate") {
        let measured = if options.restate {
            say("restate …");
            restate::measure(&folder, options.scale)
        } else {
            Err("--restate was not given".into())
        };
        match measured {
            Ok(measured) => figures.add("restate", measured),
            Err(error) => figures.missing("restate", &error.to_string()),
        }
    }
    figures.machine = machine::describe(&load_before);
    plan::tidy(&folder)?;
    report(&figures, options)
}

fn report(figures: &Figures, options: &Options) -> Outcome<()> {
    let table = table::markdown(figures, options.scale);
    if options.json {
        print(&serde_json::to_string_pretty(&figures.to_json())?);
    } else {
        print(&table);
    }
    if options.write {
        table::put_into_page(&table)?;
    }
    Ok(())
}

/// One measurement, in this process.
fn act(name: &str, folder: &Path, options: &Options) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let scale = options.scale;
    let spawned = options.spawned_ns;
    let figures = runtime.block_on(async {
        match name {
            "single" => steps::single(folder, scale).await,
            "many" => steps::many(folder, scale).await,
            "pure" => steps::pure(folder, scale).await,
            "history" => steps::history(folder, scale).await,
            "crash-fill" => crash::fill(folder, scale).await,
            "crash-resume" => crash::resume(folder, scale, spawned).await,
            "waiting-fill" => waiting::fill(folder, scale).await,
            "waiting-decide" => waiting::decide(folder, scale, spawned).await,
            "compile" => compile::measure(folder, scale).await,
            other => Err(format!("there is no role `{other}`").into()),
        }
    })?;
    print(&serde_json::to_string(&figures)?);
    runtime.shutdown_background();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn print(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "this is a command line")]
fn say(text: &str) {
    eprintln!("{text}");
}
