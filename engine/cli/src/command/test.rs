//! `test`: runs runbooks in scenarios, without touching anything.

use std::path::PathBuf;

use runwright::scenario::TestReport;
use serde::Serialize;

use crate::{exit::Exit, open::library, problem::Problem, render::scenario, settings::Settings};

const AFTER_HELP: &str = "\
Examples:
  runwright test runbooks/tests/*.test.yaml
  runwright test deploy.test.yaml --scenario 'says no'
  runwright test deploy.test.yaml --all-covered   fail when a step or a branch was not reached, or a mock not asked

A test file names a runbook and, for each scenario, what answers in place of machines, services and people, and
what is to come of it: `runwright explain RW-C905` shows one. The runbook, its plan and its plugins are the real
ones; the clock is virtual, so a week takes no time; nothing is touched.
Exits with 0 when everything came as expected, with 1 when not, and with 2 when a file has mistakes.";

/// Test runbooks in scenarios: mocked answers, a virtual clock, simulated people
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Test files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only scenarios whose name holds this text
    #[arg(long, value_name = "TEXT")]
    scenario: Option<String>,
    /// Fail also when a step or a branch was reached by no scenario, or a mock answered nothing
    #[arg(long)]
    all_covered: bool,
    /// Run each scenario again with the engine stopped at each append: the same must come of it
    #[arg(long)]
    crash: bool,
}

/// What came of several test files.
#[derive(Serialize)]
pub(crate) struct Reports {
    pub(crate) ok: bool,
    pub(crate) files: Vec<TestReport>,
}

impl Reports {
    pub(crate) fn of(files: Vec<TestReport>) -> Self {
        let ok = files.iter().all(|file| file.ok);
        Self { ok, files }
    }
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let library = library(settings)?;
    let mut files = Vec::new();
    for file in &args.files {
        let only = args.scenario.as_deref();
        files.push(if args.crash {
            library.test_with_stops(file, only).await?
        } else {
            library.test(file, only).await?
        });
    }
    if files.iter().all(|file| file.scenarios.is_empty()) {
        let name = args.scenario.unwrap_or_default();
        return Err(Problem::bad_input(format!("no scenario's name holds `{name}`")));
    }
    told(files, args.all_covered, settings)
}

/// Shows what came of test files, and answers the exit code for it.
pub(crate) fn told(files: Vec<TestReport>, all_covered: bool, settings: &Settings) -> Result<Exit, Problem> {
    let covered = files
        .iter()
        .all(|file| file.coverage.missed.is_empty() && file.unasked.is_empty());
    let mut reports = Reports::of(files);
    reports.ok = reports.ok && (covered || !all_covered);
    let console = &settings.console;
    console.result(&reports, || scenario::text(&reports.files, console.paint()))?;
    Ok(if reports.ok { Exit::Success } else { Exit::Failed })
}
