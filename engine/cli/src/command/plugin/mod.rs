//! `plugin`: making plugins, and looking at them.

mod lock;
mod look;
mod project;
mod watch;

use clap::Subcommand;

use crate::{exit::Exit, problem::Problem, settings::Settings};

const AFTER_HELP: &str = "\
Examples:
  runwright plugin new acme:drain --lang python   a project that builds, is tested and runs at once
  runwright plugin build                          with the language's own tools, in the project's folder
  runwright plugin test --crash                   its scenarios, also with the engine stopped at each append
  runwright plugin check                          what an operator would ask
  runwright plugin lock deploy.yaml               pin a runbook's plugins by digest

docs/PLUGINS.md says what a plugin is, and what it may do.";

/// Make plugins of one's own, check and look at them
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the plugins that come with the engine
    List,
    Inspect(look::InspectArgs),
    New(project::NewArgs),
    Build(project::BuildArgs),
    Check(look::CheckArgs),
    Test(project::TestArgs),
    Watch(watch::Args),
    Lock(lock::Args),
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    match args.what {
        What::List => look::list(settings).await,
        What::Inspect(args) => look::inspect(args, settings).await,
        What::New(args) => project::new(args, settings),
        What::Build(args) => project::build(&args, settings),
        What::Test(args) => project::test(&args, settings).await,
        What::Check(args) => look::check(args, settings).await,
        What::Lock(args) => lock::run(&args, settings),
        What::Watch(args) => watch::run(&args, settings).await,
    }
}
