//! `show`: one execution, or one of its steps, whole.

use runwright::model::id::ExecutionId;

use crate::{
    exit::Exit,
    open::engine,
    problem::Problem,
    render::{execution, text},
    settings::Settings,
};

/// Show an execution: its steps, what failed and why, what it waits for
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runwright show ID\n  runwright show ID --step stopService   one step, with inputs and outputs"
)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// Only this step, with its inputs and outputs uncut
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let engine = engine(settings).await?;
    let view = engine.show(&args.id).await;
    engine.close().await?;
    let view = view?;
    let console = &settings.console;
    let now = text::now();
    match &args.step {
        None => {
            let command = |rest: &str| settings.command(rest);
            console.result(&view, || execution::whole(&view, now, console.paint(), &command))?;
        }
        Some(name) => {
            let step = view.steps.iter().find(|step| step.name == *name).ok_or_else(|| {
                let names: Vec<&str> = view.steps.iter().map(|step| step.name.as_str()).collect();
                Problem::bad_input(format!("execution {} has no step `{name}`", view.id))
                    .help(format!("its steps are {}", names.join(", ")))
            })?;
            console.result(step, || execution::one_step(step, now, console.paint()))?;
        }
    }
    Ok(Exit::Success)
}
