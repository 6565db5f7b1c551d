//! What holds for every plan and every failure.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{document, run};
use proptest::prelude::*;
use runwright_executor::state::State;
use runwright_model::{id::StepId, status::Status};

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
