//! The world outside the simulated engines: effects by key, as a supervisor would keep them, and their chances.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runwright_executor::ports::Clock as _;
use runwright_model::{
    capability::{Answer, Backend, CallContext, Capability, Error, Outcome, Request, commands, files, http, waits},
    digest::Digest,
    secret::{SecretSource, Secrets},
};
use runwright_testkit::{JumpClock, effect_name};
use tokio::{sync::Notify, time::Instant};

use crate::sim::{check::Checker, life::Life};

/// What the world does to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Weather {
    pub(crate) seed: u64,
    /// Calls fail.
    pub(crate) failures: bool,
    /// Calls take time.
    pub(crate) latency: bool,
    /// Commands end with the engine that began them; a call made again is answered `Uncertain`.
    pub(crate) unsupervised: bool,
}

/// One world; a clone is the same.
#[derive(Clone)]
pub(crate) struct World {
    weather: Weather,
    begun: Arc<Mutex<Begun>>,
    clock: JumpClock,
    checker: Checker,
}

#[derive(Default)]
struct Begun {
    effects: BTreeMap<String, Effect>,
    probes: BTreeMap<String, u32>,
}

#[derive(Clone)]
struct Effect {
    name: String,
    outcome: Outcome,
    ends: Option<Instant>,
    stopped: Arc<Notify>,
    is_stopped: bool,
}

