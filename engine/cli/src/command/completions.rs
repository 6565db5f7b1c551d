//! `completions`: a script that teaches a shell the words of this command.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::{exit::Exit, problem::Problem, settings::Settings};

const AFTER_HELP: &str = "\
Examples:
  runwright completions bash > ~/.local/share/bash-completion/completions/runwright
  runwright completions zsh > ~/.zfunc/_runwright
  runwright completions fish > ~/.config/fish/completions/runwright.fish";

/// Write the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::args::Args::command(), "runwright", &mut script);
    let script = String::from_utf8_lossy(&script);
    let object = json!({ "shell": args.shell.to_string(), "script": script });
    settings.console.result(&object, || script.to_string())?;
    Ok(Exit::Success)
}
