//! Runs a scenario: engines over one disk, people and clocks at odd times, then calm until everything has ended.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fastrand::Rng;
use runwright_executor::{
    Executor, Ports,
    ports::Clock as _,
    repair::{Choice, Repair},
    rollback,
    state::State,
};
use runwright_model::{
    capability::{Request, waits},
    digest::Digest,
    event::{Hold, Mode, Signal, Started},
    grant::Policy,
    id::{ExecutionId, StepId},
    plan::Plan,
};
use runwright_store::Store as _;
use runwright_testkit::{JumpClock, Shelf, scripted};
use serde_json::{Map, Value, json};

use crate::sim::{
    BEGIN,
    check::{Checker, Violation, Yes},
    disk::Disk,
    life::{Life, LifeClock, LifePlugins},
    rules,
    scenario::{Scenario, compile},
    world::{LifeWorld, World},
};

/// What a simulation came to.
pub(crate) struct Outcome {
    pub(crate) violation: Option<Violation>,
    pub(crate) trace: Vec<String>,
    /// Of each execution: its steps, its end, its outputs. Nothing that depends on when it was.
    pub(crate) ends: BTreeMap<String, String>,
    /// Key and name of each effect.
    pub(crate) effects: Vec<(String, String)>,
}

/// How many rounds the calm at the end may have before whoever has not ended is lost.
const CALM_ROUNDS: u32 = 400;

/// Runs the scenario on a runtime of its own, in virtual time.
pub(crate) fn simulate(scenario: &Scenario) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let mut simulation = Simulation::new(*scenario);
        simulation.storm().await;
        simulation.calm().await;
        simulation.outcome().await
    })
}

struct Engine {
    life: Arc<Life>,
    executor: Executor,
}

struct Simulation {
    scenario: Scenario,
    rng: Rng,
    shelf: Shelf,
    clock: JumpClock,
    checker: Checker,
    disk: Disk,
    world: World,
    engine: Option<Engine>,
    /// Fenced off and still running.
    fenced: Vec<Arc<Life>>,
    ids: Vec<(ExecutionId, String)>,
    started: usize,
}

impl Simulation {
    fn new(scenario: Scenario) -> Self {
        let written = scenario.written();
        let shelf = compile(&written);
        let clock = JumpClock::starting_at(BEGIN);
        let plans = written.iter().filter_map(|written| shelf.plan(&written.name));
        let checker = Checker::new(clock.clone(), plans);
        let mut rng = scenario.rng(4);
        let ids = (0..scenario.executions).map(|number| {
            let runbook = rng.usize(0..written.len());
            (
                format!("e{number}").parse().expect("an id"),
                written[runbook].name.clone(),
            )
        });
        Self {
            ids: ids.collect(),
            disk: Disk::new(scenario.rng(5), scenario.faults(), checker.clone()),
            world: World::new(scenario.weather(), clock.clone(), checker.clone()),
            rng: scenario.rng(6),
            scenario,
            shelf,
            clock,
            checker,
            engine: None,
            fenced: Vec::new(),
            started: 0,
        }
    }

    fn failed(&self) -> bool {
        self.checker.violation().is_some()
    }

    /// Opens the store with a new engine, unless it dies while it tries.
    async fn open(&mut self) {
        let life = Life::new(self.checker.new_life());
        let ports = Ports {
            store: Arc::new(self.disk.attach(life.clone())),
            invoker: Arc::new(LifePlugins(life.clone(), scripted())),
            backend: Arc::new(LifeWorld(life.clone(), self.world.clone())),
            secrets: Arc::new(self.world.clone()),
            clock: Arc::new(LifeClock(life.clone(), self.clock.clone())),
            runbooks: Arc::new(self.shelf.clone()),
            policy: Policy::default(),
        };
        let executor = Executor::open(ports).await.expect("the store can be claimed");
        self.checker.claimed(life.number());
        self.engine = Some(Engine { life, executor });
    }

    /// The engine that owns the store; one that is gone is followed by another.
    async fn engine(&mut self) -> Executor {
        let gone = self
            .engine
            .as_ref()
            .is_none_or(|engine| engine.life.is_dead() || engine.life.is_closed());
        if gone {
            if let Some(engine) = self.engine.take() {
                self.stop(&engine.life).await;
            }
            self.open().await;
        }
        self.engine.as_ref().expect("it was opened").executor.clone()
    }

