//! Bugs that the simulation found, each as small as it gets.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use runwright_compiler::{Catalog, Source};
use runwright_executor::{Executor, Ports};
use runwright_model::{
    capability::{Backend, CallContext, Outcome, Request},
    digest::Digest,
    event::Started,
    id::ExecutionId,
    plan::Plan,
    status::Status,
    time::Timestamp,
};
use runwright_store::{MemoryStore, Store};
use runwright_testkit::{JumpClock, Shelf, Tape, World, scripted};
use serde_json::Map;

/// A machine: its disk, its world, its clock and its runbooks, which outlive every engine.
struct Machine {
    tape: Tape,
    world: World,
    clock: JumpClock,
    shelf: Shelf,
}

impl Machine {
    /// With these runbooks: a name, and the steps.
    fn with(runbooks: &[(&str, &str)]) -> Self {
        Self {
            tape: Tape::default(),
            world: World::default(),
            clock: JumpClock::starting_at(Timestamp::from_millis(1_763_750_000_000)),
            shelf: runbooks
                .iter()
                .fold(Shelf::default(), |shelf, (name, steps)| shelf.with(plan(name, steps))),
        }
    }

    /// An engine whose store ends after so many appends.
    async fn engine(&self, appends: usize) -> Executor {
        let store = Arc::new(self.tape.open(appends).await.unwrap());
        self.engine_over(store, Arc::new(self.world.clone())).await
    }

    async fn engine_over(&self, store: Arc<dyn Store>, backend: Arc<dyn Backend>) -> Executor {
        let ports = Ports {
            store,
            invoker: Arc::new(scripted()),
            backend,
            secrets: Arc::new(self.world.clone()),
            clock: Arc::new(self.clock.clone()),
            runbooks: Arc::new(self.shelf.clone()),
        };
        Executor::open(ports).await.unwrap()
    }

    async fn start(&self, engine: &Executor, runbook: &str) -> Result<bool, runwright_executor::Error> {
        let plan = self.shelf.plan(runbook).unwrap();
        let started = Started {
            plan: plan.digest(),
            runbook: runbook.to_owned(),
            parameters: Map::new(),
            request: Digest::of(b"found"),
            by: "kim".into(),
            globals: BTreeMap::new(),
            parent: None,
            secrets: Vec::new(),
            rerun_of: None,
        };
        engine.start(id(), plan, started).await
    }
}

/// A world in which every effect takes for ever.
struct Never;

#[async_trait::async_trait]
impl Backend for Never {
    async fn perform(&self, _request: Request, _context: CallContext) -> Outcome {
        std::future::pending().await
    }
}

fn id() -> ExecutionId {
    "e".parse().unwrap()
}

fn plan(name: &str, steps: &str) -> Arc<Plan> {
    let source = Source {
        name: name.to_owned(),
        origin: format!("{name}.yaml"),
        text: format!("schemaVersion: '0.3'\nparameters: {{X: {{type: String, default: x}}}}\nmainSteps:\n{steps}"),
    };
    let catalog = Catalog {
        actions: scripted().specs(),
        ..Catalog::default()
    };
    let compiled = runwright_compiler::parse(&source).compile(&catalog);
    Arc::new(compiled.plan.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics)))
}

/// How it ended; an hour is for ever here.
async fn end(engine: &Executor) -> Status {
    let ended = tokio::time::timeout(Duration::from_secs(3_600), engine.wait(&id(), false)).await;
    ended.expect("it is lost").unwrap()
}

/// The child had ended before its parent rested, and told an actor that was leaving memory.
#[tokio::test(start_paused = true)]
async fn a_child_that_ends_at_once_is_not_missed() {
    let machine = Machine::with(&[
        (
            "parent",
            "- {name: A, action: 'sim:do', inputs: {Do: ['child child x']}}",
        ),
        ("child", "- {name: A, action: 'sim:do', inputs: {Do: []}}"),
    ]);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "parent").await.unwrap();
    assert_eq!(end(&engine).await, Status::Success);
}

/// The child had ended, and the machine stopped before its parent's journal said so: the parent rested for ever.
#[tokio::test(start_paused = true)]
async fn a_crash_between_a_child_s_end_and_its_parent_loses_neither() {
    let runbooks = [
        (
            "parent",
            "- {name: A, action: 'sim:do', inputs: {Do: ['child child x', 'run a']}}",
        ),
        (
            "child",
            "- {name: A, action: 'sim:do', inputs: {Do: ['sleep 5000', 'run b']}}",
        ),
    ];
    for appends in 0..30 {
        let machine = Machine::with(&runbooks);
        let engine = machine.engine(appends).await;
        if machine.start(&engine, "parent").await.is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(60), engine.wait(&id(), false)).await;
        }
        let _ = engine.close().await;
        machine.tape.power_cut();
        let engine = machine.engine(usize::MAX).await;
        machine.start(&engine, "parent").await.unwrap();
        assert_eq!(end(&engine).await, Status::Success, "stopped after {appends} appends");
        assert_eq!(machine.world.effects(), ["b", "a"], "stopped after {appends} appends");
    }
}

/// An execution that was active stood in the wake-up index at the time of its start, which was hours away then.
#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_holds_nothing_up() {
    let steps = "- {name: A, action: 'sim:do', inputs: {Do: ['run a', 'run b', 'run c']}}";
    for appends in 1..8 {
        let machine = Machine::with(&[("steps", steps)]);
        let engine = machine.engine(appends).await;
        machine.start(&engine, "steps").await.unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(60), engine.wait(&id(), false)).await;
        let _ = engine.close().await;
        machine.tape.power_cut();
        machine.clock.jump(-24 * 3_600_000);
        let engine = machine.engine(usize::MAX).await;
        assert_eq!(end(&engine).await, Status::Success, "stopped after {appends} appends");
    }
}

/// An engine that had lost the store still saw in it what another had begun, and made that effect again.
#[tokio::test(start_paused = true)]
async fn an_engine_that_lost_the_store_makes_no_effect() {
    let machine = Machine::with(&[("steps", "- {name: A, action: 'sim:do', inputs: {Do: ['run a']}}")]);
    let store = MemoryStore::new();
    let _fenced = machine
        .engine_over(Arc::new(store.clone()), Arc::new(machine.world.clone()))
        .await;
    let owner = machine.engine_over(Arc::new(store.clone()), Arc::new(Never)).await;
    machine.start(&owner, "steps").await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(owner.state(&id()).await.unwrap().length, 3, "the call is under way");
    assert_eq!(machine.world.effects(), [""; 0]);
}
