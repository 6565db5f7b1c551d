//! `cancel`: asks an execution to stop, and waits until it has.

use runwright::model::{id::ExecutionId, status::Status};

use crate::{
    exit::Exit,
    follow::{Before, Follow},
    open::{closing_on_error, engine_for},
    problem::Problem,
    settings::Settings,
    user,
};

const AFTER_HELP: &str = "\
Example:
  runwright cancel ID --reason 'wrong version'

Nothing new starts. A runbook's `onCancel` steps still run. What was done stays done:
`runwright rollback ID` undoes it. Exits with 0 when the execution is cancelled.";

/// Stop an execution for good
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// Why, kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let engine = engine_for(settings, std::slice::from_ref(&args.id)).await?;
    let asked = async {
        let before = Before::look(&engine, &args.id).await?;
        engine.cancel(&args.id, &user::name(), args.reason.as_deref()).await?;
        Ok(vec![before])
    };
    let before = closing_on_error(&engine, asked).await?;
    Follow {
        settings,
        stay: true,
        exit: exit_of,
        before,
    }
    .one(engine, &args.id, None)
    .await
}

/// Cancelled is what was asked for here. One that ended another way first is shown as what it became.
fn exit_of(status: Status) -> Exit {
    if status == Status::Cancelled {
        Exit::Success
    } else {
        Exit::of(status)
    }
}
