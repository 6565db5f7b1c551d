//! `resume`: makes executions go on that a stopped process left.

use runwright::model::id::ExecutionId;

use crate::{
    exit::Exit,
    follow::{Before, Follow},
    open::{closing_on_error, driving_engine},
    problem::Problem,
    settings::Settings,
};

const AFTER_HELP: &str = "\
Examples:
  runwright resume            all that have not ended
  runwright resume ID         this one

Steps that ended well are not run again; a step that was under way goes on from its journal.";

/// Make executions go on that were left unfinished
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which; all that have not ended when none is named
    #[arg(value_name = "ID")]
    ids: Vec<ExecutionId>,
    /// All that have not ended
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Stay also while they wait for a person
    #[arg(long)]
    follow: bool,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let named = !args.ids.is_empty();
    let engine = driving_engine(settings).await?;
    let resumed = closing_on_error(&engine, async {
        let mut ids = args.ids;
        if !named {
            // A child goes on with its parent.
            let rows = engine.unfinished().await?;
            ids.extend(rows.into_iter().filter(|row| row.parent.is_none()).map(|row| row.id));
        }
        let mut before = Vec::new();
        for id in &ids {
            before.push(Before::look(&engine, id).await?);
            engine.resume(id).await?;
        }
        Ok((ids, before))
    });
    let (ids, before) = resumed.await?;
    if ids.is_empty() {
        settings.console.say("nothing to resume: every execution has ended");
    }
    let follow = Follow {
        settings,
        stay: args.follow,
        exit: &Exit::of,
        before,
    };
    match ids.as_slice() {
        [only] if named => follow.one(engine, only, None).await,
        several => follow.several(engine, several).await,
    }
}
