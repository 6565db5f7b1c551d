//! A machine for scenarios with children and a clock: its disk, world, clock and runbooks outlive every engine.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use runwright_compiler::{Catalog, Source};
use runwright_executor::{Executor, Ports};
use runwright_model::{
    capability::Backend,
    digest::Digest,
    event::{Mode, Started},
    grant::Policy,
    id::ExecutionId,
    plan::Plan,
    status::Status,
    time::Timestamp,
};
use runwright_store::Store;
use runwright_testkit::{JumpClock, Knobs, Shelf, Tape, World, runbooks, scripted};
use serde_json::{Map, Value};

/// A machine: its disk, its world, its clock and its runbooks, which outlive every engine.
pub(crate) struct Machine {
    pub(crate) tape: Tape,
    pub(crate) world: World,
    pub(crate) clock: JumpClock,
    pub(crate) shelf: Shelf,
}

impl Machine {
    /// With these runbooks: a name, and the steps.
    pub(crate) fn with(runbooks: &[(&str, &str)]) -> Self {
        Self {
            tape: Tape::default(),
            world: World::default(),
            clock: JumpClock::starting_at(Timestamp::from_millis(1_763_750_000_000)),
            shelf: runbooks
                .iter()
                .fold(Shelf::default(), |shelf, (name, steps)| shelf.with(plan(name, steps))),
        }
    }

    /// With generated runbooks.
    pub(crate) fn generated(seed: u64, knobs: &Knobs) -> Self {
        let written = runbooks(&mut fastrand::Rng::with_seed(seed), knobs);
        Self {
            shelf: written.iter().fold(Shelf::default(), |shelf, written| {
                shelf.with(compile(&written.name, &written.text))
            }),
            ..Self::with(&[])
        }
    }

    /// An engine whose store ends after so many appends.
    pub(crate) async fn engine(&self, appends: usize) -> Executor {
        let store = Arc::new(self.tape.open(appends).await.unwrap());
        self.engine_over(store, Arc::new(self.world.clone())).await
    }

    pub(crate) async fn engine_over(&self, store: Arc<dyn Store>, backend: Arc<dyn Backend>) -> Executor {
        let ports = Ports {
            store,
            invoker: Arc::new(scripted()),
            backend,
            secrets: Arc::new(self.world.clone()),
            clock: Arc::new(self.clock.clone()),
            runbooks: Arc::new(self.shelf.clone()),
            policy: Policy::default(),
        };
        Executor::open(ports).await.unwrap()
    }

    pub(crate) async fn start(&self, engine: &Executor, runbook: &str) -> Result<bool, runwright_executor::Error> {
        let plan = self.shelf.plan(runbook).unwrap();
        let started = Started {
            plan: plan.digest(),
            runbook: runbook.to_owned(),
            parameters: Map::from_iter([("X".to_owned(), Value::from("x"))]),
            request: Digest::of(b"found"),
            by: "kim".into(),
            globals: BTreeMap::new(),
            parent: None,
            secrets: Vec::new(),
            rerun_of: None,
            mode: Mode::Auto,
        };
        engine.start(id(), plan, started).await
    }
}

pub(crate) fn id() -> ExecutionId {
    "e".parse().unwrap()
}

pub(crate) fn plan(name: &str, steps: &str) -> Arc<Plan> {
    compile(
        name,
        &format!("schemaVersion: '0.3'\nparameters: {{X: {{type: String, default: x}}}}\nmainSteps:\n{steps}"),
    )
}

fn compile(name: &str, text: &str) -> Arc<Plan> {
    let source = Source {
        name: name.to_owned(),
        origin: format!("{name}.yaml"),
        text: text.to_owned(),
    };
    let catalog = Catalog {
        actions: scripted().specs(),
        ..Catalog::default()
    };
    let compiled = runwright_compiler::parse(&source).compile(&catalog);
    Arc::new(compiled.plan.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics)))
}

/// How it ended; what does not come within five seconds is waited for with the clock set forward.
pub(crate) async fn end(machine: &Machine, engine: &Executor) -> Status {
    for _ in 0..200 {
        match tokio::time::timeout(Duration::from_secs(5), engine.wait(&id(), false)).await {
            Ok(ended) => return ended.unwrap(),
            Err(_) => machine.clock.jump(25 * 3_600_000),
        }
    }
    panic!("it is lost: {}", stuck(engine, &id()).await);
}

/// What an execution is in the middle of, and the children it waits for.
async fn stuck(engine: &Executor, id: &ExecutionId) -> String {
    let state = engine.state(id).await.unwrap();
    let mut text = format!("{id} is {}", state.status());
    for of in state.open_tries() {
        let last = state.open_calls(of).and_then(<[_]>::last);
        let call = last.map(|call| (call.request.function(), &call.outcome));
        text.push_str(&format!("; {} is in {call:?}", of.idempotency_key(id, 0)));
    }
    for (_, _, child) in state.awaited_children() {
        text.push_str(&format!("\n{}", Box::pin(stuck(engine, &child)).await));
    }
    text
}
