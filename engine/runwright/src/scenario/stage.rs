//! Plays one scenario: a store in memory, a clock of its own, and a world that only answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use runwright_executor::{Executor, Ports, summary};
use runwright_local::{
    Local,
    keys::StoreKey,
    parameters::{ParameterStore, Put},
};
use runwright_model::{
    capability::parameters::{NewValue, ParameterType},
    event::Started,
    failure::Failure,
    grant::Policy,
    id::ExecutionId,
    plan::Plan,
    status::Status,
};
use runwright_store::{Store, memory::MemoryStore};
use serde_json::{Map, Value};
use tracing::subscriber::{NoSubscriber, set_default};

use super::{
    Miss, check,
    clock::VirtualClock,
    disk::Disk,
    file::{self, Scenario, Stored, TestFile},
    outcome::Outcome,
    people::{self, Watched},
    stop::Stopping,
    world::{Seen, World},
};
use crate::{
    Error, Library,
    adapter::LibraryRunbooks,
    answer, bind,
    parameter_source::ParameterSource,
    pin::Pin,
    place::{LOCAL_ACCOUNT, LOCAL_PARTITION, LOCAL_REGION, Place},
};

/// The id of every execution under test.
const ID: &str = "test";
/// Who starts it.
const BY: &str = "tester";

/// Where scenarios of one runbook are played.
pub(crate) struct Stage {
    pub(crate) library: Library,
    pub(crate) plan: Arc<Plan>,
    /// The folder of the runbook: children are looked for there too.
    pub(crate) folder: PathBuf,
}

/// What came of one scenario.
pub(crate) struct Played {
    pub(crate) status: Option<Status>,
    pub(crate) path: Vec<String>,
    pub(crate) took_ms: u64,
    /// Each with its place below the scenario.
    pub(crate) misses: Vec<(String, Miss)>,
    pub(crate) reached: BTreeSet<String>,
    /// Which mocks were asked: the scenario's own, then those of all. Empty when it did not begin.
    pub(crate) asked: Vec<bool>,
    /// How many appends there were.
    pub(crate) appends: usize,
    /// What the execution answered.
    pub(crate) outputs: Map<String, Value>,
    /// Why it did not end well.
    pub(crate) failure: Option<Failure>,
}

impl Stage {
    /// Plays a scenario once for each of its appends, after which the engine stops and another one goes on. Answers what
    /// differs from how it went without.
    pub(crate) fn play_with_stops(
        &self,
        file: &TestFile,
        scenario: &Scenario,
        whole: &Played,
    ) -> Result<Option<(String, Miss)>, Error> {
        for stop in 0..whole.appends {
            let again = self.play(file, scenario, Some(stop))?;
            if let Some((place, miss)) = differs(whole, again) {
                let what = format!(
                    "{}, when the engine stops after {stop} of {} appends",
                    miss.what, whole.appends
                );
                return Ok(Some((place, Miss { what, ..miss })));
            }
        }
        Ok(None)
    }

    /// Plays a scenario on this thread, with an engine that stops after so many appends and another one that goes on.
    pub(crate) fn play(&self, file: &TestFile, scenario: &Scenario, stop: Option<usize>) -> Result<Played, Error> {
        // An engine whose store stops has much to say of it, and nothing that anybody wants to know.
        let _quiet = stop.map(|_| set_default(NoSubscriber::default()));
        let clock = VirtualClock::starting_at(file::start(scenario));
        let parked = clock.clone();
        // One thread: time goes on when it has nothing to do.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .on_thread_park(move || parked.parked())
            .build()
            .map_err(|why| Error::State(format!("the machine gives no runtime for a scenario: {why}")))?;
        let played = runtime.block_on(self.played(file, scenario, clock, stop));
        runtime.shutdown_background();
        played
    }

