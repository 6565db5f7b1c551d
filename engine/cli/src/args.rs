//! What was typed: the options every verb has, and the verbs. It looks at nothing but the words.
//!
//! A verb's own options stand in `command/<verb>.rs`; what the common ones mean is in [`crate::settings`].

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, Parser, ValueEnum};

use crate::command::Verb;

const AFTER_HELP: &str = "\
Examples:
  runwright validate deploy.yaml          check a runbook
  runwright run deploy.yaml -p Version=7  run it and watch
  runwright list --status waiting         who waits for a person?
  runwright approve ID                    say yes, and let it go on
  runwright show ID                       what happened, and why
  runwright explain RW-S005               what an error code means

Exit codes:
  0 success   1 failed   2 bad input   3 waiting   4 rollback failed   5 cancelled

Environment:
  RUNWRIGHT_STATE_DIR  as --state-dir     RUNWRIGHT_LOG  lines of the engine itself: info, debug, …
  RUNWRIGHT_RUNBOOKS   as --runbooks      NO_COLOR       no colours
  RUNWRIGHT_PLUGINS    as --plugins       RUNWRIGHT_AWS  as --aws
  OTEL_EXPORTER_OTLP_ENDPOINT             send traces there (OTLP over HTTP)";

/// Runs runbooks: durable steps, sandboxed plugins, and a way back.
#[derive(Debug, Parser)]
#[command(name = "runwright", version, after_help = AFTER_HELP, max_term_width = 100)]
#[command(
    propagate_version = false,
    disable_help_subcommand = false,
    arg_required_else_help = true
)]
pub(crate) struct Args {
    /// The common options.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The options of every verb.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Global {
    /// Where executions are kept [default: $XDG_STATE_HOME/runwright or ~/.local/state/runwright]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Folders searched for runbooks given by name, separated by colons [default: runbooks]
    #[arg(long = "runbooks", global = true, value_name = "DIRS", value_delimiter = ':')]
    pub(crate) runbook_folders: Vec<PathBuf>,
    /// Folders searched for python.wasm and script.wasm, separated by colons [default: plugins in the state directory]
    #[arg(long = "plugins", global = true, value_name = "DIRS", value_delimiter = ':')]
    pub(crate) plugin_folders: Vec<PathBuf>,
    /// Let steps act on AWS, with the region and credentials of this environment
    #[arg(long, global = true)]
    pub(crate) aws: bool,
    /// How the result is written: text or json
    #[arg(long, global = true, value_name = "FORM", value_enum, default_value_t = Output::Text)]
    #[arg(hide_possible_values = true)]
    pub(crate) output: Output,
    /// When to use colours: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    #[arg(hide_possible_values = true)]
    pub(crate) color: Colour,
    /// Show more: what steps say, on a terminal too; twice: the engine's own log
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Show the result and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// The forms of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whether the words ask for JSON, for when they cannot be read as a whole.
pub(crate) fn wants_json(words: &[OsString]) -> bool {
    let pairs = words.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json");
    pairs || words.iter().any(|word| word == "--output=json")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(Into::into).collect()
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn json_is_recognised_in_words_that_make_no_sense() {
        assert!(wants_json(&words("runwright nonsense --output json")));
        assert!(wants_json(&words("runwright --output=json nonsense")));
        assert!(!wants_json(&words("runwright run --output text")));
    }
}
