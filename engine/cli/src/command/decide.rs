//! `approve` and `reject`: a person's word, and what follows from it.

use runwright::model::id::ExecutionId;

use crate::{
    exit::Exit,
    follow::{Before, Follow},
    open::{closing_on_error, driving_engine},
    problem::Problem,
    settings::Settings,
};

pub(super) const APPROVE_HELP: &str = "\
Examples:
  runwright approve ID
  runwright approve ID --step confirm --comment 'checked with Kim'

You vote as the user you are logged in as. The execution then goes on here, as with `run`.";

pub(super) const REJECT_HELP: &str = "\
Example:
  runwright reject ID --comment 'not before Monday'

One rejection decides. The step fails, and the runbook says what follows.";

/// Options of both.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// The step, when more than one asks
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Said with it, kept in the journal
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Only decide; `resume` makes it go on
    #[arg(long)]
    detach: bool,
    /// Stay also while it waits for another person
    #[arg(long, conflicts_with = "detach")]
    follow: bool,
}

pub(crate) async fn run(args: Args, approve: bool, settings: &Settings) -> Result<Exit, Problem> {
    let engine = driving_engine(settings).await?;
    let (step, comment) = (args.step.as_deref(), args.comment.as_deref());
    let decided = async {
        let before = Before::look(&engine, &args.id).await?;
        engine
            .decide(&args.id, step, approve, &runwright::user::name(), comment)
            .await?;
        Ok(vec![before])
    };
    let before = closing_on_error(&engine, decided).await?;
    let word = if approve { "approved" } else { "rejected" };
    settings.console.say(&format!("{word} {}", args.id));
    if args.detach {
        return super::signal::leave(engine, &args.id, settings).await;
    }
    let follow = Follow {
        settings,
        stay: args.follow,
        exit: &Exit::of,
        before,
    };
    follow.one(engine, &args.id, None).await
}
