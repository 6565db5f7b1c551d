//! `signal`: sends an execution what it waits for.

use runwright::{Engine, model::id::ExecutionId};
use serde_json::Value;

use crate::{
    exit::Exit,
    follow::{Before, Follow},
    input,
    open::{close, closing_on_error, driving_engine},
    problem::Problem,
    render::text,
    settings::Settings,
};

const AFTER_HELP: &str = "\
Examples:
  runwright signal ID Resume                 a step that `aws:pause` holds
  runwright signal ID Deployed --payload '{\"version\": 7}'";

/// Send an execution a signal, and let it go on
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// The signal's name; `Resume` for a paused step
    #[arg(value_name = "NAME")]
    name: String,
    /// The step, when more than one waits for it
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// What goes with it: JSON, or text
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// Only send; `resume` makes it go on
    #[arg(long)]
    detach: bool,
    /// Stay also while it waits for a person
    #[arg(long, conflicts_with = "detach")]
    follow: bool,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let engine = driving_engine(settings).await?;
    let payload = args.payload.as_deref().map_or(Value::Null, input::json_or_text);
    let sent = async {
        let before = Before::look(&engine, &args.id).await?;
        let step = args.step.as_deref();
        engine
            .signal(&args.id, &args.name, step, &runwright::user::name(), payload)
            .await?;
        Ok(vec![before])
    };
    let before = closing_on_error(&engine, sent).await?;
    settings
        .console
        .say(&format!("sent `{}` to {}", text::visible(&args.name), args.id));
    if args.detach {
        return leave(engine, &args.id, settings).await;
    }
    let follow = Follow {
        settings,
        stay: args.follow,
        exit: &Exit::of,
        before,
    };
    follow.one(engine, &args.id, None).await
}

/// Writes the execution as it stands, and for people only how it goes on, and closes the engine.
pub(super) async fn leave(engine: Engine, id: &ExecutionId, settings: &Settings) -> Result<Exit, Problem> {
    let view = engine.show(id).await;
    close(engine, settings, std::slice::from_ref(id)).await?;
    settings.console.result(&view?, || {
        format!("{id} goes on with\n    {}\n", settings.command(&format!("resume {id}")))
    })?;
    Ok(Exit::Success)
}
