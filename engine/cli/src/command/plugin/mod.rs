//! `plugin`: making plugins, and looking at them.

mod lock;
mod look;
mod project;
mod publish;
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
  runwright plugin push build/drain.wasm registry.example/acme/drain:1.0.0 --key release.key

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
    /// Put a component into a registry
    Push(publish::Push),
    /// Get a component out of a registry
    Pull(publish::Pull),
    /// Make a pair of keys to sign with
    Keygen(publish::Keygen),
    /// Sign a component, in a file or in a registry
    Sign(publish::Sign),
    /// Check who signed a component
    Verify(publish::Verify),
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    match args.what {
        What::List => look::list(settings).await,
        What::Inspect(args) => look::inspect(args, settings).await,
        What::New(args) => project::new(args, settings),
        What::Build(args) => project::build(&args, settings),
        What::Test(args) => project::test(&args, settings).await,
        What::Check(args) => look::check(args, settings).await,
        What::Lock(args) => lock::run(&args, settings).await,
        What::Push(args) => publish::push(args, settings).await,
        What::Pull(args) => publish::pull(args, settings).await,
        What::Keygen(args) => publish::keygen(&args, settings),
        What::Sign(args) => publish::sign(args, settings).await,
        What::Verify(args) => publish::verify(args, settings).await,
        What::Watch(args) => watch::run(args, settings).await,
    }
}
