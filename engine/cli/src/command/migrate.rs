//! `migrate --dry-run`: whether an execution could go on with another version of its runbook.

use runwright::model::id::ExecutionId;
use serde_json::json;

use crate::{exit::Exit, open::engine, problem::Problem, render::text::visible, settings::Settings};

const AFTER_HELP: &str = "\
Example:
  runwright migrate ID --to deploy.yaml --dry-run

An execution keeps the plan and the plugins it began with, whatever becomes of the file. This only says whether
what has begun means the same in the other version. Exits with 0 when it fits, and with 1 when it does not.";

/// Say whether an execution fits another version of its runbook
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
    /// The other version: a file, or a name in the runbook folders
    #[arg(long, value_name = "FILE|NAME")]
    to: String,
    /// Only say; nothing is changed. There is no other way yet
    #[arg(long, required = true)]
    dry_run: bool,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let runbook = crate::open::library(settings)?.runbook(&args.to).await?;
    let Some(plan) = &runbook.compiled.plan else {
        return Err(Problem::document(runbook.source, runbook.compiled.diagnostics));
    };
    let engine = engine(settings).await?;
    let misfits = engine.misfits(&args.id, plan).await;
    engine.close().await?;
    let misfits = misfits?;
    let fits = misfits.is_empty();
    let answer = json!({ "id": args.id, "to": args.to, "fits": fits, "misfits": misfits });
    settings.console.result(&answer, || {
        if fits {
            return format!("{} fits {}\n", args.id, args.to);
        }
        let lines: Vec<String> = misfits
            .iter()
            .map(|misfit| format!("  - {}\n", visible(&misfit.why)))
            .collect();
        format!("{} does not fit {}:\n{}", args.id, args.to, lines.concat())
    })?;
    Ok(if fits { Exit::Success } else { Exit::Failed })
}
