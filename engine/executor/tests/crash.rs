//! Invariants 1 to 3: stopped after any append, an execution ends as if nothing had happened.
//!
//! Each scenario is run once without a crash and its appends are counted. Then it is run again for every
//! number of appends, the machine stops there and loses what was not durable, and the execution is resumed.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{document, drive, executor, id, line, machine, plan, run, started};
use runwright_model::event::Signal;
use runwright_testkit::{Knobs, Tape, World};
use serde_json::json;

const SCENARIOS: &[(&str, &str)] = &[
    (
        "one step",
        "- {name: A, action: 'test:do', inputs: {Commands: [a, b, c]}}",
    ),
    (
        "list with a jump",
        "- {name: A, action: 'test:do', inputs: {Commands: [a, 'false 1']}, onFailure: 'step:C', isCritical: false}
- {name: B, action: 'test:do', inputs: {Commands: [b]}}
- {name: C, action: 'test:do', inputs: {Commands: [c]}}",
    ),
    (
        "diamond",
        "- {name: A, action: 'test:do', inputs: {Commands: [a]}}
- {name: B, action: 'test:do', inputs: {Commands: [b1, b2]}, dependsOn: [A]}
- {name: C, action: 'test:sleep', inputs: {Ms: 2500}, dependsOn: [A]}
- {name: D, action: 'test:do', inputs: {Commands: [d]}, dependsOn: [B, C]}",
    ),
    (
        "rollback",
        "- {name: A, action: 'test:do', inputs: {Commands: [a1, a2]}}
- {name: B, action: 'test:pure', inputs: {}}
- {name: C, action: 'test:do', inputs: {Commands: [c1, 'false c2']}, onFailure: Rollback}",
    ),
    (
        "attempts",
        "- {name: A, action: 'test:flaky', inputs: {Until: 3}, retry: {maxAttempts: 3, backoff: 2s}}",
    ),
    (
        "approval and pause",
        "- {name: A, action: 'test:do', inputs: {Commands: [a]}}
- {name: Ask, action: 'test:ask', inputs: {}}
- {name: Pause, action: 'test:pause', inputs: {}}
- {name: B, action: 'test:do', inputs: {Commands: [b]}}",
    ),
    (
        "a loop with a wait and a failure that is tolerated",
        "- name: L
  action: aws:loop
  inputs:
    Iterators: [x, y, z]
    Steps:
    - {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteratorValue }}', 'b {{ L.CurrentIteration }}']}}
    - {name: Pause, action: 'test:pause', inputs: {}}
    - {name: F, action: 'test:do', inputs: {Commands: ['false {{ L.CurrentIteration }}']}, onFailure: Continue}
- {name: B, action: 'test:do', inputs: {Commands: ['c {{ L.CurrentIteration }}']}}",
    ),
    (
        "nested loops that are left, and undone",
        "- name: L
  action: aws:loop
  inputs:
    LoopCondition: {Variable: '{{ L.CurrentIteration }}', NumericLesser: 2}
    Steps:
    - name: M
      action: aws:loop
      inputs:
        Iterators: [x, y]
        Steps:
        - {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteration }} {{ M.CurrentIteratorValue }}']}}
        - {name: S, action: 'test:sleep', inputs: {Ms: 2500}, nextStep: Out}
    - {name: Out, action: 'test:do', inputs: {Commands: ['out {{ L.CurrentIteration }}']}}
- {name: F, action: 'test:do', inputs: {Commands: ['false']}, onFailure: Rollback}",
    ),
];

async fn uncrashed(text: &str) -> (String, Vec<String>, usize) {
    let (tape, world) = (Tape::default(), World::default());
    let plan = plan(text);
    let budget = 1_000_000;
    let store = Arc::new(tape.open(budget).await.unwrap());
    let (executor, _) = common::executor_over(store.clone(), &world).await;
    executor.start(id(), plan.clone(), started(&plan)).await.unwrap();
    drive(&executor).await.unwrap();
    let state = executor.state(&id()).await.unwrap();
    executor.close().await.unwrap();
    (line(&state), world.effects(), budget - store.left())
}

