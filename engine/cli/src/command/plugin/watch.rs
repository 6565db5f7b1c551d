//! `plugin watch`: builds and tries again whenever the author has changed something.

use runwright::author::{self, Project};

use super::project::{Folder, made, scenarios, told};
use crate::{command::test, exit::Exit, problem::Problem, render::scenario, settings::Settings};

/// Rebuild and run the scenarios again on each change
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// End after so many rounds; 0: never
    #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
    rounds: usize,
}

pub(crate) async fn run(args: &Args, settings: &Settings) -> Result<Exit, Problem> {
    let project = Project::open(&args.folder.folder)?;
    let mut watch = author::watch(&project);
    let mut round = 0;
    loop {
        // What an author is in the middle of is no reason to end.
        match tried(&project, settings).await {
            Ok(()) => {}
            Err(problem) => settings.console.problem(&problem),
        }
        round += 1;
        if round == args.rounds {
            return Ok(Exit::Success);
        }
        settings.console.note("waiting for a change");
        let changed = tokio::task::block_in_place(|| watch.changed());
        settings.console.note(&format!("changed: {}", changed.join(", ")));
    }
}

async fn tried(project: &Project, settings: &Settings) -> Result<(), Problem> {
    let built = made(project, settings)?;
    settings.console.note(&told(&built));
    let reports = scenarios(project, false, settings).await?;
    let result = test::Reports::of(reports);
    settings
        .console
        .result(&result, || scenario::text(&result.files, settings.console.paint()))
}
