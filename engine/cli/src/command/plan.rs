//! `plan`: says what a run would do, without doing any of it.

use std::path::PathBuf;

use runwright::PlanRequest;

use super::run::checked;
use crate::{
    exit::Exit, input, open::library, problem::Problem, render::preview, settings::Settings, targets::TargetArgs,
};

const AFTER_HELP: &str = "\
Examples:
  runwright plan deploy.yaml -p Version=7
  runwright plan patch --target-parameter-name Node --targets Key=ParameterValues,Values=a,b
  runwright plan deploy.yaml -p Version=7 --output json | jq '.steps[] | select(.impact == \"Mutating\")'

Nothing is touched: no store, no account, no parameter. What only a run can know stands there as a
reference. Exits with 0 when it would start, and with 2 when the document or the parameters have errors.";

/// Say what a run would do: steps, inputs, impact, permissions, approvals
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// A runbook's file, its name in the runbook folders, or `-` for standard input
    #[arg(value_name = "FILE|NAME")]
    runbook: String,
    /// A parameter; `Name=@file` takes the file's text
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// A JSON or YAML file with parameters
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    #[command(flatten)]
    targets: TargetArgs,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let parameters = input::parameters(args.parameters.as_deref(), &args.param)?;
    let targets = args.targets.read()?;
    let library = library(settings)?;
    let runbook = library.runbook(&args.runbook).await?;
    checked(&runbook, settings)?;
    let plan = library.plan(PlanRequest {
        runbook,
        parameters,
        targets,
        aws: settings.aws,
    })?;
    let console = &settings.console;
    console.result(&plan, || preview::text(&plan, console.paint()))?;
    if let Some(lacks) = &plan.lacks {
        console.note(&format!("it could not run here: {lacks}"));
    }
    Ok(Exit::Success)
}
