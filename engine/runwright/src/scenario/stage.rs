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
    grant::Policy,
    id::ExecutionId,
    plan::Plan,
    status::Status,
};
use runwright_store::{Store, memory::MemoryStore};

use super::{
    Miss, check,
    clock::VirtualClock,
    disk::Disk,
    file::{self, Scenario, Stored, TestFile},
    outcome::Outcome,
    people,
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
}

impl Stage {
    /// Plays a scenario on this thread.
    pub(crate) fn play(&self, file: &TestFile, scenario: &Scenario) -> Result<Played, Error> {
        let clock = VirtualClock::starting_at(file::start(scenario));
        let parked = clock.clone();
        // One thread: time goes on when it has nothing to do.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .on_thread_park(move || parked.parked())
            .build()
            .map_err(|why| Error::State(format!("the machine gives no runtime for a scenario: {why}")))?;
        let played = runtime.block_on(self.played(file, scenario, clock));
        runtime.shutdown_background();
        played
    }

    async fn played(&self, file: &TestFile, scenario: &Scenario, clock: Arc<VirtualClock>) -> Result<Played, Error> {
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
        let executor = Executor::open(Ports {
            store: store.clone(),
            invoker: world.clone(),
            backend: world.clone(),
            secrets: Arc::new(local),
            clock: clock.clone(),
            runbooks: world.clone(),
            // A test asks what the runbook does, not what is allowed on this machine.
            policy: Policy::default(),
        })
        .await?;
        let active = executor.clone();
        tokio::spawn(clock.clone().run(move || !active.active().is_empty()));
        let id: ExecutionId = ID.parse().expect("a legal id");
        let started = answer::started(&self.plan, parameters, BY, self.globals(file, scenario));
        executor.start(id.clone(), self.plan.clone(), started).await?;
        let watched = people::watch(&executor, &clock, &id, &scenario.people).await?;
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
        Ok(played(outcome, misses))
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
        path: outcome.path,
        misses,
        reached: outcome.reached,
    }
}