    async fn played(
        &self,
        file: &TestFile,
        scenario: &Scenario,
        clock: Arc<VirtualClock>,
        stop: Option<usize>,
    ) -> Result<Played, Error> {
        let says = &file.says;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let local = Local::new(store.clone(), StoreKey::generate()?);
        fill(
            local.parameters(),
            says.parameter_store.iter().chain(&scenario.parameter_store),
        )
        .await?;
        let stored = ParameterSource::Machine(local.parameters().clone());
        let mut given = says.parameters.clone();
        given.extend(scenario.parameters.clone());
        let parameters = match bind::parameters(&self.plan, given, &stored).await {
            Ok(parameters) => parameters,
            Err(error) => return Ok(not_begun(&error)),
        };
        let world = Arc::new(self.world(file, scenario, &clock, store.clone(), local.clone()));
        let first = Arc::new(Stopping::new(store.clone(), stop));
        let begun = Begun {
            ports: Ports {
                store: store.clone(),
                invoker: world.clone(),
                backend: world.clone(),
                secrets: Arc::new(local),
                clock: clock.clone(),
                runbooks: world.clone(),
                // A test asks what the runbook does, not what is allowed on this machine.
                policy: Policy::default(),
            },
            clock,
            id: ID.parse().expect("a legal id"),
            plan: self.plan.clone(),
            started: answer::started(&self.plan, parameters, BY, self.globals(file, scenario)),
        };
        let mut deeds = people::deeds(&scenario.people);
        let (executor, watched) = begun.watch(&first, &mut deeds).await?;
        executor.flush_logs().await;
        let outcome = Outcome::gather(watched.state, &*store).await?;
        let mut misses = self.unanswered(&world);
        let left = watched.left.into_iter();
        misses.extend(left.map(|(index, why)| {
            let miss = Miss::new("people", "that this is done", why);
            (format!("/people/{index}"), miss)
        }));
        let disk = world.disk.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        misses.extend(check::misses(scenario, &outcome, &disk));
        drop(disk);
        Ok(Played {
            appends: first.appends(),
            asked: world.asked(),
            ..played(outcome, misses)
        })
    }

    fn world(
        &self,
        file: &TestFile,
        scenario: &Scenario,
        clock: &Arc<VirtualClock>,
        store: Arc<dyn Store>,
        local: Local,
    ) -> World {
        let mocks = scenario.mocks.iter().chain(&file.says.mocks);
        let mut files: BTreeMap<String, String> = file.says.files.clone();
        files.extend(scenario.files.clone());
        let runbooks = LibraryRunbooks {
            library: self.library.clone(),
            parameters: ParameterSource::Machine(local.parameters().clone()),
            pin: Arc::new(Pin::new(store.clone(), self.library.shelf.clone())),
        };
        World {
            clock: clock.clone(),
            host: self.library.host.clone(),
            local,
            store,
            runbooks,
            runbook: self.plan.name.clone(),
            mocks: mocks.map(|mock| (mock.clone(), Mutex::new(0))).collect(),
            disk: Mutex::new(Disk::with(files.iter(), file::start(scenario))),
            seen: Mutex::new(Seen::default()),
        }
    }

    fn globals(&self, file: &TestFile, scenario: &Scenario) -> BTreeMap<String, String> {
        let mut globals = BTreeMap::from([
            ("REGION".to_owned(), LOCAL_REGION.to_owned()),
            ("ACCOUNT_ID".to_owned(), LOCAL_ACCOUNT.to_owned()),
            ("AWS_PARTITION".to_owned(), LOCAL_PARTITION.to_owned()),
        ]);
        globals.extend(file.says.globals.clone());
        globals.extend(scenario.globals.clone());
        let mut place: Place = self.library.place();
        place.look_first_in(&self.folder);
        place.note(&mut globals);
        globals
    }

    fn unanswered(&self, world: &World) -> Vec<(String, Miss)> {
        let seen = world.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let miss = |(step, what): &(String, String)| {
            let miss = Miss::new(
                "mocks",
                format!("an answer to {what}"),
                format!("none, and step {step} asks"),
            );
            ("/name".to_owned(), miss)
        };
        let mut misses: Vec<(String, Miss)> = seen.unanswered.iter().map(miss).collect();
        misses.dedup();
        misses
    }
}

/// An execution that is about to begin.
struct Begun {
    ports: Ports,
    clock: Arc<VirtualClock>,
    id: ExecutionId,
    plan: Arc<Plan>,
    started: Started,
}

