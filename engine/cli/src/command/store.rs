//! `store`: care for the state directory.

use clap::Subcommand;

use crate::{exit::Exit, problem::Problem, render::text::size, settings::Settings};

/// Look after the state directory
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Read everything, and say what is damaged
    Check,
    /// Give back the room that removed executions took
    Compact,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let folder = settings.state_dir()?;
    match args.what {
        What::Check => check(folder, settings).await,
        What::Compact => compact(folder, settings).await,
    }
}
