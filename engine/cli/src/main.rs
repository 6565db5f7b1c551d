//! The `runwright` command: words in, words out. All it can do, the library can do.
//!
//! Standard output carries the result and nothing else; everything for the person who watches goes to standard
//! error. The exit codes are in [`exit`], the verbs in [`command`].

use std::{env, ffi::OsString, process::ExitCode};

use clap::Parser as _;

mod args;
mod command;
mod exit;
mod follow;
mod input;
mod open;
mod problem;
mod render;
mod settings;
mod targets;
mod telemetry;

use crate::{
    args::Args,
    exit::Exit,
    problem::Problem,
    render::{console, console::Console},
    settings::Settings,
};

/// A step is a hundred small allocations on several threads; the C library's allocator takes a lock for most of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The engine starts this program again for each command: then it is that command's supervisor and nothing else.
    if let Some(exit) = runwright::local::commands::supervise_if_asked() {
        return exit;
    }
    // And for each component of a stranger: then it compiles that and does nothing else.
    if let Some(exit) = runwright::compile_if_asked() {
        return exit;
    }
    let words: Vec<OsString> = env::args_os().collect();
    let args = match Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(refusal) => return usage(&refusal, args::wants_json(&words)).into(),
    };
    let settings = Settings::new(&args.global);
    let telemetry = telemetry::install(lines_of_the_engine(args.global.verbose), settings.console.colour_err);
    let verb = args.verb.name();
    let work = || command::run(args.verb, &settings);
    let exit = tracing::info_span!("runwright", verb)
        .in_scope(work)
        .unwrap_or_else(|problem| {
            settings.console.problem(&problem);
            problem.exit
        });
    telemetry.flush();
    exit.into()
}

fn lines_of_the_engine(verbose: u8) -> &'static str {
    match verbose {
        0 | 1 => "warn",
        2 => "warn,runwright=info",
        _ => "warn,runwright=debug",
    }
}

/// Help goes to standard output and is a success; a mistake is bad input.
fn usage(refusal: &clap::Error, json: bool) -> Exit {
    if !refusal.use_stderr() {
        console::ignore(refusal.print());
        return Exit::Success;
    }
    if json {
        let text = refusal.render().to_string();
        let first: Vec<&str> = text
            .lines()
            .map(str::trim)
            .take_while(|line| !line.is_empty())
            .collect();
        let message = first.join(" ").trim_start_matches("error: ").to_owned();
        Console::for_programs().problem(&Problem::bad_input(message).help("`runwright --help` shows how"));
    } else {
        console::ignore(refusal.print());
    }
    Exit::BadInput
}
