//! `rerun`: the same plan with the same parameters, as a new execution.

use runwright::model::id::ExecutionId;

use crate::{
    exit::Exit,
    follow::Follow,
    open::{closing_on_error, driving_engine},
    problem::Problem,
    settings::Settings,
};

const AFTER_HELP: &str = "\
Examples:
  runwright rerun ID
  runwright rerun ID --id nightly-2026-11-22-again

Everything runs again from the start, with the plan and the plugins that ID began with, whatever became of the
file. `runwright resume ID` goes on with what is done instead; `runwright run FILE` takes the file as it is now.";

/// Start the plan of an execution again, with the same parameters
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The execution to run again
    #[arg(value_name = "ID")]
    of: ExecutionId,
    /// The new execution's id
    #[arg(long, value_name = "ID")]
    id: Option<ExecutionId>,
    /// Stay also while it waits for a person
    #[arg(long)]
    follow: bool,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let engine = driving_engine(settings).await?;
    let by = runwright::user::name();
    let begun = closing_on_error(&engine, async { Ok(engine.rerun(&args.of, &by, args.id).await?) }).await?;
    settings
        .console
        .say(&format!("execution {} started, as {} was", begun.id, args.of));
    let follow = Follow {
        settings,
        stay: args.follow,
        exit: &Exit::of,
        before: Vec::new(),
    };
    follow.one(engine, &begun.id, Some(begun.existing)).await
}
