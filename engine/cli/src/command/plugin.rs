//! `plugin`: what comes with the engine, and what a component says of itself.

use clap::Subcommand;

use crate::{exit::Exit, open::library, problem::Problem, render::plugin, settings::Settings};

/// Look at plugins
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the plugins that come with the engine
    List,
    /// Show one: inputs, outputs, the capabilities it wants and why
    #[command(
        after_help = "Examples:\n  runwright plugin inspect aws:sleep\n  runwright plugin inspect ./acme-drain.wasm"
    )]
    Inspect {
        /// An action's name, or the file of a component
        #[arg(value_name = "ACTION|FILE")]
        plugin: String,
    },
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let library = library(settings)?;
    let console = &settings.console;
    match args.what {
        What::List => {
            let plugins = library.plugins().await?;
            console.result(&plugins, || plugin::list(&plugins, console.columns()))?;
        }
        What::Inspect { plugin } => {
            let view = library.plugin(&plugin).await?;
            console.result(&view, || plugin::inspect(&view, console.paint()))?;
        }
    }
    Ok(Exit::Success)
}
