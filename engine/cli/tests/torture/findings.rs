//! What is there in the end: every execution, every line once, every output whole, and nothing left over.

use std::{
    collections::HashMap,
    fmt, fs,
    path::Path,
    time::{Duration, Instant},
};

use runwright::{Engine, model::id::ExecutionId};

use crate::{Execution, common::Machine};

/// The longest wait for what is swept in the background.
const PATIENCE: Duration = Duration::from_secs(20);
const LINES_AT_ONCE: usize = 10_000;

/// Figures for the summary.
pub(crate) struct Findings {
    executions: usize,
    lines: usize,
    /// How often an engine came to a command that another engine had started.
    attached: usize,
    /// The same, when the command had ended.
    ended: usize,
}

impl fmt::Display for Findings {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "{} executions, {} lines each there once, {} commands found running and {} found ended",
            self.executions, self.lines, self.attached, self.ended
        )
    }
}

/// Looks at everything; the first thing that is not as it should be fails the test.
pub(crate) fn look(machine: &Machine, executions: &[Execution]) -> Findings {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (attached, ended) = runtime.block_on(look_at_executions(&machine.path().join("state"), executions));
    let lines = look_at_lines(&machine.path().join("lines"), executions);
    let done = machine.say("runwright store check");
    assert_eq!(done.exit, 0, "{}{}", done.stdout, done.stderr);
    look_for_rests(machine);
    Findings {
        executions: executions.len(),
        lines,
        attached,
        ended,
    }
}

async fn look_at_executions(state_dir: &Path, executions: &[Execution]) -> (usize, usize) {
    let engine = Engine::builder()
        .state_dir(state_dir)
        .drive(false)
        .open()
        .await
        .unwrap();
    let rows = engine.list(None, usize::MAX).await.unwrap();
    assert_eq!(rows.len(), executions.len(), "as many as were started");
    let (mut attached, mut ended) = (0, 0);
    for execution in executions {
        let id = execution.id.parse::<ExecutionId>().unwrap();
        let view = engine.show(&id).await.unwrap();
        let shown = || serde_json::to_string_pretty(&view).unwrap();
        assert_eq!(view.status.as_str(), execution.kind.end(), "{}", shown());
        assert_eq!(
            serde_json::Value::Object(view.outputs.clone()),
            execution.kind.outputs()
        );
        let log = engine.logs(&id, 0, LINES_AT_ONCE).await.unwrap();
        let said = |words: &str| log.iter().filter(|(_, line)| line.text.starts_with(words)).count();
        attached += said("the command runs: attached");
        ended += said("the command has ended: ");
    }
    engine.close().await.unwrap();
    (attached, ended)
}

/// Every line that should be there is, once, and no other. Answers how many.
fn look_at_lines(file: &Path, executions: &[Execution]) -> usize {
    let text = fs::read_to_string(file).unwrap();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    text.lines().for_each(|line| *counts.entry(line).or_default() += 1);
    let mut wrong = Vec::new();
    for execution in executions {
        for line in execution.kind.lines(&execution.id) {
            match counts.remove(line.as_str()) {
                Some(1) => {}
                Some(times) => wrong.push(format!("{times} times: {line}")),
                None => wrong.push(format!("not there: {line}")),
            }
        }
    }
    wrong.extend(counts.keys().map(|line| format!("not expected: {line}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    text.lines().count()
}

/// No record of a command, and no supervisor.
fn look_for_rests(machine: &Machine) {
    let records = machine.path().join("state/commands");
    let began = Instant::now();
    while fs::read_dir(&records).unwrap().next().is_some() {
        assert!(
            began.elapsed() < PATIENCE,
            "records of commands are left in {records:?}"
        );
        // An engine that is opened sweeps.
        machine.say("runwright list");
    }
    let supervisors: Vec<String> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            // The standard output of a supervisor is the lock of its record.
            let output = fs::read_link(entry.ok()?.path().join("fd/1")).ok()?;
            output.starts_with(&records).then(|| output.display().to_string())
        })
        .collect();
    assert!(supervisors.is_empty(), "supervisors are left of {supervisors:?}");
}