impl World {
    pub(crate) fn new(weather: Weather, clock: JumpClock, checker: Checker) -> Self {
        Self {
            weather,
            begun: Arc::default(),
            clock,
            checker,
        }
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every effect that began: key and name, by key.
    pub(crate) fn effects(&self) -> Vec<(String, String)> {
        let begun = self.begun();
        begun
            .effects
            .iter()
            .map(|(key, effect)| (key.clone(), effect.name.clone()))
            .collect()
    }

    /// The same for the same key, whenever it is asked.
    fn chance(&self, key: &str, what: &str) -> u64 {
        let digest = Digest::of(format!("{} {what} {key}", self.weather.seed).as_bytes());
        let bytes: [u8; 8] = digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes");
        u64::from_le_bytes(bytes)
    }

    fn latency(&self, key: &str) -> Duration {
        if !self.weather.latency {
            return Duration::ZERO;
        }
        let chance = self.chance(key, "latency");
        Duration::from_millis(match chance % 20 {
            0..11 => 0,
            11..15 => 1 + chance % 20,
            15..19 => 100 + chance % 800,
            _ => 3_000,
        })
    }

    fn outcome(&self, request: &Request, name: &str, key: &str) -> Outcome {
        if name.starts_with("hang") || name.contains(" hang") {
            return Err(Error::Uncertain("it was stopped".into()));
        }
        let fails = name.starts_with("false") || (self.weather.failures && self.fails_always(name));
        if self.weather.failures && self.chance(key, "error").is_multiple_of(20) {
            return Err(error(self.chance(key, "which")));
        }
        let unlucky = self.weather.failures && self.chance(key, "exit").is_multiple_of(16);
        Ok(answer(request, name, fails || unlucky))
    }

    /// Some things cannot be undone.
    fn fails_always(&self, name: &str) -> bool {
        name.starts_with("undo") && self.chance(name, "undo").is_multiple_of(12)
    }

    fn probe(&self, key: &str) -> Outcome {
        let mut begun = self.begun();
        let tries = begun.probes.entry(key.to_owned()).or_default();
        *tries += 1;
        if self.weather.failures && self.chance(key, "probe error").is_multiple_of(16) {
            return Err(Error::Invalid("no such host".into()));
        }
        if u64::from(*tries) <= self.chance(key, "probes") % 5 {
            return Err(Error::Unavailable("not yet".into()));
        }
        Ok(Answer::Done)
    }

    /// The effect of this key, begun now unless it was before.
    fn begin(&self, request: &Request, context: &CallContext, name: String) -> Effect {
        let key = &context.idempotency_key;
        let mut begun = self.begun();
        if let Some(effect) = begun.effects.get(key) {
            return effect.clone();
        }
        let hangs = name.starts_with("hang");
        let effect = Effect {
            outcome: self.outcome(request, &name, key),
            name,
            ends: (!hangs).then(|| Instant::now() + self.latency(key)),
            stopped: Arc::default(),
            is_stopped: false,
        };
        begun.effects.insert(key.clone(), effect.clone());
        effect
    }
}

fn answer(request: &Request, name: &str, fails: bool) -> Answer {
    match request {
        Request::Commands(_) => {
            let completed = commands::Completed {
                exit_code: Some(i32::from(fails)),
                stdout: name.to_owned(),
                ..Default::default()
            };
            Answer::Commands(commands::Answer::Completed(completed))
        }
        Request::Http(_) => Answer::Http(http::Response::default()),
        Request::Files(files::Request::Stat { .. }) => Answer::Files(files::Answer::Stat(None)),
        Request::Files(_)
        | Request::Aws(_)
        | Request::Parameters(_)
        | Request::Approvals(_)
        | Request::Waits(_)
        | Request::Blobs(_)
        | Request::Executions(_) => Answer::Done,
    }
}

fn error(which: u64) -> Error {
    match which % 8 {
        0 => Error::Denied {
            capability: Capability::Commands,
            missing: "commands".into(),
        },
        1 => Error::NotFound("it is gone".into()),
        2 => Error::Invalid("it makes no sense".into()),
        3 => Error::Throttled("too many".into()),
        4 => Error::TimedOut("too long".into()),
        5 => Error::LimitExceeded {
            which: "size".into(),
            limit: 1,
            used: 2,
        },
        6 => Error::Unavailable("the other side failed".into()),
        _ => Error::Uncertain("nobody knows".into()),
    }
}

/// The world as one engine process reaches it.
pub(crate) struct LifeWorld(pub(crate) Arc<Life>, pub(crate) World);

#[async_trait::async_trait]
impl Backend for LifeWorld {
    async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        let Self(life, world) = self;
        life.gate().await;
        let key = context.idempotency_key.clone();
        if let Request::Waits(waits::Request::Probe { .. }) = request {
            tokio::time::sleep(world.latency(&key)).await;
            life.gate().await;
            return world.probe(&key);
        }
        let Some(name) = effect_name(&request) else {
            tokio::time::sleep(world.latency(&key)).await;
            life.gate().await;
            return world.outcome(&request, "look", &key);
        };
        let known = world.begun().effects.contains_key(&key);
        world.checker.performing(&request, &context, life.number(), known);
        if known && world.weather.unsupervised && !request.is_repeatable() {
            return Err(Error::Uncertain("it may have happened".into()));
        }
        let effect = world.begin(&request, &context, name);
        if effect.is_stopped {
            return Err(Error::Uncertain("it was stopped".into()));
        }
        let ended = async {
            match effect.ends {
                Some(ends) => tokio::time::sleep_until(ends).await,
                None => std::future::pending().await,
            }
        };
        let over = async {
            match context.deadline {
                Some(deadline) => world.clock.sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let outcome = tokio::select! {
            biased;
            () = ended => effect.outcome.clone(),
            () = effect.stopped.notified() => Err(Error::Uncertain("it was stopped".into())),
            () = over => Err(Error::TimedOut("its time was over".into())),
        };
        life.gate().await;
        outcome
    }

    fn survives(&self, request: &Request) -> bool {
        !self.1.weather.unsupervised && matches!(request, Request::Commands(_))
    }

    async fn stop(&self, _request: &Request, context: &CallContext) {
        self.0.gate().await;
        let mut begun = self.1.begun();
        if let Some(effect) = begun.effects.get_mut(&context.idempotency_key)
            && effect.ends.is_none_or(|ends| ends > Instant::now())
        {
            effect.is_stopped = true;
            effect.stopped.notify_waiters();
        }
    }
}

#[async_trait::async_trait]
impl SecretSource for World {
    async fn secrets(&self, _placeholders: Vec<String>) -> Result<Secrets, Error> {
        Ok(Secrets::default())
    }
}
