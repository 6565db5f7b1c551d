//! `schema`: writes the JSON Schema of the language, for editors.

use crate::{exit::Exit, open::library, problem::Problem, settings::Settings};

const AFTER_HELP: &str = "\
Examples:
  runwright schema > runbook.schema.json
  runwright schema --component plugins/drain.wasm > runbook.schema.json
  runwright schema --tests > runbook-test.schema.json

Editors with the YAML language server show mistakes and complete keys when a runbook opens with
  # yaml-language-server: $schema=runbook.schema.json

`runwright validate` knows more: names of steps, types of references, what can follow what.";

/// Write the JSON Schema of runbooks, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// A component whose action is to be known as well
    #[arg(long, value_name = "FILE")]
    component: Vec<String>,
    /// The schema of test files instead
    #[arg(long, conflicts_with = "component")]
    tests: bool,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let schema = if args.tests {
        runwright::scenario::schema()
    } else {
        library(settings)?.schema(&args.component).await?
    };
    // It is JSON for people too.
    settings.console.result(&schema, || format!("{schema:#}\n"))?;
    Ok(Exit::Success)
}
