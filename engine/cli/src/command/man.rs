//! `man`: the manual pages, made from the same definition as the help.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::CommandFactory as _;
use serde_json::json;

use crate::{exit::Exit, problem::Problem, settings::Settings};

const AFTER_HELP: &str = "\
Examples:
  runwright man | man -l -
  runwright man --dir ~/.local/share/man/man1     one page per verb";

/// Write the manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Write all pages into this folder, instead of the first to standard output
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let command = crate::args::Args::command();
    match args.dir {
        None => {
            let page = page(command)?;
            settings.console.result(&json!({ "page": page }), || page.clone())?;
        }
        Some(folder) => {
            fs::create_dir_all(&folder).map_err(|why| unwritable(&folder, &why))?;
            let mut command = command.disable_help_subcommand(true);
            command.build();
            let mut files = Vec::new();
            write_pages(&command, &folder, &mut files)?;
            settings.console.result(&json!({ "files": files }), || {
                files.iter().map(|file| format!("{file}\n")).collect()
            })?;
        }
    }
    Ok(Exit::Success)
}

/// A page for the command and each of its verbs: `runwright-param-put.1` and so on.
fn write_pages(command: &clap::Command, folder: &Path, files: &mut Vec<String>) -> Result<(), Problem> {
    let page = clap_mangen::Man::new(command.clone());
    let file = page.generate_to(folder).map_err(|why| unwritable(folder, &why))?;
    files.push(file.display().to_string());
    for verb in command.get_subcommands() {
        write_pages(verb, folder, files)?;
    }
    Ok(())
}

fn page(command: clap::Command) -> Result<String, Problem> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|why| Problem::trouble(format!("the manual page cannot be made: {why}")))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn unwritable(path: &Path, why: &std::io::Error) -> Problem {
    Problem::bad_input(format!("cannot write {}: {why}", path.display()))
}
