//! `resume`: makes executions go on that a stopped process left.

use runwright::{
    Choice, Engine, Repair,
    model::{id::ExecutionId, status::Status},
    view::ExecutionView,
};

use crate::{
    exit::Exit,
    follow::{Before, Follow},
    input,
    open::{closing_on_error, driving_engine},
    problem::Problem,
    settings::Settings,
};

const AFTER_HELP: &str = "\
Examples:
  runwright resume            all that have not ended
  runwright resume ID         this one; one that failed goes on at the step that failed
  runwright resume ID --from prepare
  runwright resume ID -p Version=8 --affected again
  runwright resume ID --input deploy.Commands='[\"make deploy\"]'

Steps that ended well are not run again; a step that was under way goes on from its journal.
When steps that ended well read a changed value, nothing is done until `--affected` says what
becomes of them.";

/// Make executions go on that were left unfinished
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which; all that have not ended when none is named
    #[arg(value_name = "ID")]
    ids: Vec<ExecutionId>,
    /// All that have not ended
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Begin with this step, although it ended already
    #[arg(long, value_name = "STEP", requires = "ids")]
    from: Option<String>,
    /// A parameter with another value; `Name=@file` takes the file's text
    #[arg(short, long = "param", value_name = "NAME=VALUE", requires = "ids")]
    param: Vec<String>,
    /// An input of a step with another value: JSON, or text
    #[arg(long, value_name = "STEP.KEY=VALUE", requires = "ids")]
    input: Vec<String>,
    /// Steps that ended well and read a changed value run again, with all that comes after them, or are kept
    #[arg(long, value_name = "CHOICE", requires = "ids")]
    affected: Option<Affected>,
    /// Stay also while they wait for a person
    #[arg(long)]
    follow: bool,
}

/// What becomes of finished steps that read a changed value.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Affected {
    Again,
    Keep,
}

impl Args {
    /// What is to be other than before.
    fn repair(&self) -> Result<Repair, Problem> {
        Ok(Repair {
            by: String::new(),
            from: self.from.clone(),
            parameters: input::parameters(None, &self.param)?,
            inputs: self
                .input
                .iter()
                .map(|word| input::step_input(word))
                .collect::<Result<_, _>>()?,
            affected: match self.affected {
                None => Choice::Ask,
                Some(Affected::Again) => Choice::Again,
                Some(Affected::Keep) => Choice::Keep,
            },
        })
    }

    fn changes_something(&self) -> bool {
        self.from.is_some() || !self.param.is_empty() || !self.input.is_empty()
    }
}

/// Whether one that has this status begins again after its end. One that was not named has not ended, or ended just now
/// in another process: nobody asked for what has failed to be tried again.
fn begins_again(named: bool, status: Status) -> bool {
    named && status.is_final() && status != Status::Success
}

/// Makes one go on: from its journal, or after its end.
async fn resume(engine: &Engine, view: &ExecutionView, args: &Args, repair: &Repair) -> Result<(), Problem> {
    if begins_again(!args.ids.is_empty(), view.status) || args.changes_something() {
        return Ok(engine
            .repair(&view.id, &runwright::user::name(), repair.clone())
            .await?);
    }
    Ok(engine.resume(&view.id).await?)
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let named = !args.ids.is_empty();
    let engine = driving_engine(settings).await?;
    let resumed = closing_on_error(&engine, async {
        let repair = args.repair()?;
        let mut ids = args.ids.clone();
        if !named {
            // A child goes on with its parent.
            let rows = engine.unfinished().await?;
            ids.extend(rows.into_iter().filter(|row| row.parent.is_none()).map(|row| row.id));
        }
        let mut before = Vec::new();
        for id in &ids {
            let was = Before::look(&engine, id).await?;
            resume(&engine, was.view(), &args, &repair).await?;
            before.push(was);
        }
        Ok((ids, before))
    });
    let (ids, before) = resumed.await?;
    if ids.is_empty() {
        settings.console.say("nothing to resume: every execution has ended");
    }
    let follow = Follow {
        settings,
        stay: args.follow,
        exit: &Exit::of,
        before,
    };
    match ids.as_slice() {
        [only] if named => follow.one(engine, only, None).await,
        several => follow.several(engine, several).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_named_begins_again_after_its_end() {
        assert!(begins_again(true, Status::Failed) && begins_again(true, Status::RolledBack));
        assert!(!begins_again(true, Status::Success) && !begins_again(true, Status::InProgress));
        // It ended between the list of those that have not and the look at it.
        assert!(!begins_again(false, Status::Failed) && !begins_again(false, Status::RolledBack));
    }
}
