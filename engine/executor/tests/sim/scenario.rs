//! What one seed stands for: runbooks, executions, and what is done to them.

use std::{fmt, str::FromStr, sync::Arc};

use fastrand::Rng;
use runwright_compiler::{Catalog, Source};
use runwright_model::{event::Mode, plan::Plan};
use runwright_testkit::{Knobs, Shelf, Written, runbooks, scripted};

use crate::sim::{disk::Faults, world::Weather};

/// A seed, and how much of everything it may hold. Less makes a failure easier to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) knobs: Knobs,
    /// Executions that people start.
    pub(crate) executions: u32,
    /// Things that people and machines do.
    pub(crate) inputs: u32,
    /// Engines are killed and come back.
    pub(crate) crashes: bool,
    /// The store fails.
    pub(crate) store: bool,
    /// The clock is set.
    pub(crate) jumps: bool,
    /// Calls take time.
    pub(crate) latency: bool,
    /// Nothing depends on when something happens.
    pub(crate) steady: bool,
}

impl Scenario {
    /// Everything that a seed can hold.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            knobs: Knobs::ALL,
            executions: 3,
            inputs: 24,
            crashes: true,
            store: true,
            jumps: true,
            latency: true,
            steady: false,
        }
    }

    /// What ends the same with and without crashes.
    pub(crate) fn steady(seed: u64, crashes: bool) -> Self {
        Self {
            knobs: Knobs::STEADY,
            crashes,
            store: false,
            jumps: false,
            steady: true,
            ..Self::new(seed)
        }
    }

    /// Chance for one purpose: taking one knob back leaves the others as they were.
    pub(crate) fn rng(&self, purpose: u64) -> Rng {
        Rng::with_seed(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ purpose)
    }

    pub(crate) fn written(&self) -> Vec<Written> {
        runbooks(&mut self.rng(1), &self.knobs)
    }

    pub(crate) fn faults(&self) -> Faults {
        let mut rng = self.rng(2);
        let mut some = |on: bool, most: u32| if on && rng.bool() { rng.u32(0..most) } else { 0 };
        Faults {
            crash: some(self.crashes, 60),
            full: some(self.store, 20),
            closed: some(self.store, 10),
            slow: some(self.latency, 400),
        }
    }

    /// In some seeds people start each step.
    pub(crate) fn mode(&self) -> Mode {
        if self.knobs.people && !self.steady && self.rng(7).u32(0..6) == 0 {
            Mode::Interactive
        } else {
            Mode::Auto
        }
    }

    pub(crate) fn weather(&self) -> Weather {
        let mut rng = self.rng(3);
        Weather {
            seed: self.seed,
            failures: self.knobs.failures && rng.u32(0..4) > 0,
            latency: self.latency && rng.u32(0..4) > 0,
            unsupervised: !self.steady && rng.u32(0..4) == 0,
        }
    }

    /// Simpler scenarios of the same seed.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let mut simpler = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut less = *self;
            change(&mut less);
            if less != *self {
                simpler.push(less);
            }
        };
        with(&|it| it.executions = 1);
        with(&|it| it.knobs.runbooks = 1);
        with(&|it| it.executions = it.executions.saturating_sub(1).max(1));
        with(&|it| it.knobs.runbooks = it.knobs.runbooks.saturating_sub(1).max(1));
        with(&|it| it.jumps = false);
        with(&|it| it.store = false);
        with(&|it| it.crashes = false);
        with(&|it| it.latency = false);
        with(&|it| it.knobs.failures = false);
        with(&|it| it.knobs.waits = false);
        with(&|it| it.knobs.people = false);
        with(&|it| it.knobs.races = false);
        with(&|it| it.knobs.loops = false);
        with(&|it| it.knobs.steps = it.knobs.steps.saturating_sub(1).max(1));
        with(&|it| it.knobs.calls = it.knobs.calls.saturating_sub(1).max(1));
        with(&|it| it.inputs /= 2);
        with(&|it| it.inputs = it.inputs.saturating_sub(1));
        simpler
    }
}

/// The plans of the runbooks.
pub(crate) fn compile(written: &[Written]) -> Shelf {
    let catalog = Catalog {
        actions: scripted().specs(),
        ..Catalog::default()
    };
    written.iter().fold(Shelf::default(), |shelf, written| {
        let source = Source {
            name: written.name.clone(),
            origin: format!("{}.yaml", written.name),
            text: written.text.clone(),
        };
        let compiled = runwright_compiler::parse(&source).compile(&catalog);
        let plan: Plan = compiled
            .plan
            .unwrap_or_else(|| panic!("{}\n{:#?}", written.text, compiled.diagnostics));
        shelf.with(Arc::new(plan))
    })
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { knobs, .. } = self;
        write!(f, "{}", self.seed)?;
        let numbers = [
            ("executions", self.executions),
            ("inputs", self.inputs),
            ("runbooks", knobs.runbooks),
            ("steps", knobs.steps),
            ("calls", knobs.calls),
        ];
        for (name, value) in numbers {
            write!(f, ",{name}={value}")?;
        }
        let flags = [
            ("crashes", self.crashes),
            ("store", self.store),
            ("jumps", self.jumps),
            ("latency", self.latency),
            ("steady", self.steady),
            ("failures", knobs.failures),
            ("people", knobs.people),
            ("waits", knobs.waits),
            ("races", knobs.races),
            ("loops", knobs.loops),
        ];
        for (name, value) in flags {
            write!(f, ",{name}={}", u32::from(value))?;
        }
        Ok(())
    }
}

impl FromStr for Scenario {
    type Err = String;

    /// A seed, and changed knobs after commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split(',');
        let seed = words.next().unwrap_or_default();
        let mut scenario = Self::new(seed.parse().map_err(|_| format!("`{seed}` is no seed"))?);
        for word in words {
            let (name, value) = word
                .split_once('=')
                .ok_or_else(|| format!("`{word}` is no NAME=NUMBER"))?;
            let value: u32 = value.parse().map_err(|_| format!("`{value}` is no number"))?;
            let knobs = &mut scenario.knobs;
            match name {
                "executions" => scenario.executions = value,
                "inputs" => scenario.inputs = value,
                "runbooks" => knobs.runbooks = value,
                "steps" => knobs.steps = value,
                "calls" => knobs.calls = value,
                "crashes" => scenario.crashes = value > 0,
                "store" => scenario.store = value > 0,
                "jumps" => scenario.jumps = value > 0,
                "latency" => scenario.latency = value > 0,
                "steady" => scenario.steady = value > 0,
                "failures" => knobs.failures = value > 0,
                "people" => knobs.people = value > 0,
                "waits" => knobs.waits = value > 0,
                "races" => knobs.races = value > 0,
                "loops" => knobs.loops = value > 0,
                _ => return Err(format!("there is no knob `{name}`")),
            }
        }
        Ok(scenario)
    }
}
