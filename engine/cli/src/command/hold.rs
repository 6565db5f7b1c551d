//! `pause` and `unpause`: hold an execution, a runbook, or everything, and let it go on.

use runwright::{
    Engine,
    model::{event::Hold, id::ExecutionId},
};
use serde_json::json;

use crate::{
    exit::Exit,
    open::{close, closing_on_error, driving_engine},
    problem::Problem,
    render::text::count,
    settings::Settings,
};

const PAUSE_HELP: &str = "\
Examples:
  runwright pause ID --reason 'looking at it'
  runwright pause --runbook nightly-patch
  runwright pause --everything --reason 'change freeze'

What is under way ends; nothing new begins, also after a restart. Approvals and signals are kept.
`runwright unpause` with the same words lets it go on.";

/// What is meant.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The execution, with its children
    #[arg(value_name = "ID")]
    id: Option<ExecutionId>,
    /// Every execution of this runbook, also those that start later
    #[arg(long, value_name = "NAME")]
    runbook: Option<String>,
    /// Every execution, also those that start later
    #[arg(long)]
    everything: bool,
}

impl What {
    fn hold(&self) -> Option<Hold> {
        match &self.runbook {
            Some(name) => Some(Hold::Runbook(name.clone())),
            None => self.everything.then_some(Hold::Everything),
        }
    }
}

/// Hold an execution, a runbook or everything
#[derive(Debug, clap::Args)]
#[command(after_help = PAUSE_HELP)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    what: What,
    /// Why, kept with it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Let go on what was paused
#[derive(Debug, clap::Args)]
#[command(after_help = "The executions go on with whatever process is the engine, or with `runwright resume`.")]
pub(crate) struct UnpauseArgs {
    #[command(flatten)]
    what: What,
}

pub(crate) async fn pause(args: PauseArgs, settings: &Settings) -> Result<Exit, Problem> {
    let by = runwright::user::name();
    let reason = args.reason.as_deref();
    said(settings, &args.what, "paused", async |engine: &Engine| {
        match (&args.what.id, args.what.hold()) {
            (Some(id), _) => engine.pause(id, &by, reason).await?,
            (None, Some(hold)) => engine.hold(hold, &by, reason).await?,
            (None, None) => {}
        }
        Ok(None)
    })
    .await
}

pub(crate) async fn unpause(args: UnpauseArgs, settings: &Settings) -> Result<Exit, Problem> {
    let by = runwright::user::name();
    said(settings, &args.what, "unpaused", async |engine: &Engine| {
        match (&args.what.id, args.what.hold()) {
            (Some(id), _) => engine.unpause(id, &by).await.map(|()| None),
            (None, Some(hold)) => engine.release(hold, &by).await.map(Some),
            (None, None) => Ok(None),
        }
    })
    .await
}

/// Says it to the engine, and writes what was said of what.
async fn said(
    settings: &Settings,
    what: &What,
    word: &str,
    say: impl AsyncFnOnce(&Engine) -> Result<Option<usize>, runwright::Error>,
) -> Result<Exit, Problem> {
    let engine = driving_engine(settings).await?;
    let released = closing_on_error(&engine, async { Ok(say(&engine).await?) }).await?;
    let mine: Vec<ExecutionId> = what.id.iter().cloned().collect();
    close(engine, settings, &mine).await?;
    let name = match (&what.id, what.hold()) {
        (Some(id), _) => id.to_string(),
        (None, hold) => hold.map_or_else(String::new, |hold| hold.to_string()),
    };
    let answer = json!({ word: name, "executions": released });
    settings.console.result(&answer, || match released {
        Some(number) => format!("{word} {name}: {} had been held\n", count(number, "execution")),
        None => format!("{word} {name}\n"),
    })?;
    Ok(Exit::Success)
}
