//! What holds for every plan and every failure.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use common::{
    document,
    machine::{self, Machine},
    run,
};
use proptest::prelude::*;
use runwright_executor::state::State;
use runwright_model::{
    event::{Event, Record, Signal},
    id::StepId,
    status::Status,
};
use runwright_store::Store as _;
use runwright_testkit::Knobs;

/// A step of a generated plan: what it depends on (earlier ones), whether it fails, and what happens then.
#[derive(Debug, Clone)]
struct Shape {
    needs: Vec<prop::sample::Index>,
    fails: bool,
    policy: &'static str,
}

fn shape() -> impl Strategy<Value = Shape> {
    let policy = prop::sample::select(vec!["Abort", "Continue", "Rollback"]);
    (
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::bool::weighted(0.25),
        policy,
    )
        .prop_map(|(needs, fails, policy)| Shape { needs, fails, policy })
}

fn graph(shapes: &[Shape], concurrency: u8) -> String {
    let mut steps = String::new();
    for (index, shape) in shapes.iter().enumerate() {
        let needs: BTreeSet<usize> = shape
            .needs
            .iter()
            .filter(|_| index > 0)
            .map(|need| need.index(index))
            .collect();
        let needs: Vec<String> = needs.iter().map(|need| format!("S{need}")).collect();
        let last = if shape.fails { "false" } else { "ok" };
        steps.push_str(&format!(
            "- {{name: S{index}, action: 'test:do', inputs: {{Commands: [do {index}, {last} {index}]}}, \
             onFailure: {}, dependsOn: [{}]}}\n",
            shape.policy,
            needs.join(", ")
        ));
    }
    document(&steps).replace("mainSteps", &format!("maxConcurrency: {concurrency}\nmainSteps"))
}

fn list(shapes: &[Shape]) -> String {
    graph(shapes, 1)
        .replace("maxConcurrency: 1\n", "")
        .lines()
        .map(|line| {
            let end = line.find(", dependsOn").map_or(line.len(), |at| at);
            let close = if line.contains(", dependsOn") { "}" } else { "" };
            format!("{}{close}\n", &line[..end])
        })
        .collect()
}

fn finished(text: &str) -> (State, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (state, world) = runtime.block_on(run(text));
    (state, world.effects())
}

fn check_order(state: &State) -> Result<(), TestCaseError> {
    for id in state.plan.step_ids() {
        let Some(visit) = state.visit(id) else { continue };
        for need in &state.plan.step(id).depends_on {
            let before = state.visit(*need);
            let ended = before.and_then(|visit| visit.ended_at);
            prop_assert!(
                ended.is_some_and(|ended| ended <= visit.started_at),
                "{need:?} before {id:?}"
            );
        }
    }
    Ok(())
}

/// Every effect once; undone effects in reverse, each after it was done.
fn check_effects(state: &State, effects: &[String]) -> Result<(), TestCaseError> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for effect in effects {
        *counts.entry(effect).or_default() += 1;
    }
    prop_assert!(counts.values().all(|count| *count == 1), "{effects:?}");
    let done: Vec<&str> = effects
        .iter()
        .map(String::as_str)
        .filter(|effect| !effect.starts_with("undo"))
        .collect();
    let undone: Vec<&str> = effects
        .iter()
        .filter_map(|effect| effect.strip_prefix("undo "))
        .collect();
    if state.status() == Status::RolledBack {
        prop_assert_eq!(undone.len(), done.len(), "everything done is undone");
    } else {
        prop_assert!(undone.is_empty());
    }
    Ok(())
}

/// A step is undone after all that depend on it; with one at a time, in the exact reverse of completion.
fn check_undone_in_reverse(state: &State, effects: &[String], concurrency: u8) -> Result<(), TestCaseError> {
    let undone: Vec<String> = effects
        .iter()
        .filter(|effect| effect.starts_with("undo"))
        .filter_map(|effect| effect.rsplit(' ').next().map(str::to_owned))
        .collect();
    let place = |id: StepId| {
        let name = id.0.to_string();
        let first = undone.iter().position(|undo| *undo == name);
        first.zip(undone.iter().rposition(|undo| *undo == name))
    };
    for id in state.plan.step_ids() {
        for need in &state.plan.step(id).depends_on {
            if let (Some((_, last)), Some((first, _))) = (place(id), place(*need)) {
                prop_assert!(last < first, "{id:?} before {need:?} in {undone:?}");
            }
        }
    }
    if concurrency == 1 {
        let mut ended: Vec<(u64, StepId)> = state
            .plan
            .step_ids()
            .filter_map(|id| Some((state.visit(id)?.ended_by?, id)))
            .collect();
        ended.sort_unstable();
        let expected: Vec<String> = ended.iter().rev().map(|(_, id)| id.0.to_string()).collect();
        let mut order = undone.clone();
        order.dedup();
        prop_assert_eq!(order, expected);
    }
    Ok(())
}

