//! `plugin watch`: builds and tries again whenever the author has changed something.

use std::{convert::Infallible, thread};

use runwright::author::{self, Project};
use tokio::sync::oneshot;

use super::project::{Folder, made, scenarios, told};
use crate::{
    command::{self, test},
    exit::Exit,
    follow::Stop,
    open::block_on,
    problem::Problem,
    render::scenario,
    settings::Settings,
};

const AFTER_HELP: &str = "\
Examples:
  runwright plugin watch
  runwright plugin watch --run    also run sample.yaml, with all that it does to this machine

Builds, and runs the scenarios in tests/, which play the sample runbook in a world that only answers; then again whenever
a file of the project has changed. What does not build or does not pass is shown, and the next change is waited for.
Ctrl-C ends it, with 130.";

/// Rebuild and run the scenarios again on each change
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// Run the sample runbook too, when its scenarios have passed: for real, as `runwright run sample.yaml` does
    #[arg(long)]
    run: bool,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let project = Project::open(&args.folder.folder)?;
    let mut stop = Stop::listen()?;
    let settings = settings.clone();
    // Compilers and looking at files block: signals are heard beside them.
    let (alive, ended) = oneshot::channel::<Infallible>();
    thread::spawn(move || {
        let _alive = alive;
        let watched = block_on(rounds(&project, args.run, &settings));
        watched.inspect_err(|problem| settings.console.problem(problem))
    });
    tokio::select! {
        exit = stop.asked() => Ok(exit),
        Err(_) = ended => Ok(Exit::Failed),
    }
}

/// One round for each change, until the process ends.
async fn rounds(project: &Project, runs: bool, settings: &Settings) -> Result<Infallible, Problem> {
    let mut watch = author::watch(project);
    loop {
        // What an author is in the middle of is no reason to end.
        if let Err(problem) = tried(project, runs, settings).await {
            settings.console.problem(&problem);
        }
        settings.console.note("waiting for a change");
        let changed = watch.changed();
        settings.console.note(&format!("changed: {}", changed.join(", ")));
    }
}

async fn tried(project: &Project, runs: bool, settings: &Settings) -> Result<(), Problem> {
    let built = made(project, settings)?;
    settings.console.note(&told(&built));
    let result = test::Reports::of(scenarios(project, false, settings).await?);
    settings
        .console
        .result(&result, || scenario::text(&result.files, settings.console.paint()))?;
    match project.sample() {
        Some(sample) if runs && result.ok => {
            let args = command::run::Args::of(sample.display().to_string());
            command::run::run(args, settings).await.map(drop)
        }
        Some(_) | None => Ok(()),
    }
}
