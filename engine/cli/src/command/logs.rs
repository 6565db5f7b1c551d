//! `logs`: what steps and their commands said.

use runwright::{Engine, model::id::ExecutionId};

use crate::{
    exit::Exit,
    follow::Stop,
    open::engine,
    problem::Problem,
    render::{console::Reader, logs},
    settings::Settings,
};

const AFTER_HELP: &str = "\
Examples:
  runwright logs ID --step build
  runwright logs ID --follow

With --output json every line is an object of its own: {\"line\": 0, \"at\": …, \"step\": …, \"text\": …}.";

/// Lines fetched at once.
const LINES_AT_ONCE: usize = 1_000;

/// Show what the steps of an execution said
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// Only this step
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Stay until the execution has ended
    #[arg(long)]
    follow: bool,
    /// From this line on, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    since_line: u64,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let engine = engine(settings).await?;
    let outcome = show(&engine, &args, settings).await;
    engine.close().await?;
    outcome
}

async fn show(engine: &Engine, args: &Args, settings: &Settings) -> Result<Exit, Problem> {
    let mut stop = if args.follow { Some(Stop::listen()?) } else { None };
    let (mut next, mut seen) = (args.since_line, 0);
    loop {
        // Looked at first, so that no line comes between the last look and the end.
        let over = engine.show(&args.id).await?.status.is_final();
        if let Some(reached) = write_from(engine, args, next, settings).await? {
            next = reached;
        } else {
            return Ok(Exit::Success);
        }
        let Some(stop) = stop.as_mut().filter(|_| !over) else {
            return Ok(Exit::Success);
        };
        tokio::select! {
            exit = stop.asked() => return Ok(exit),
            changed = engine.changed(&args.id, seen) => seen = changed?,
        }
    }
}

/// Writes all there is from a line on; answers the next line's number, or `None` when nobody reads any more.
async fn write_from(engine: &Engine, args: &Args, mut next: u64, settings: &Settings) -> Result<Option<u64>, Problem> {
    loop {
        let lines = engine.logs(&args.id, next, LINES_AT_ONCE).await?;
        for (number, line) in &lines {
            next = number + 1;
            if args.step.as_ref().is_some_and(|step| *step != line.step) {
                continue;
            }
            let console = &settings.console;
            let text = if console.json {
                logs::object(*number, line).to_string()
            } else {
                logs::line(line, console.paint())
            };
            if console.out(&format!("{text}\n"))? == Reader::Gone {
                return Ok(None);
            }
        }
        if lines.len() < LINES_AT_ONCE {
            return Ok(Some(next));
        }
    }
}
