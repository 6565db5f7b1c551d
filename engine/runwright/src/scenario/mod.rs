//! Runs a runbook in scenarios: with the real compiler, executor and plugins, and without touching anything.
//!
//! A test file names a runbook and says, for each scenario, what answers in the place of machines, services and people, and
//! what is to come of it (`docs/TESTING.md`). Time is virtual: it stands still while anything goes on, and jumps to the next
//! moment that is waited for. Nothing is left to chance.

mod call;
mod check;
mod checkup;
mod clock;
mod disk;
mod file;
mod outcome;
mod people;
mod schema;
mod sound;
mod stage;
mod stop;
mod unasked;
mod world;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use runwright_compiler::Span;
use runwright_model::{plan::Plan, status::Status, step::StepKind};
use serde::Serialize;

pub use self::{
    checkup::{Checkup, Denied, Remark, Tried},
    schema::schema,
    unasked::UnaskedMock,
};
use self::{
    file::{Scenario, TestFile},
    unasked::Unasked,
};
use crate::{Error, Library, Runbook, find};

/// What came of a test file.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// The test file.
    pub file: String,
    /// The runbook's name.
    pub runbook: String,
    /// Whether everything came as expected.
    pub ok: bool,
    /// Each scenario that was run.
    pub scenarios: Vec<ScenarioReport>,
    /// What the scenarios reached.
    pub coverage: Coverage,
    /// The mocks that nothing asked. Those of all scenarios are among them when all scenarios were run.
    pub unasked: Vec<UnaskedMock>,
}

/// What came of a scenario.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// Whether everything came as expected.
    pub ok: bool,
    /// How the execution ended; absent when it did not begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The steps in the order in which they began.
    pub path: Vec<String>,
    /// How long it took by its own clock, in milliseconds.
    pub took_ms: u64,
    /// After how many of its appends the engine was stopped, each in a run of its own.
    #[serde(skip_serializing_if = "is_zero")]
    pub stops: usize,
    /// What did not come as expected.
    pub misses: Vec<Miss>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Something that did not come as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// What it is about.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
    /// The line of the expectation, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
}

impl Miss {
    fn new(what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            expected: expected.into(),
            got: got.into(),
            line: 0,
            column: 0,
        }
    }

    fn at(self, span: &Span) -> Self {
        Self {
            line: span.line,
            column: span.column,
            ..self
        }
    }
}

/// What of a runbook its scenarios reached, together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// How many steps it has.
    pub steps: usize,
    /// How many of them ran.
    pub steps_reached: usize,
    /// How many ways it has: choices, conditions either way, jumps after failures.
    pub branches: usize,
    /// How many of them were taken.
    pub branches_reached: usize,
    /// The steps and ways that were not.
    pub missed: Vec<String>,
}

impl Library {
    /// Runs the scenarios of a test file; with `only`, those whose name holds this text.
    ///
    /// # Errors
    ///
    /// [`Error::Document`] when the test file or its runbook has mistakes; a runbook that is not found. What does not come as
    /// expected is no error: see [`TestReport`].
    pub async fn test(&self, file: &Path, only: Option<&str>) -> Result<TestReport, Error> {
        self.tested(TestFile::read(file)?, only, false).await
    }

    /// The same, and each scenario that comes as expected runs again for each of its appends, with the engine stopped there
    /// and another one going on: the same must come of it.
    ///
    /// # Errors
    ///
    /// As [`Library::test`].
    pub async fn test_with_stops(&self, file: &Path, only: Option<&str>) -> Result<TestReport, Error> {
        self.tested(TestFile::read(file)?, only, true).await
    }

    async fn tested(&self, file: TestFile, only: Option<&str>, stops: bool) -> Result<TestReport, Error> {
        let runbook = self.runbook_of(&file).await?;
        let Some(plan) = runbook.compiled.plan else {
            return Err(Error::Document {
                source_text: Box::new(runbook.source),
                diagnostics: runbook.compiled.diagnostics,
            });
        };
        let found = strangers(&file, &plan);
        if !found.is_empty() {
            return Err(file.refused(found));
        }
        let (library, plan, only) = (self.clone(), Arc::new(plan), only.map(str::to_owned));
        let folder = runbook.path.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        let stage = stage::Stage {
            library,
            plan,
            folder: folder.unwrap_or_default(),
        };
        apart(move || run(&stage, &file, only.as_deref(), stops)).await
    }

    async fn runbook_of(&self, file: &TestFile) -> Result<Runbook, Error> {
        let folder = Path::new(&file.source.origin).parent().map(Path::to_path_buf);
        let folder = folder.unwrap_or_default();
        let named = &file.says.runbook;
        if find::is_path(named) {
            return self.runbook(&dotted(&folder.join(named))).await;
        }
        match self.runbook(named).await {
            Err(Error::NoRunbook { name, mut looked }) => {
                let beside = find::ENDINGS
                    .iter()
                    .map(|ending| folder.join(format!("{name}.{ending}")));
                match beside.into_iter().find(|path| path.is_file()) {
                    Some(path) => self.runbook(&dotted(&path)).await,
                    None => {
                        looked.push(folder.display().to_string());
                        Err(Error::NoRunbook { name, looked })
                    }
                }
            }
            other => other,
        }
    }
}

