//! `plugin list`, `inspect` and `check`: what comes with the engine, what a component says of itself, and whether it holds.

use std::path::{Path, PathBuf};

use serde_json::Map;

use super::project::component;
use crate::{exit::Exit, input, open::library, problem::Problem, render::plugin, settings::Settings};

/// Show one: inputs, outputs, the capabilities it wants and why
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runwright plugin inspect aws:sleep\n  runwright plugin inspect ./acme-drain.wasm\n  \
                        runwright plugin inspect .    the component of this project"
)]
pub(crate) struct InspectArgs {
    /// An action's name, the file of a component, or a project's folder
    #[arg(value_name = "ACTION|FILE|DIR")]
    plugin: String,
}

const CHECK_HELP: &str = "\
Examples:
  runwright plugin check                      the component of this project
  runwright plugin check ./acme-drain.wasm
  runwright plugin check --input Node=web-1   with inputs of one's own

Compares what it imports with what the host offers, reads its schemas, and tries a step with it in a world where everything
is granted and answered: `run`, `rollback`, and both again with the engine stopped at each append. Then once more where
every capability is denied: it must end, and may fail.
Exits with 0 when there is no problem, with 2 when there is one.";

/// Check a component: imports, manifest, run and rollback
#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_HELP)]
pub(crate) struct CheckArgs {
    /// The file of a component, or a project's folder
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    what: PathBuf,
    /// An input of the step that is tried: JSON, or text
    #[arg(long, value_name = "KEY=VALUE")]
    input: Vec<String>,
}

pub(crate) async fn check(args: CheckArgs, settings: &Settings) -> Result<Exit, Problem> {
    let inputs = args.input.iter().map(|word| input::input(word));
    let inputs = inputs.collect::<Result<Map<_, _>, _>>()?;
    let file = component(&args.what, settings)?;
    let (checkup, console) = (library(settings)?.check(&file, inputs).await?, &settings.console);
    console.result(&checkup, || plugin::checkup(&checkup, console.paint()))?;
    Ok(if checkup.ok { Exit::Success } else { Exit::BadInput })
}

pub(crate) async fn list(settings: &Settings) -> Result<Exit, Problem> {
    let (plugins, console) = (library(settings)?.plugins().await?, &settings.console);
    console.result(&plugins, || plugin::list(&plugins, console.columns()))?;
    Ok(Exit::Success)
}

pub(crate) async fn inspect(args: InspectArgs, settings: &Settings) -> Result<Exit, Problem> {
    let plugin = component(Path::new(&args.plugin), settings)?.display().to_string();
    let (view, console) = (library(settings)?.plugin(&plugin).await?, &settings.console);
    console.result(&view, || plugin::inspect(&view, console.paint()))?;
    Ok(Exit::Success)
}
