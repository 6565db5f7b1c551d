//! `validate`: compiles runbooks and says what is wrong with them.

use runwright::{Diagnostic, Runbook};
use serde::Serialize;

use crate::{exit::Exit, open::library, problem::Problem, render::text::count, settings::Settings};

/// Check runbooks: everything that can be known before they run
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runwright validate deploy.yaml\n  runwright validate runbooks/*.yaml --output json"
)]
pub(crate) struct Args {
    /// Runbook files, or names in the runbook folders
    #[arg(value_name = "FILE|NAME", required = true)]
    runbooks: Vec<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    runbooks: Vec<Checked<'a>>,
}

#[derive(Serialize)]
struct Checked<'a> {
    runbook: &'a str,
    file: &'a str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    diagnostics: &'a [Diagnostic],
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let library = library(settings)?;
    let mut runbooks = Vec::new();
    for name in &args.runbooks {
        runbooks.push(library.runbook(name).await?);
    }
    let checked: Vec<Checked<'_>> = runbooks.iter().map(checked).collect();
    let ok = checked.iter().all(|one| one.ok);
    if !settings.console.json {
        for runbook in &runbooks {
            settings
                .console
                .diagnostics(&runbook.source, &runbook.compiled.diagnostics);
        }
    }
    let report = Report { ok, runbooks: checked };
    settings
        .console
        .result(&report, || report.runbooks.iter().map(line).collect())?;
    Ok(if ok { Exit::Success } else { Exit::BadInput })
}

fn checked(runbook: &Runbook) -> Checked<'_> {
    let plan = runbook.compiled.plan.as_ref();
    Checked {
        runbook: &runbook.source.name,
        file: &runbook.source.origin,
        ok: plan.is_some(),
        steps: plan.map(|plan| plan.steps.len()),
        parameters: plan.map(|plan| plan.parameters.len()),
        plan: plan.map(|plan| plan.digest().to_string()),
        diagnostics: &runbook.compiled.diagnostics,
    }
}

/// Nothing for one that has errors: they were shown.
fn line(checked: &Checked<'_>) -> String {
    match (checked.steps, checked.parameters) {
        (Some(steps), Some(parameters)) => {
            format!(
                "ok: {}: {}, {}\n",
                checked.runbook,
                count(steps, "step"),
                count(parameters, "parameter")
            )
        }
        _ => String::new(),
    }
}