    /// Kills an engine, and with it what was not durable.
    async fn stop(&mut self, life: &Life) {
        life.kill();
        // They write to the same disk, so they stop with it.
        for other in self.fenced.drain(..) {
            other.kill();
        }
        let keep = *self.rng.choice(&[0, 0, 300, 700, 1_000]).expect("not empty");
        self.disk.power_cut(keep).await;
    }

    /// Things happen, at odd times.
    async fn storm(&mut self) {
        for _ in 0..self.scenario.inputs {
            let executor = self.engine().await;
            let most = if self.scenario.steady { 40 } else { 100 };
            match self.rng.u32(0..most) {
                0..14 => self.start(&executor),
                14..28 => self.answer(&executor),
                28..34 if self.scenario.crashes => self.crash().await,
                34..40 if self.scenario.crashes => self.close_or_replace(&executor).await,
                40..48 => self.disturb(&executor),
                48..58 => self.cancel(&executor),
                58..66 => self.rollback(&executor),
                66..76 if self.scenario.jumps => self.jump(),
                76..80 if self.scenario.store => {
                    let time = self.rng.u64(1..5_000);
                    self.checker.note(format!("the disk is full for {time} ms"));
                    self.disk.fill(Duration::from_millis(time));
                }
                80..84 => self.resume(&executor),
                84..90 => self.hold(&executor),
                90..94 => self.repair(&executor),
                _ => {}
            }
            self.pass_time().await;
            if self.failed() {
                return;
            }
        }
    }

