//! `plugin new`, `build` and `test`: a project from its template to its tests.

use std::path::{Path, PathBuf};

use runwright::{
    author::{self, Built, Project},
    scenario::TestReport,
};
use serde_json::json;

use crate::{
    command::test,
    exit::Exit,
    open::library,
    problem::Problem,
    render::text::{duration, quoted, size},
    settings::Settings,
};

const NEW_HELP: &str = "\
Examples:
  runwright plugin new acme:drain-node --lang rust
  runwright plugin new greet --lang ts --into plugins/greet

The project holds the plugin, the SDK, the contract, a sample runbook and scenarios: it builds, passes its tests and runs
at once.";

/// Write a new project from the template of its language
#[derive(Debug, clap::Args)]
#[command(after_help = NEW_HELP)]
pub(crate) struct NewArgs {
    /// The plugin's name, with a namespace if you like: `acme:drain-node`
    #[arg(value_name = "NAME")]
    name: String,
    /// The language
    #[arg(long = "lang", value_name = "rust|python|ts|js|go|c")]
    language: String,
    /// The folder [default: the name]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// Build the component with the language's own tools
#[derive(Debug, clap::Args)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    pub(crate) folder: Folder,
}

/// Which project.
#[derive(Debug, clap::Args)]
pub(crate) struct Folder {
    /// The project's folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
}

/// Run the language's own tests, and the scenarios in tests/
#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    folder: Folder,
    /// Run each scenario again with the engine stopped at each append: the same must come of it
    #[arg(long)]
    crash: bool,
    /// Only the scenarios, not the language's own tests
    #[arg(long)]
    scenarios: bool,
}

pub(crate) fn new(args: NewArgs, settings: &Settings) -> Result<Exit, Problem> {
    let wanted = author::New {
        name: args.name,
        language: args.language,
        into: args.into,
    };
    let written = author::new(&wanted)?;
    let folder = written.folder.display().to_string();
    let mut next = vec![format!("cd {}", quoted(&folder))];
    next.extend(written.setup);
    next.extend(
        [
            "runwright plugin build",
            "runwright plugin test",
            "runwright run sample.yaml",
        ]
        .map(str::to_owned),
    );
    let result = json!({"folder": folder, "action": written.action, "language": wanted.language,
        "files": written.files, "next": next});
    settings.console.result(&result, || {
        let files: String = written
            .files
            .iter()
            .map(|file| format!("  {folder}/{file}\n"))
            .collect();
        let next: String = next.iter().map(|line| format!("  {line}\n")).collect();
        format!(
            "Wrote the action {} in {}:\n{files}Next:\n{next}",
            written.action, wanted.language
        )
    })?;
    Ok(Exit::Success)
}

pub(crate) fn build(args: &BuildArgs, settings: &Settings) -> Result<Exit, Problem> {
    let project = Project::open(&args.folder.folder)?;
    let built = made(&project, settings)?;
    let result = json!({"component": built.component, "size": built.size, "tookMs": built.took.as_millis() as u64});
    settings.console.result(&result, || format!("{}\n", told(&built)))?;
    Ok(Exit::Success)
}

/// Builds, and says so before: a compiler may take a while.
pub(crate) fn made(project: &Project, settings: &Settings) -> Result<Built, Problem> {
    settings
        .console
        .note(&format!("building {} ({})", project.name, project.language()));
    Ok(author::build(project)?)
}

/// Builds what is not there, or older than what it is made of.
fn fresh(project: &Project, settings: &Settings) -> Result<(), Problem> {
    let newer = author::newer(project);
    if newer.is_empty() {
        return Ok(());
    }
    if project.component().is_file() {
        settings
            .console
            .note(&format!("written since the last build: {}", few(&newer)));
    }
    let built = made(project, settings)?;
    settings.console.note(&told(&built));
    Ok(())
}

/// The component that a verb is to look at: a file, or that of a project's folder, which is built when it has to be. An old
/// one that is named as a file is used as it is, and said to be old.
pub(crate) fn component(what: &Path, settings: &Settings) -> Result<PathBuf, Problem> {
    if what.is_dir() {
        let project = Project::open(what)?;
        fresh(&project, settings)?;
        return Ok(project.component());
    }
    if let Some(project) = Project::of_component(what).filter(|_| what.is_file()) {
        let newer = author::newer(&project);
        if !newer.is_empty() {
            settings.console.note(&format!(
                "{} is older than {}: `runwright plugin build` makes it anew",
                what.display(),
                few(&newer)
            ));
        }
    }
    Ok(what.to_owned())
}

/// The first of some names.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What was built, in a line.
pub(crate) fn told(built: &Built) -> String {
    format!(
        "{}  {}  in {}",
        built.component.display(),
        size(built.size),
        duration(built.took)
    )
}

pub(crate) async fn test(args: &TestArgs, settings: &Settings) -> Result<Exit, Problem> {
    let project = Project::open(&args.folder.folder)?;
    if !args.scenarios {
        settings
            .console
            .note(&format!("the tests of {} in {}", project.name, project.language()));
        if author::own_tests(&project)? == 0 {
            settings.console.note("there are none in tests/");
        }
    }
    fresh(&project, settings)?;
    let reports = scenarios(&project, args.crash, settings).await?;
    test::told(reports, false, settings)
}

/// Runs all scenarios of a project.
pub(crate) async fn scenarios(project: &Project, crash: bool, settings: &Settings) -> Result<Vec<TestReport>, Problem> {
    let library = library(settings)?;
    let (mut reports, files) = (Vec::new(), project.scenarios());
    if files.is_empty() {
        settings
            .console
            .note("there are no scenarios: tests/*.test.yaml, see `runwright test --help`");
    }
    for file in files {
        let report = if crash {
            library.test_with_stops(&file, None).await?
        } else {
            library.test(&file, None).await?
        };
        reports.push(report);
    }
    Ok(reports)
}