fn expected_status(state: &State) -> Status {
    let failed = |policy: &str| {
        state.plan.step_ids().any(|id| {
            let wanted = format!("{:?}", state.plan.step(id).on_failure) == policy;
            wanted && state.step_status(id) == Status::Failed
        })
    };
    if failed("Rollback") {
        Status::RolledBack
    } else if failed("Abort") {
        Status::Failed
    } else {
        Status::Success
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn graphs_keep_their_order_and_undo_in_reverse(
        shapes in prop::collection::vec(shape(), 1..9),
        concurrency in 1_u8..5,
    ) {
        let (state, effects) = finished(&graph(&shapes, concurrency));
        check_order(&state)?;
        check_effects(&state, &effects)?;
        prop_assert_eq!(state.status(), expected_status(&state));
        if state.status() == Status::RolledBack {
            check_undone_in_reverse(&state, &effects, concurrency)?;
        }
    }

    #[test]
    fn lists_run_one_step_after_the_other(shapes in prop::collection::vec(shape(), 1..9)) {
        let (state, effects) = finished(&list(&shapes));
        check_effects(&state, &effects)?;
        prop_assert_eq!(state.status(), expected_status(&state));
        let reached = state.plan.step_ids().take_while(|id| state.visit(*id).is_some()).count();
        let stop = shapes.iter().position(|shape| shape.fails && shape.policy != "Continue");
        prop_assert_eq!(reached, stop.map_or(shapes.len(), |stop| stop + 1));
    }
}

/// A vote: who, and yes or no.
fn vote() -> impl Strategy<Value = (&'static str, bool)> {
    let who = prop::sample::select(vec!["kim", "lee", "max", "mallory"]);
    (who, prop::bool::weighted(0.8))
}

/// Whether these votes approve, by the words of the specification: each approver counts once, one no is enough.
fn is_approved(votes: &[(&str, bool)], quorum: usize) -> Option<bool> {
    let mut yes = BTreeSet::new();
    for (who, approves) in votes.iter().filter(|(who, _)| *who != "mallory") {
        if yes.contains(who) {
            continue;
        }
        if !approves {
            return Some(false);
        }
        yes.insert(*who);
        if yes.len() >= quorum {
            return Some(true);
        }
    }
    None
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

async fn voted(votes: &[(&str, bool)], quorum: usize, before: &str) -> (State, Vec<String>) {
    let ask = format!("'ask {quorum} kim,lee,max -'");
    let steps = format!("- {{name: A, action: 'sim:do', inputs: {{Do: [{before}{ask}, 'run after']}}}}");
    let machine = Machine::with(&[("R0", &steps)]);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "R0").await.unwrap();
    for (who, approves) in votes {
        engine.wait(&machine::id(), true).await.unwrap();
        let signal = Signal {
            name: if *approves { Signal::APPROVE } else { Signal::REJECT }.into(),
            step: None,
            by: (*who).into(),
            payload: serde_json::json!({}),
        };
        // Those who may not, and those who come too late, are refused.
        let _ = engine.signal(&machine::id(), signal).await;
    }
    engine.wait(&machine::id(), true).await.unwrap();
    (engine.state(&machine::id()).await.unwrap(), machine.world.effects())
}

/// Runs a generated runbook, and cancels it after a time; answers the effects at that moment and at the end.
async fn cancelled(seed: u64, after_ms: u64) -> (Status, Vec<String>, Vec<String>) {
    let knobs = Knobs {
        runbooks: 1,
        people: false,
        ..Knobs::STEADY
    };
    let machine = Machine::generated(seed, &knobs);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "R0").await.unwrap();
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    let cancelled = engine.cancel(&machine::id(), "kim".into(), None).await;
    let then = machine.world.effects();
    let status = machine::end(&machine, &engine).await;
    let allowed = cancelled.is_err()
        || machine
            .shelf
            .plan("R0")
            .unwrap()
            .steps
            .iter()
            .any(|step| step.on_cancel.is_some());
    let end = machine.world.effects();
    (status, if allowed { end.clone() } else { then }, end)
}

/// The events of a generated runbook that was stopped twice.
async fn interrupted(seed: u64, stops: [usize; 2]) -> Vec<Record> {
    let knobs = Knobs {
        people: false,
        ..Knobs::STEADY
    };
    let machine = Machine::generated(seed, &knobs);
    for stop in stops {
        let engine = machine.engine(stop).await;
        if machine.start(&engine, "R0").await.is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(5), engine.wait(&machine::id(), false)).await;
        }
        let _ = engine.close().await;
        machine.tape.power_cut();
    }
    let store = Arc::new(machine.tape.open(usize::MAX).await.unwrap());
    let engine = machine
        .engine_over(store.clone(), Arc::new(machine.world.clone()))
        .await;
    machine.start(&engine, "R0").await.unwrap();
    machine::end(&machine, &engine).await;
    store.read(&machine::id(), 0).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_path_passes_an_approval_without_its_decisions(
        votes in prop::collection::vec(vote(), 0..7),
        quorum in 1_usize..4,
        works in any::<bool>(),
    ) {
        let before = if works { "'run before', " } else { "" };
        let (state, effects) = block_on(voted(&votes, quorum, before));
        let approved = is_approved(&votes, quorum);
        prop_assert_eq!(effects.contains(&"after".to_owned()), approved == Some(true));
        let expected = match approved {
            Some(true) => Status::Success,
            Some(false) => Status::Failed,
            None => Status::Waiting,
        };
        prop_assert_eq!(state.status(), expected);
    }

    #[test]
    fn a_cancel_is_final(seed in any::<u64>(), after_ms in 0_u64..2_000) {
        let (status, then, end) = block_on(cancelled(seed, after_ms));
        prop_assert!(status.is_final());
        prop_assert_eq!(then, end);
    }

    #[test]
    fn no_step_succeeds_twice(seed in any::<u64>(), first in 0_usize..40, second in 0_usize..40) {
        let mut seen = BTreeSet::new();
        for record in block_on(interrupted(seed, [first, second])) {
            if let Event::StepSucceeded { of, .. } = record.event {
                prop_assert!(seen.insert((of.step, of.visit)), "{of:?}");
            }
        }
    }
}