    async fn pass_time(&mut self) {
        let ms = match self.rng.u32(0..10) {
            0..2 => 0,
            2..5 => self.rng.u64(1..10),
            5..8 => self.rng.u64(10..600),
            _ => self.rng.u64(600..4_000),
        };
        match ms {
            0 => tokio::task::yield_now().await,
            _ => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
    }

    fn start(&mut self, executor: &Executor) {
        // The next one, or one that is there already.
        let next = self.started.min(self.ids.len() - 1);
        self.started = (self.started + 1).min(self.ids.len());
        let (id, runbook) = self.ids[next].clone();
        self.begin(executor, id, &runbook);
    }

    fn begin(&self, executor: &Executor, id: ExecutionId, runbook: &str) {
        let plan = self.shelf.plan(runbook).expect("it was written");
        let started = Started {
            mode: self.scenario.mode(),
            ..started(&plan)
        };
        let (executor, checker) = (executor.clone(), self.checker.clone());
        checker.note(format!("{id}: start of {runbook}"));
        tokio::spawn(async move {
            match executor.start(id.clone(), plan, started).await {
                Ok(_) => checker.acknowledged(&id, Yes::Start),
                Err(error) => checker.note(format!("{id}: not started: {error}")),
            }
        });
    }

    fn someone(&mut self) -> Option<ExecutionId> {
        let ids: Vec<ExecutionId> = self.checker.journals(|journals| journals.keys().cloned().collect());
        self.rng.choice(ids)
    }

    /// Somebody decides something that is asked, or sends a signal that is waited for.
    fn answer(&mut self, executor: &Executor) {
        let Some(id) = self.someone() else { return };
        let open = self
            .checker
            .journals(|journals| journals.get(&id).map(|journal| wanted(&journal.state)))
            .unwrap_or_default();
        let Some((step, name, people)) = self.rng.choice(open) else {
            return;
        };
        let steady = self.scenario.steady;
        let by = self.rng.choice(&people).cloned().unwrap_or_default();
        let name = if name == Signal::APPROVE && !steady && self.rng.u32(0..4) == 0 {
            Signal::REJECT
        } else {
            name
        };
        let step = (steady || self.rng.bool()).then_some(step);
        self.send(executor, &id, name, step, &by);
    }

    fn send(&self, executor: &Executor, id: &ExecutionId, name: &str, step: Option<StepId>, by: &str) {
        let signal = Signal {
            name: name.to_owned(),
            step,
            by: by.to_owned(),
            payload: json!({}),
        };
        let (executor, checker, id) = (executor.clone(), self.checker.clone(), id.clone());
        tokio::spawn(async move {
            let (name, by) = (signal.name.clone(), signal.by.clone());
            match executor.signal(&id, signal).await {
                Ok(()) => checker.acknowledged(&id, Yes::Signal { name, by }),
                Err(error) => checker.note(format!("{id}: {name} by {by} refused: {error}")),
            }
        });
    }

    /// Somebody who may not, or something nobody waits for.
    fn disturb(&mut self, executor: &Executor) {
        let Some(id) = self.someone() else { return };
        let name = *self
            .rng
            .choice(&[Signal::APPROVE, Signal::REJECT, "Nonsense", "Go", Signal::START_STEP])
            .expect("not empty");
        let step = self.rng.bool().then(|| StepId(self.rng.u32(0..3)));
        let known = self.checker.journals(|journals| {
            let steps = journals[&id].state.plan.steps.len();
            step.is_none_or(|step| step.index() < steps)
        });
        if known {
            self.send(executor, &id, name, step, "mallory");
        }
    }

    fn cancel(&mut self, executor: &Executor) {
        let Some(id) = self.someone() else { return };
        let (executor, checker) = (executor.clone(), self.checker.clone());
        checker.note(format!("{id}: cancel"));
        tokio::spawn(async move {
            match executor.cancel(&id, "kim".into(), None).await {
                Ok(()) => checker.acknowledged(&id, Yes::Cancel),
                Err(error) => checker.note(format!("{id}: not cancelled: {error}")),
            }
        });
    }

    fn rollback(&mut self, executor: &Executor) {
        let Some(id) = self.someone() else { return };
        let step = format!("S{}", self.rng.u32(0..3));
        let (to, skip) = match self.rng.u32(0..5) {
            0 => (Some(step), None),
            1 => (None, Some((step, "it is gone".to_owned()))),
            _ => (None, None),
        };
        let request = rollback::Request {
            by: "kim".into(),
            to,
            skip,
        };
        let (executor, checker) = (executor.clone(), self.checker.clone());
        checker.note(format!("{id}: rollback, to {:?}, skip {:?}", request.to, request.skip));
        tokio::spawn(async move {
            match executor.rollback(&id, request).await {
                Ok(()) => checker.acknowledged(&id, Yes::Rollback),
                Err(error) => checker.note(format!("{id}: not rolled back: {error}")),
            }
        });
    }

    /// Somebody holds an execution or more, or lets go.
    fn hold(&mut self, executor: &Executor) {
        let Some(id) = self.someone() else { return };
        let (executor, checker) = (executor.clone(), self.checker.clone());
        let what = if self.rng.bool() {
            Hold::Everything
        } else {
            Hold::Runbook("R0".into())
        };
        let which = self.rng.u32(0..6);
        tokio::spawn(async move {
            let (verb, done) = match which {
                0..2 => ("pause", executor.pause(&id, "kim".into(), None).await),
                2..4 => ("unpause", executor.unpause(&id, "kim".into()).await),
                4 => ("hold", executor.hold(what, "kim".into(), None).await),
                _ => ("release", executor.release(&what, "kim").await.map(|_| ())),
            };
            let said = done.map_or_else(|error| error.to_string(), |()| "done".into());
            checker.note(format!("{id}: {verb}: {said}"));
        });
    }

    /// Somebody makes an ended execution go on.
    fn repair(&mut self, executor: &Executor) {
        let Some(id) = self.someone() else { return };
        let repair = Repair {
            by: "kim".into(),
            from: self.rng.bool().then(|| format!("S{}", self.rng.u32(0..3))),
            affected: if self.rng.bool() { Choice::Again } else { Choice::Keep },
            parameters: if self.rng.bool() {
                [("X".to_owned(), Value::from("y"))].into_iter().collect()
            } else {
                Map::new()
            },
            inputs: Vec::new(),
        };
        let (executor, checker) = (executor.clone(), self.checker.clone());
        tokio::spawn(async move {
            let said = executor.repair(&id, repair).await;
            let said = said.map_or_else(|error| error.to_string(), |()| "done".into());
            checker.note(format!("{id}: repair: {said}"));
        });
    }

    fn resume(&mut self, executor: &Executor) {
        let Some(id) = self.someone() else { return };
        let executor = executor.clone();
        self.checker.note(format!("{id}: resume"));
        tokio::spawn(async move { executor.resume(&id).await });
    }

    fn jump(&mut self) {
        let ms = *self
            .rng
            .choice(&[-86_400_000, -60_000, -1_500, 900, 40_000, 3_600_000])
            .expect("not empty");
        self.clock.jump(ms);
        self.checker.note(format!("the clock jumps by {ms} ms"));
    }

    async fn crash(&mut self) {
        let Some(engine) = self.engine.take() else { return };
        self.checker.note(format!("engine {} is killed", engine.life.number()));
        self.stop(&engine.life).await;
    }

    /// The engine closes in order, or another one takes the store from it while it still runs.
    async fn close_or_replace(&mut self, executor: &Executor) {
        let Some(engine) = self.engine.take() else { return };
        if self.rng.bool() {
            self.checker
                .note(format!("engine {} is fenced off", engine.life.number()));
            self.fenced.push(engine.life);
            return;
        }
        self.checker.note(format!("engine {} closes", engine.life.number()));
        let closing = executor.close();
        tokio::pin!(closing);
        while !engine.life.is_dead() {
            if let Ok(closed) = tokio::time::timeout(Duration::from_millis(50), &mut closing).await {
                self.checker.note(format!("closed: {closed:?}"));
                break;
            }
        }
        engine.life.kill();
    }

    /// Nothing goes wrong any more: everything ends.
    async fn calm(&mut self) {
        self.disk.calm();
        self.checker.note("calm".into());
        // Everything that was refused for want of room is asked for again.
        let (mut rounds, mut quiet) = (0, 0);
        // What people asked for while the disk was full may still come.
        while !self.failed() && quiet < 5 {
            quiet = if self.all_ended() { quiet + 1 } else { 0 };
            let executor = self.engine().await;
            for (id, runbook) in self.ids.clone() {
                if !self.checker.is_started(&id) {
                    self.begin(&executor, id, &runbook);
                }
            }
            if rounds == 0 {
                let ids: Vec<ExecutionId> = self.checker.journals(|journals| journals.keys().cloned().collect());
                for id in ids {
                    let _ = executor.resume(&id).await;
                }
            }
            self.let_go(&executor).await;
            self.decide_all(&executor);
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            self.skip_to_next_wake();
            rounds += 1;
            if rounds > CALM_ROUNDS {
                self.lost();
            }
        }
        if !self.failed() {
            self.check_rest().await;
        }
    }

    fn all_ended(&self) -> bool {
        let started = self.ids.iter().all(|(id, _)| self.checker.is_started(id));
        started
            && self
                .checker
                .journals(|journals| journals.values().all(|journal| journal.state.ended.is_some()))
    }

    /// Nothing is held any more.
    async fn let_go(&self, executor: &Executor) {
        for held in executor.holds() {
            let released = executor.release(&held.hold, "kim").await;
            self.checker.note(format!("release of {}: {released:?}", held.hold));
        }
        let paused: Vec<ExecutionId> = self.checker.journals(|journals| {
            // Who is held with a parent goes on with it, and by nobody's word.
            let paused = journals.iter().filter(|(_, journal)| {
                let pause = journal.state.paused.as_ref();
                pause.is_some_and(|pause| pause.hold != Some(Hold::Parent))
            });
            paused.map(|(id, _)| id.clone()).collect()
        });
        for id in paused {
            let unpaused = executor.unpause(&id, "kim".into()).await;
            self.checker.note(format!("{id}: unpause: {unpaused:?}"));
        }
    }

    /// Whatever anybody waits for, they get.
    fn decide_all(&mut self, executor: &Executor) {
        let open: Vec<(ExecutionId, Vec<Wanted>)> = self.checker.journals(|journals| {
            let wanted =
                |(id, journal): (&ExecutionId, &crate::sim::check::Journal)| (id.clone(), wanted(&journal.state));
            journals.iter().map(wanted).collect()
        });
        for (id, open) in open {
            for (step, name, people) in open {
                if let Some(by) = self.rng.choice(&people) {
                    self.send(executor, &id, name, Some(step), by);
                }
            }
        }
    }

    /// Nobody waits for a night to pass.
    fn skip_to_next_wake(&self) {
        let now = self.clock.now();
        let next = self.checker.journals(|journals| {
            let wakes = journals.values().filter_map(|journal| journal.next(now));
            wakes.min()
        });
        let far = next.map_or(Duration::ZERO, |next| next.since(now));
        if far > Duration::from_secs(2) {
            let ms = i64::try_from(far.as_millis()).unwrap_or(0) - 500;
            self.clock.jump(ms);
            self.checker.note(format!("{ms} ms pass"));
        }
    }

    fn lost(&self) {
        let now = self.clock.now();
        let stuck = self.checker.journals(|journals| {
            let open = journals.iter().filter(|(_, journal)| journal.state.ended.is_none());
            open.map(|(id, journal)| {
                let others = if journal.waits_for_others(now) {
                    "waits for others"
                } else {
                    "has things to do"
                };
                format!("{id} is {} and {others}", journal.state.status())
            })
            .collect::<Vec<_>>()
            .join("; ")
        });
        let started = self.ids.iter().filter(|(id, _)| !self.checker.is_started(id)).count();
        self.checker.fail(
            rules::NOTHING_IS_LOST,
            format!("{stuck}; {started} could not be started"),
        );
    }

    /// What must be true when nothing goes on any more.
    async fn check_rest(&mut self) {
        let executor = self.engine().await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        let store = self.disk.peek();
        let ids: Vec<ExecutionId> = self.checker.journals(|journals| journals.keys().cloned().collect());
        for id in ids {
            let head = store.head(&id).await.ok().flatten().expect("it has a journal");
            if let Some(wake) = head.wake {
                self.checker.fail(
                    rules::WAKE_FITS,
                    format!("{id} has ended, and is to be woken at {wake}"),
                );
            }
            if executor.is_active(&id) {
                self.checker
                    .fail(rules::MEMORY_IS_FREED, format!("{id} has ended, and is in memory"));
            }
        }
    }

    async fn outcome(self) -> Outcome {
        let ends = self.checker.journals(|journals| {
            journals
                .iter()
                .map(|(id, journal)| (id.as_str().to_owned(), end(&journal.state)))
                .collect()
        });
        Outcome {
            violation: self.checker.violation(),
            trace: self.checker.trace(),
            ends,
            effects: self.world.effects(),
        }
    }
}

/// Steps, status and outputs.
fn end(state: &State) -> String {
    let steps: Vec<String> = state
        .plan
        .step_ids()
        .map(|id| format!("S{} {} {}", id.0, state.step_status(id), state.visit_number(id)))
        .collect();
    let outputs = state.ended.as_ref().map(|ended| Value::Object(ended.outputs.clone()));
    format!(
        "{}: {} {}",
        state.status(),
        steps.join(", "),
        outputs.unwrap_or_default()
    )
}

fn started(plan: &Plan) -> Started {
    let parameters: Map<String, Value> = [("X".to_owned(), Value::from("x"))].into_iter().collect();
    Started {
        plan: plan.digest(),
        runbook: plan.name.clone(),
        request: Digest::of(b"sim"),
        parameters,
        by: "kim".into(),
        globals: BTreeMap::new(),
        parent: None,
        secrets: Vec::new(),
        rerun_of: None,
        mode: Mode::Auto,
    }
}

type Wanted = (StepId, &'static str, Vec<String>);

/// What an execution waits for that people can give: step, name of the signal, who may.
fn wanted(state: &State) -> Vec<Wanted> {
    if state.ended.is_some() {
        return Vec::new();
    }
    let start = |step: StepId| (step, Signal::START_STEP, vec!["kim".to_owned()]);
    let mut wanted: Vec<Wanted> = state.next_steps().into_iter().map(start).collect();
    for of in state.open_tries() {
        let Some((_, call)) = state.waiting_call(of) else {
            continue;
        };
        match &call.request {
            Request::Approvals(question) => {
                let everybody = ["ann", "bob", "kim"].map(str::to_owned).to_vec();
                let may = if question.approvers.iter().any(|one| one == "*") {
                    everybody
                } else {
                    question.approvers.clone()
                };
                let asked = |by: &String| !call.votes.iter().any(|vote| vote.approver == *by);
                wanted.push((of.step, Signal::APPROVE, may.into_iter().filter(asked).collect()));
            }
            Request::Waits(waits::Request::Signal { name, .. }) => {
                let name = if name == "Go" { "Go" } else { Signal::RESUME };
                wanted.push((of.step, name, vec!["kim".to_owned()]));
            }
            Request::Waits(_)
            | Request::Commands(_)
            | Request::Files(_)
            | Request::Http(_)
            | Request::Aws(_)
            | Request::Parameters(_)
            | Request::Blobs(_)
            | Request::Executions(_) => {}
        }
    }
    wanted
}
