//! `rollback`: undoes what an ended execution did.

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
Steps are undone in the reverse of the order in which they ended. Exits with 0 when all is undone, and with
4 when a step could not be: look at `runwright show ID`, mend what is in the way, and call it again.";

/// Undo what an ended execution did
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let engine = engine_for(settings, std::slice::from_ref(&args.id)).await?;
    let asked = async {
        let before = Before::look(&engine, &args.id).await?;
        engine.rollback(&args.id, &user::name()).await?;
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

/// Undone is what was asked for here.
fn exit_of(status: Status) -> Exit {
    if status == Status::RolledBack {
        Exit::Success
    } else {
        Exit::of(status)
    }
}
