//! Ten thousand seeds of the simulation in `sim/`, or one: `cargo xtask sim --seed N`.

mod sim;

use std::{
    fmt::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use sim::{
    check::Violation,
    drive::{Outcome, simulate},
    rules,
    scenario::Scenario,
};

/// Seeds when nobody says how many.
const SEEDS: u64 = 10_000;
/// Each so many-th seed is also run without crashes, and compared.
const COMPARED: u64 = 5;
/// Each so many-th seed is run twice.
const REPEATED: u64 = 50;

#[expect(clippy::disallowed_methods, reason = "how a person says what to simulate")]
fn wanted(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Runs a scenario, with a panic as one more broken promise.
fn run(scenario: &Scenario) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| simulate(scenario))).unwrap_or_else(|panic| {
        let why = panic
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| "a panic".into());
        Outcome {
            violation: Some(Violation {
                rule: rules::NOTHING_IS_LOST,
                text: why,
            }),
            trace: Vec::new(),
            ends: Default::default(),
            effects: Vec::new(),
        }
    })
}

/// What a scenario breaks, the comparison with an uninterrupted run included.
fn broken(scenario: &Scenario) -> Option<(Violation, Vec<String>)> {
    let outcome = run(scenario);
    if let Some(violation) = outcome.violation {
        return Some((violation, outcome.trace));
    }
    if !scenario.steady || !scenario.crashes {
        return None;
    }
    let calm = run(&Scenario {
        crashes: false,
        ..*scenario
    });
    if let Some(violation) = calm.violation {
        return Some((violation, calm.trace));
    }
    let mut text = String::new();
    for (id, end) in &calm.ends {
        let found = outcome.ends.get(id);
        if found != Some(end) {
            let _ = write!(text, "{id}: without crashes {end}; with crashes {found:?}. ");
        }
    }
    if calm.effects != outcome.effects {
        let _ = write!(
            text,
            "effects without crashes {:?}, with {:?}",
            calm.effects, outcome.effects
        );
    }
    (!text.is_empty()).then(|| {
        let violation = Violation {
            rule: rules::CRASHES_CHANGE_NOTHING,
            text,
        };
        (violation, outcome.trace)
    })
}

/// The simplest scenario of the seed that breaks the same promise, as far as taking knobs back finds it.
fn shrink(scenario: Scenario, rule: &str) -> Scenario {
    let mut simplest = scenario;
    'again: loop {
        for simpler in simplest.simpler() {
            if broken(&simpler).is_some_and(|(violation, _)| violation.rule == rule) {
                simplest = simpler;
                continue 'again;
            }
        }
        return simplest;
    }
}

fn report(scenario: &Scenario, violation: &Violation, trace: &[String]) -> String {
    let words = rules::RULES.iter().find(|(name, _)| *name == violation.rule);
    let mut text = String::new();
    for written in scenario.written() {
        let _ = writeln!(text, "# {}\n{}", written.name, written.text);
    }
    for line in trace {
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(
        text,
        "\nseed {} breaks {} ({}):\n  {}\nagain: cargo xtask sim --seed {scenario}\n",
        scenario.seed,
        violation.rule,
        words.map_or("", |(_, words)| words),
        violation.text
    );
    text
}

fn scenarios(seed: u64) -> Vec<Scenario> {
    let mut scenarios = vec![Scenario::new(seed)];
    if seed.is_multiple_of(COMPARED) {
        scenarios.push(Scenario::steady(seed, true));
    }
    scenarios
}

/// Looks at one seed; answers the report of what it breaks.
fn look_at(seed: u64) -> Option<String> {
    for scenario in scenarios(seed) {
        if let Some((violation, _)) = broken(&scenario) {
            let simplest = shrink(scenario, violation.rule);
            let (violation, trace) = broken(&simplest).unwrap_or((violation, Vec::new()));
            return Some(report(&simplest, &violation, &trace));
        }
        if seed.is_multiple_of(REPEATED) {
            let (first, second) = (run(&scenario).trace, run(&scenario).trace);
            let differs = first.iter().zip(&second).position(|(one, other)| one != other);
            if first != second {
                let at = differs.unwrap_or(first.len().min(second.len()));
                return Some(format!(
                    "{scenario} gives two traces, which differ in line {at}:\n{:#?}\n{:#?}",
                    &first[at.saturating_sub(5)..(at + 2).min(first.len())],
                    &second[at.saturating_sub(5)..(at + 2).min(second.len())],
                ));
            }
        }
    }
    None
}

#[test]
fn every_promise_holds_for_every_seed() {
    if let Some(scenario) = wanted("RUNWRIGHT_SIM_SEED") {
        let scenario: Scenario = scenario.parse().unwrap();
        let outcome = broken(&scenario);
        match outcome {
            Some((violation, trace)) => panic!("{}", report(&scenario, &violation, &trace)),
            None => {
                for line in run(&scenario).trace {
                    println!("{line}");
                }
                return;
            }
        }
    }
    let seeds = wanted("RUNWRIGHT_SIM_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let first: u64 = wanted("RUNWRIGHT_SIM_FROM").map_or(0, |from| from.parse().unwrap());
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let reports = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    if let Some(report) = look_at(seed) {
                        failed.store(true, Ordering::Relaxed);
                        reports.lock().unwrap().push(report);
                    }
                }
            });
        }
    });
    let reports = reports.into_inner().unwrap();
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
}