impl Begun {
    /// Watches it until it ends, with one engine, or two if the store of the first stops.
    async fn watch(
        &self,
        first: &Arc<Stopping>,
        deeds: &mut [people::Doing<'_>],
    ) -> Result<(Executor, Watched), Error> {
        let store: Arc<dyn Store> = first.clone();
        let executor = self.engine(store).await?;
        let running = Arc::new(Mutex::new(executor.clone()));
        let active = running.clone();
        tokio::spawn(self.clock.clone().run(move || !lock(&active).active().is_empty()));
        let watched = tokio::select! {
            biased;
            () = first.stopped() => None,
            watched = self.watch_with(&executor, deeds) => Some(watched),
        };
        match watched {
            // What failed because its store stopped has not failed.
            Some(watched) if watched.is_ok() || !first.has_stopped() => return Ok((executor, watched?)),
            Some(_) | None => {}
        }
        let executor = self.engine(self.ports.store.clone()).await?;
        *lock(&running) = executor.clone();
        let watched = self.watch_with(&executor, deeds).await?;
        Ok((executor, watched))
    }

    async fn engine(&self, store: Arc<dyn Store>) -> Result<Executor, Error> {
        let ports = Ports {
            store,
            ..self.ports.clone()
        };
        Ok(Executor::open(ports).await?)
    }

    async fn watch_with(&self, executor: &Executor, deeds: &mut [people::Doing<'_>]) -> Result<Watched, Error> {
        executor
            .start(self.id.clone(), self.plan.clone(), self.started.clone())
            .await?;
        people::watch(executor, &self.clock, &self.id, deeds).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What differs in an execution whose engine stopped.
fn differs(whole: &Played, again: Played) -> Option<(String, Miss)> {
    // Lines of the log may be lost or come twice: they are text for people.
    let new = |found: &(String, Miss)| found.1.what != check::LOGS && !whole.misses.contains(found);
    let miss = again.misses.into_iter().find(new);
    if miss.is_some() {
        return miss;
    }
    let message = |failure: &Option<Failure>| {
        failure
            .as_ref()
            .map_or_else(|| "none".to_owned(), |it| it.message.clone())
    };
    let shown = |outputs: &Map<String, Value>| Value::Object(outputs.clone()).to_string();
    let pairs = [
        ("status", format!("{:?}", whole.status), format!("{:?}", again.status)),
        ("path", whole.path.join(", "), again.path.join(", ")),
        ("outputs", shown(&whole.outputs), shown(&again.outputs)),
        ("failure", message(&whole.failure), message(&again.failure)),
    ];
    let (what, expected, got) = pairs.into_iter().find(|(_, expected, got)| expected != got)?;
    Some(("/name".to_owned(), Miss::new(what, expected, got)))
}

async fn fill(store: &ParameterStore, parameters: impl Iterator<Item = (&String, &Stored)>) -> Result<(), Error> {
    for (name, stored) in parameters {
        let (parameter_type, value) = match stored {
            Stored::Text(text) => (ParameterType::String, text.clone()),
            Stored::List(items) => (ParameterType::StringList, items.join(",")),
            Stored::Secure { secure } => (ParameterType::SecureString, secure.clone()),
        };
        let put = Put {
            name,
            parameter_type,
            value: NewValue::Given(value),
            overwrite: true,
            idempotency_key: None,
            secrets: Default::default(),
        };
        store.put(put).await?;
    }
    Ok(())
}

fn not_begun(error: &Error) -> Played {
    let miss = Miss::new("parameters", "parameters that the runbook takes", error.to_string());
    Played {
        status: None,
        path: Vec::new(),
        took_ms: 0,
        misses: vec![("/parameters".to_owned(), miss)],
        reached: BTreeSet::new(),
        appends: 0,
        outputs: Map::new(),
        failure: None,
        asked: Vec::new(),
    }
}

fn played(outcome: Outcome, mut misses: Vec<(String, Miss)>) -> Played {
    let state = &outcome.state;
    // Nothing would ever happen any more: say what it waits for.
    if !state.status().is_final()
        && let Some((_, miss)) = misses.iter_mut().find(|(_, miss)| miss.what == "status")
        && let Some(waits) = summary::of(state).waiting
    {
        miss.got = format!("{}, and nobody does what it waits for: {waits}", miss.got);
    }
    let end = state.ended.as_ref().map_or(state.last_at, |ended| ended.at);
    let took = end.since(state.started_at);
    Played {
        status: Some(state.status()),
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        appends: 0,
        outputs: state
            .ended
            .as_ref()
            .map(|ended| ended.outputs.clone())
            .unwrap_or_default(),
        failure: state.ended.as_ref().and_then(|ended| ended.failure.clone()),
        path: outcome.path,
        misses,
        reached: outcome.reached,
        asked: Vec::new(),
    }
}
