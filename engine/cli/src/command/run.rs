//! `run`: compiles a runbook, starts it, and watches.

use std::path::PathBuf;

use runwright::{
    Begun, Runbook, StartRequest,
    model::{event, id::ExecutionId},
};

use crate::{
    exit::Exit,
    follow::{Before, Follow},
    input,
    open::{closing_on_error, driving_engine},
    problem::Problem,
    settings::Settings,
    targets::TargetArgs,
};

const AFTER_HELP: &str = "\
Examples:
  runwright run deploy.yaml -p Version=7
  runwright run deploy -p Notes=@notes.txt     a file's text; `@@` for a value that begins with `@`
  runwright run patch --target-parameter-name Node --targets Key=ParameterValues,Values=a,b
  runwright run nightly --id nightly-2026-11-21  start it once, however often this is called

Without --follow it stops when only a person can make it go on, says how, and exits with 3.
Ctrl-C leaves the execution where it is: `runwright resume ID` goes on.";

/// Run a runbook and watch it
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// A runbook's file, its name in the runbook folders, or `-` for standard input
    #[arg(value_name = "FILE|NAME")]
    runbook: String,
    /// A parameter; `Name=@file` takes the file's text
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// A JSON or YAML file with parameters
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// The execution's id; the same id with the same input finds the execution that is there
    #[arg(long, value_name = "ID")]
    id: Option<ExecutionId>,
    /// `interactive`: each step begins when `runwright step` says so
    #[arg(long, value_name = "MODE", default_value = "auto", ignore_case = true)]
    mode: Mode,
    /// Stay also while it waits for a person
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    targets: TargetArgs,
}

impl Args {
    /// For a runbook and nothing else.
    pub(crate) fn of(runbook: String) -> Self {
        Self {
            runbook,
            param: Vec::new(),
            parameters: None,
            id: None,
            mode: Mode::Auto,
            follow: false,
            targets: TargetArgs::default(),
        }
    }
}

/// How an execution goes from step to step.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Mode {
    Auto,
    Interactive,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let parameters = input::parameters(args.parameters.as_deref(), &args.param)?;
    let targets = args.targets.read()?;
    let engine = driving_engine(settings).await?;
    let started = async {
        let runbook = engine.library().runbook(&args.runbook).await?;
        checked(&runbook, settings)?;
        let request = StartRequest {
            runbook,
            parameters,
            id: args.id,
            by: runwright::user::name(),
            mode: match args.mode {
                Mode::Auto => event::Mode::Auto,
                Mode::Interactive => event::Mode::Interactive,
            },
        };
        let begun = match targets {
            Some(targets) => engine.start_on(request, targets).await?,
            None => engine.start(request).await?,
        };
        let before = if begun.existing {
            vec![Before::look(&engine, &begun.id).await?]
        } else {
            Vec::new()
        };
        Ok((begun, before))
    };
    let (begun, before) = closing_on_error(&engine, started).await?;
    announce(&begun, settings);
    let follow = Follow {
        settings,
        stay: args.follow,
        exit: &Exit::of,
        before,
    };
    follow.one(engine, &begun.id, Some(begun.existing)).await
}

/// Shows warnings; errors end it here.
pub(super) fn checked(runbook: &Runbook, settings: &Settings) -> Result<(), Problem> {
    let found = &runbook.compiled.diagnostics;
    if runbook.compiled.plan.is_none() {
        return Err(Problem::document(runbook.source.clone(), found.clone()));
    }
    if !settings.console.quiet {
        settings.console.diagnostics(&runbook.source, found);
    }
    Ok(())
}

fn announce(begun: &Begun, settings: &Settings) {
    let what = if begun.existing { "was there already" } else { "started" };
    settings.console.say(&format!("execution {} {what}", begun.id));
}