/// Plays in a thread of its own: each scenario has a runtime, which cannot be inside another.
async fn apart<T: Send + 'static>(play: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // Nobody listens any more when the caller has gone.
    std::thread::spawn(move || sender.send(play()).ok());
    receiver.await.unwrap_or_else(|_| {
        let why = "the thread that ran the scenarios panicked; its message says where";
        Err(Error::State(why.to_owned()))
    })
}

/// A path that is none that could be taken for a name.
fn dotted(path: &Path) -> String {
    let shown = path.display().to_string();
    if shown.contains('/') {
        shown
    } else {
        PathBuf::from(".").join(path).display().to_string()
    }
}

fn run(stage: &stage::Stage, file: &TestFile, only: Option<&str>, stops: bool) -> Result<TestReport, Error> {
    let mut reached = BTreeSet::new();
    let mut scenarios = Vec::new();
    let mut unasked = Unasked::of(file, only.is_none());
    for (index, scenario) in file.says.scenarios.iter().enumerate() {
        if only.is_some_and(|only| !scenario.name.contains(only)) {
            continue;
        }
        let mut played = stage.play(file, scenario, None)?;
        let mut stopped = 0;
        if stops && played.misses.is_empty() {
            stopped = played.appends;
            played.misses.extend(stage.play_with_stops(file, scenario, &played)?);
        }
        reached.extend(played.reached);
        let at = format!("/scenarios/{index}");
        unasked.note(index, &played.asked);
        let place = |(below, miss): (String, Miss)| miss.at(&file.tree.span(&format!("{at}{below}")));
        let misses: Vec<Miss> = played.misses.into_iter().map(place).collect();
        scenarios.push(ScenarioReport {
            name: scenario.name.clone(),
            ok: misses.is_empty(),
            status: played.status,
            path: played.path,
            took_ms: played.took_ms,
            stops: stopped,
            misses,
        });
    }
    Ok(TestReport {
        file: file.source.origin.clone(),
        runbook: stage.plan.name.clone(),
        ok: scenarios.iter().all(|scenario| scenario.ok),
        scenarios,
        coverage: coverage(&stage.plan, &reached),
        unasked: unasked.mocks(),
    })
}

fn coverage(plan: &Plan, reached: &BTreeSet<String>) -> Coverage {
    let (steps, branches) = outcome::ways(plan);
    let missed = |names: &[String]| -> Vec<String> {
        let missed = names.iter().filter(|name| !reached.contains(*name));
        missed.cloned().collect()
    };
    let (no_steps, no_branches) = (missed(&steps), missed(&branches));
    Coverage {
        steps: steps.len(),
        steps_reached: steps.len() - no_steps.len(),
        branches: branches.len(),
        branches_reached: branches.len() - no_branches.len(),
        missed: no_steps.into_iter().chain(no_branches).collect(),
    }
}

/// Steps that the runbook does not have, or that nothing can answer for.
fn strangers(file: &TestFile, plan: &Plan) -> Vec<sound::Mistake> {
    let mut found = Vec::new();
    let mut check = |at: String, name: &str| {
        if plan.step_named(name).is_none() {
            found.push((at, format!("the runbook {} has no step `{name}`", plan.name)));
        }
    };
    for (index, scenario) in file.says.scenarios.iter().enumerate() {
        let at = format!("/scenarios/{index}");
        for name in scenario.expect.steps.keys() {
            check(format!("{at}/expect/steps/{}", runwright_compiler::escaped(name)), name);
        }
        for (number, name) in scenario.expect.path.iter().flatten().enumerate() {
            check(format!("{at}/expect/path/{number}"), name);
        }
    }
    for (at, mock) in mocks(file) {
        let Some(name) = mock.step.as_deref().filter(|_| mock.runbook.is_none()) else {
            continue;
        };
        match plan.step_named(name).map(|id| &plan.step(id).kind) {
            None => found.push((
                format!("{at}/step"),
                format!(
                    "the runbook {} has no step `{name}`; for a step of a child, name its `runbook` as well",
                    plan.name
                ),
            )),
            Some(StepKind::Action { .. }) => {}
            Some(kind) => found.push((
                format!("{at}/step"),
                format!(
                    "`{name}` is of `{}`, which the engine does itself: nothing is to be answered",
                    kind.action()
                ),
            )),
        }
    }
    found
}

fn mocks(file: &TestFile) -> impl Iterator<Item = (String, &file::Mock)> {
    let shared = file.says.mocks.iter().enumerate();
    let shared = shared.map(|(index, mock)| (format!("/mocks/{index}"), mock));
    let own = file
        .says
        .scenarios
        .iter()
        .enumerate()
        .flat_map(|(number, scenario): (usize, &Scenario)| {
            let mocks = scenario.mocks.iter().enumerate();
            mocks.map(move |(index, mock)| (format!("/scenarios/{number}/mocks/{index}"), mock))
        });
    shared.chain(own)
}
