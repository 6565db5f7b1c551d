//! `cancel` and `rollback`: ask for the end of an execution, or for its undoing, and wait until it is done.

use runwright::{
    Engine,
    model::{id::ExecutionId, status::Status},
};

use crate::{
    exit::Exit,
    follow::{Before, Follow},
    open::{closing_on_error, driving_engine},
    problem::Problem,
    settings::Settings,
};

const CANCEL_HELP: &str = "\
Example:
  runwright cancel ID --reason 'wrong version'

Nothing new starts. A runbook's `onCancel` steps still run. What was done stays done:
`runwright rollback ID` undoes it. Exits with 0 when the execution is cancelled.";

const ROLLBACK_HELP: &str = "\
Examples:
  runwright rollback ID                 undo everything, or go on with a rollback that failed
  runwright rollback ID --to prepare    undo what ended after the step `prepare`; `resume` then goes on after it
  runwright rollback ID --skip drain --reason 'undone by hand'

Steps are undone in the reverse of the order in which they ended. Exits with 0 when all is undone, and with
4 when a step could not be: `runwright why ID` says which and why; mend it and call this again, or skip it.";

/// Stop an execution for good
#[derive(Debug, clap::Args)]
#[command(after_help = CANCEL_HELP)]
pub(crate) struct CancelArgs {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// Why, kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Undo what an ended execution did
#[derive(Debug, clap::Args)]
#[command(after_help = ROLLBACK_HELP)]
pub(crate) struct RollbackArgs {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// Keep this step and all that ended before it
    #[arg(long, value_name = "STEP")]
    to: Option<String>,
    /// Leave this step, whose undoing failed, as it is, and go on
    #[arg(long, value_name = "STEP", requires = "reason")]
    skip: Option<String>,
    /// Why it need not be undone, kept in the journal
    #[arg(long, value_name = "TEXT", requires = "skip")]
    reason: Option<String>,
}

pub(crate) async fn cancel(args: CancelArgs, settings: &Settings) -> Result<Exit, Problem> {
    let (id, reason) = (&args.id, args.reason.as_deref());
    let by = runwright::user::name();
    until(settings, id, Status::Cancelled, async |engine| {
        engine.cancel(id, &by, reason).await
    })
    .await
}

pub(crate) async fn rollback(args: RollbackArgs, settings: &Settings) -> Result<Exit, Problem> {
    let by = runwright::user::name();
    until(settings, &args.id, Status::RolledBack, async |engine| {
        engine
            .rollback(
                &args.id,
                &by,
                args.to.as_deref(),
                args.skip.as_deref().zip(args.reason.as_deref()),
            )
            .await
    })
    .await
}

/// Asks for it, and watches until the execution has ended: as it was asked for, or as what it became.
async fn until(
    settings: &Settings,
    id: &ExecutionId,
    wanted: Status,
    ask: impl AsyncFnOnce(&Engine) -> Result<(), runwright::Error>,
) -> Result<Exit, Problem> {
    let engine = driving_engine(settings).await?;
    let asked = async {
        let before = Before::look(&engine, id).await?;
        ask(&engine).await?;
        Ok(vec![before])
    };
    let before = closing_on_error(&engine, asked).await?;
    let exit = move |status| match status {
        status if status == wanted => Exit::Success,
        other => Exit::of(other),
    };
    Follow {
        settings,
        stay: true,
        exit: &exit,
        before,
    }
    .one(engine, id, None)
    .await
}
