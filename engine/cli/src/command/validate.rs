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
    /// Refuse what AWS Systems Manager does not know, and name each use of it
    #[arg(long)]
    strict_aws: bool,
}

/// A runbook with all that was found in it.
struct Found {
    runbook: Runbook,
    diagnostics: Vec<Diagnostic>,
    /// Whether it may be used as it was asked for.
    ok: bool,
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
    let mut all = Vec::new();
    for name in &args.runbooks {
        all.push(found(library.runbook(name).await?, args.strict_aws));
    }
    let checked: Vec<Checked<'_>> = all.iter().map(checked).collect();
    let ok = checked.iter().all(|one| one.ok);
    if !settings.console.json {
        for found in &all {
            settings.console.diagnostics(&found.runbook.source, &found.diagnostics);
        }
    }
    let report = Report { ok, runbooks: checked };
    settings
        .console
        .result(&report, || report.runbooks.iter().map(line).collect())?;
    Ok(if ok { Exit::Success } else { Exit::BadInput })
}

fn found(runbook: Runbook, strict_aws: bool) -> Found {
    let mut diagnostics = runbook.compiled.diagnostics.clone();
    let additions = if strict_aws {
        runwright::parse(&runbook.source).additions()
    } else {
        Vec::new()
    };
    let ok = runbook.compiled.plan.is_some() && additions.is_empty();
    diagnostics.extend(additions);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.bytes.start);
    Found {
        runbook,
        diagnostics,
        ok,
    }
}

fn checked(found: &Found) -> Checked<'_> {
    let plan = found.runbook.compiled.plan.as_ref();
    Checked {
        runbook: &found.runbook.source.name,
        file: &found.runbook.source.origin,
        ok: found.ok,
        steps: plan.map(|plan| plan.steps.len()),
        parameters: plan.map(|plan| plan.parameters.len()),
        plan: plan.map(|plan| plan.digest().to_string()),
        diagnostics: &found.diagnostics,
    }
}

/// Nothing for one that has errors: they were shown.
fn line(checked: &Checked<'_>) -> String {
    match (checked.steps, checked.parameters) {
        (Some(steps), Some(parameters)) if checked.ok => {
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
