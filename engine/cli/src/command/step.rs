//! `step`: starts the next step of an interactive execution, or completes it.

use runwright::model::id::ExecutionId;
use serde_json::Map;

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
  runwright run patch.yaml --mode interactive --id careful
  runwright step careful                        the next step, when there is only one
  runwright step careful restart --input Commands='[\"systemctl restart web\"]'
  runwright step careful --complete             no more steps: it ends as what ran says

Exits with 3 while it waits for the next step to be started.";

/// Start the next step of an interactive execution
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// The step, when more than one can be started
    #[arg(value_name = "STEP")]
    step: Option<String>,
    /// An input of the step with another value than in the document: JSON, or text
    #[arg(long, value_name = "KEY=VALUE")]
    input: Vec<String>,
    /// Start no more steps: end the execution as what ran says
    #[arg(long, conflicts_with_all = ["step", "input"])]
    complete: bool,
    /// Stay also while it waits for a person
    #[arg(long)]
    follow: bool,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let inputs = args.input.iter().map(|word| input::input(word));
    let inputs = inputs.collect::<Result<Map<_, _>, _>>()?;
    let engine = driving_engine(settings).await?;
    let told = async {
        let before = Before::look(&engine, &args.id).await?;
        let by = runwright::user::name();
        if args.complete {
            engine.complete(&args.id, &by).await?;
        } else {
            engine.start_step(&args.id, args.step.as_deref(), &by, inputs).await?;
        }
        Ok(vec![before])
    };
    let before = closing_on_error(&engine, told).await?;
    let follow = Follow {
        settings,
        stay: args.follow,
        exit: &Exit::of,
        before,
    };
    follow.one(engine, &args.id, None).await
}