async fn crashed_after(text: &str, appends: usize) -> (String, World) {
    let (tape, world) = (Tape::default(), World::default());
    let plan = plan(text);
    let (first, _) = executor(&tape, &world, appends).await;
    if first.start(id(), plan.clone(), started(&plan)).await.is_ok() {
        // It ends with its store, unless it has ended before.
        let _ = drive(&first).await;
    }
    let _ = first.close().await;
    tape.power_cut();
    let (second, _) = executor(&tape, &world, usize::MAX).await;
    // Nothing that was not durable was acknowledged: an execution that is not there is simply started.
    second.start(id(), plan.clone(), started(&plan)).await.unwrap();
    second.resume(&id()).await.unwrap();
    drive(&second)
        .await
        .unwrap_or_else(|error| panic!("after {appends} appends of {text}: {error}"));
    let state = second.state(&id()).await.unwrap();
    (line(&state), world)
}

#[tokio::test(start_paused = true)]
async fn every_append_may_be_the_last() {
    for (name, steps) in SCENARIOS {
        let text = document(steps);
        let (expected, mut effects, appends) = uncrashed(&text).await;
        effects.sort();
        assert!(appends > 3, "{name} appends {appends} times");
        for crash in 0..=appends {
            let (ended, world) = crashed_after(&text, crash).await;
            assert_eq!(ended, expected, "{name}, stopped after {crash} of {appends} appends");
            let mut found = world.effects();
            found.sort();
            assert_eq!(found, effects, "{name}, stopped after {crash} of {appends} appends");
            assert_eq!(world.begun_twice(), [""; 0], "{name}, stopped after {crash} appends");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_left_in_the_middle_goes_on_with_whoever_opens_the_store() {
    let (tape, world) = (Tape::default(), World::default());
    let plan = plan(&document(SCENARIOS[0].1));
    let (first, _) = executor(&tape, &world, 4).await;
    first.start(id(), plan.clone(), started(&plan)).await.unwrap();
    assert!(drive(&first).await.is_err(), "it is stopped in the middle");
    let _ = first.close().await;
    tape.power_cut();

    let resting = common::executor_at_rest(Arc::new(tape.open(usize::MAX).await.unwrap()), &world).await;
    let before = resting.state(&id()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(3_600), resting.wait(&id(), false))
        .await
        .expect_err("nobody asked it to go on");
    assert_eq!(resting.state(&id()).await.unwrap().length, before.length);
    drop(resting);

    let (second, _) = executor(&tape, &world, usize::MAX).await;
    second.wait(&id(), false).await.unwrap();
    assert_eq!(world.effects(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn rolling_back_undoes_in_reverse_what_was_done_also_half_way() {
    let (state, world) = run(&document(SCENARIOS[3].1)).await;
    assert_eq!(line(&state), "A Success, B Success, C Failed | RolledBack");
    let undone: Vec<String> = world
        .effects()
        .into_iter()
        .filter(|effect| effect.starts_with("undo"))
        .collect();
    assert_eq!(undone, ["undo false c2", "undo c1", "undo a2", "undo a1"]);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_does_something_else_on_resume_is_stopped() {
    let (state, _) = run(&document("- {name: A, action: 'test:unstable', inputs: {}}")).await;
    assert_eq!(line(&state), "A Failed | Failed");
    let failure = state.ended.unwrap().failure.unwrap();
    assert_eq!(failure.code.as_deref(), Some("RW-X005"));
    assert!(failure.message.contains("files.stat"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn cancelling_is_final_and_stops_what_runs() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(&document(
        "- {name: A, action: 'test:sleep', inputs: {Ms: 600000}, onCancel: 'step:C'}
- {name: B, action: 'test:do', inputs: {Commands: [b]}}
- {name: C, action: 'test:do', inputs: {Commands: [c]}}",
    ));
    executor.start(id(), plan.clone(), started(&plan)).await.unwrap();
    let mut seen = 0;
    while executor.state(&id()).await.unwrap().open.is_empty() {
        seen = executor.changed(&id(), seen).await;
    }
    executor
        .cancel(&id(), "kim".into(), Some("wrong night".into()))
        .await
        .unwrap();
    executor.wait(&id(), false).await.unwrap();
    let state = executor.state(&id()).await.unwrap();
    assert_eq!(line(&state), "A Cancelled, B Pending, C Success | Cancelled");
    assert_eq!(world.effects(), ["c"]);
    let again = executor.cancel(&id(), "kim".into(), None).await;
    assert!(again.unwrap_err().to_string().contains("has ended already"));
}

#[tokio::test(start_paused = true)]
async fn a_decision_needs_an_approver_and_counts_once() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(&document("- {name: Ask, action: 'test:ask', inputs: {}}"));
    executor.start(id(), plan.clone(), started(&plan)).await.unwrap();
    executor.wait(&id(), true).await.unwrap();
    let reject = Signal {
        name: Signal::REJECT.into(),
        step: None,
        by: "kim".into(),
        payload: json!({"comment": "no"}),
    };
    executor.signal(&id(), reject.clone()).await.unwrap();
    executor.wait(&id(), false).await.unwrap();
    let state = executor.state(&id()).await.unwrap();
    assert_eq!(line(&state), "Ask Failed | Failed");
    assert!(
        executor
            .signal(&id(), reject)
            .await
            .unwrap_err()
            .to_string()
            .contains("waits for an approval")
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_id_starts_once_and_another_input_is_refused() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(&document("- {name: A, action: 'test:do', inputs: {Commands: [a]}}"));
    assert!(!executor.start(id(), plan.clone(), started(&plan)).await.unwrap());
    assert!(executor.start(id(), plan.clone(), started(&plan)).await.unwrap());
    let mut other = started(&plan);
    other.request = runwright_model::digest::Digest::of(b"other");
    let refused = executor.start(id(), plan.clone(), other).await.unwrap_err();
    assert!(refused.to_string().contains("other parameters"), "{refused}");
    executor.wait(&id(), false).await.unwrap();
    assert_eq!(world.effects(), ["a"]);
}

/// Name, status and outputs of everything an execution did, and its effects in no order.
async fn outcome(machine: &machine::Machine, engine: &runwright_executor::Executor) -> (String, Vec<String>) {
    machine::end(machine, engine).await;
    let state = engine.state(&machine::id()).await.unwrap();
    let outputs = serde_json::Value::Object(state.ended.as_ref().unwrap().outputs.clone());
    let mut effects = machine.world.effects();
    effects.sort();
    (format!("{} {outputs}", line(&state)), effects)
}

/// The same for runbooks nobody wrote, with children.
#[tokio::test(start_paused = true)]
async fn every_append_of_generated_runbooks_may_be_the_last() {
    let knobs = Knobs {
        runbooks: 2,
        steps: 4,
        people: false,
        ..Knobs::STEADY
    };
    for seed in 0..24 {
        let machine = machine::Machine::generated(seed, &knobs);
        let budget = 1_000_000;
        let store = Arc::new(machine.tape.open(budget).await.unwrap());
        let engine = machine
            .engine_over(store.clone(), Arc::new(machine.world.clone()))
            .await;
        machine.start(&engine, "R0").await.unwrap();
        let expected = outcome(&machine, &engine).await;
        engine.close().await.unwrap();
        let appends = budget - store.left();
        for crash in 0..=appends {
            let machine = machine::Machine::generated(seed, &knobs);
            let engine = machine.engine(crash).await;
            if machine.start(&engine, "R0").await.is_ok() {
                let _ = tokio::time::timeout(Duration::from_secs(5), engine.wait(&machine::id(), false)).await;
            }
            let _ = engine.close().await;
            machine.tape.power_cut();
            let engine = machine.engine(usize::MAX).await;
            machine.start(&engine, "R0").await.unwrap();
            let found = outcome(&machine, &engine).await;
            assert_eq!(
                found, expected,
                "seed {seed}, stopped after {crash} of {appends} appends"
            );
            assert_eq!(
                machine.world.begun_twice(),
                [""; 0],
                "seed {seed}, stopped after {crash}"
            );
        }
    }
}
