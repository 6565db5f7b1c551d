//! Interactive mode: nothing begins that nobody started, and what may be started is what comes next.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::time::Duration;

use common::{document, executor, id, line, plan, started};
use runwright_executor::Executor;
use runwright_model::{
    event::{Mode, Signal, Started},
    status::Status,
};
use runwright_testkit::{Tape, World};
use serde_json::{Value, json};

/// The document, begun by hand.
async fn begun(executor: &Executor, text: &str) {
    let plan = plan(text);
    let by_hand = Started {
        mode: Mode::Interactive,
        globals: [("REGION".to_owned(), "local".to_owned())].into(),
        ..started(&plan)
    };
    executor.start(id(), plan, by_hand).await.unwrap();
    at_rest(executor).await;
}

async fn at_rest(executor: &Executor) {
    while executor.is_active(&id()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn send(executor: &Executor, name: &str, step: Option<&str>, payload: Value) -> Result<(), String> {
    let state = executor.state(&id()).await.unwrap();
    let signal = Signal {
        name: name.into(),
        step: step.map(|step| state.step_called(step).unwrap()),
        by: "kim".into(),
        payload,
    };
    let sent = executor.signal(&id(), signal).await.map_err(|error| error.to_string());
    at_rest(executor).await;
    sent
}

async fn step(executor: &Executor, name: &str) {
    send(executor, Signal::START_STEP, Some(name), Value::Null)
        .await
        .unwrap();
}

/// The status, and the names of what can be started.
async fn stands(executor: &Executor) -> String {
    let state = executor.state(&id()).await.unwrap();
    let next: Vec<&str> = state
        .next_steps()
        .iter()
        .map(|id| state.plan.step(*id).name.as_str())
        .collect();
    format!("{}: {}", state.status(), next.join(" "))
}

const THREE: &str = "  - {name: A, action: 'test:do', inputs: {Commands: ['a']}}
  - {name: B, action: 'aws:branch', inputs: {Choices: [{NextStep: C, Variable: '{{ global:REGION }}', StringEquals: local}]}}
  - {name: Skipped, action: 'test:do', inputs: {Commands: ['skipped']}}
  - {name: C, action: 'test:do', inputs: {Commands: ['c']}}
";

#[tokio::test(start_paused = true)]
async fn steps_begin_when_somebody_says_so() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    begun(&executor, &document(THREE)).await;
    assert_eq!(stands(&executor).await, "Waiting: A");
    assert_eq!(executor.wait(&id(), true).await.unwrap(), Status::Waiting);
    let refused = send(&executor, Signal::START_STEP, Some("C"), Value::Null)
        .await
        .unwrap_err();
    assert!(
        refused.contains("cannot start the step C now; it can start A"),
        "{refused}"
    );
    assert!(world.effects().is_empty());

    send(&executor, Signal::START_STEP, None, Value::Null).await.unwrap();
    assert_eq!(stands(&executor).await, "Waiting: B");
    step(&executor, "B").await;
    assert_eq!(stands(&executor).await, "Waiting: C");
    step(&executor, "C").await;
    assert_eq!(world.effects(), ["a", "c"]);
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Success);
    let refused = send(&executor, Signal::START_STEP, None, Value::Null)
        .await
        .unwrap_err();
    assert!(refused.contains("is Success, and waits for no step"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_choice_outlives_the_engine_and_takes_inputs() {
    let (tape, world) = (Tape::default(), World::default());
    let (first, _) = executor(&tape, &world, usize::MAX).await;
    begun(&first, &document(THREE)).await;
    let refused = send(&first, Signal::START_STEP, None, json!({"inputs": 3}))
        .await
        .unwrap_err();
    assert!(refused.contains("`inputs` of its payload is no object"), "{refused}");
    let inputs = json!({"inputs": {"Commands": ["other"]}});
    send(&first, Signal::START_STEP, None, inputs.clone()).await.unwrap();
    let refused = send(&first, Signal::START_STEP, None, inputs).await.unwrap_err();
    assert!(refused.contains("B takes no inputs"), "{refused}");
    drop(first);
    let (second, _) = executor(&tape, &world, usize::MAX).await;
    at_rest(&second).await;
    assert_eq!(stands(&second).await, "Waiting: B");
    assert_eq!(world.effects(), ["other"]);
}

#[tokio::test(start_paused = true)]
async fn completing_ends_it_as_what_ran_says() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    begun(&executor, &document(THREE)).await;
    step(&executor, "A").await;
    send(&executor, Signal::COMPLETE, None, Value::Null).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Success);
    let state = executor.state(&id()).await.unwrap();
    assert_eq!(
        line(&state),
        "A Success, B Pending, Skipped Pending, C Pending | Success"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_counts_is_the_end_of_a_completed_execution() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let text = format!(
        "  - {{name: A, action: 'test:do', inputs: {{Commands: ['false a']}}, onFailure: Continue, isCritical: true}}\n{}",
        THREE.replace("name: A", "name: D")
    );
    begun(&executor, &document(&text)).await;
    step(&executor, "A").await;
    assert_eq!(stands(&executor).await, "Waiting: D");
    send(&executor, Signal::COMPLETE, None, Value::Null).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn each_iteration_of_a_loop_is_started_step_by_step() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let text = document(
        "  - name: L
    action: aws:loop
    inputs:
      Iterators: [x, y]
      Steps:
        - {name: In, action: 'test:do', inputs: {Commands: ['in {{ L.CurrentIteratorValue }}']}}
  - {name: After, action: 'test:do', inputs: {Commands: ['after']}}
",
    );
    begun(&executor, &text).await;
    assert_eq!(stands(&executor).await, "Waiting: L");
    step(&executor, "L").await;
    assert_eq!(stands(&executor).await, "Waiting: In");
    step(&executor, "In").await;
    assert_eq!(stands(&executor).await, "Waiting: In");
    assert_eq!(world.effects(), ["in x"]);
    send(&executor, Signal::COMPLETE, None, Value::Null).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Success);
    let state = executor.state(&id()).await.unwrap();
    assert_eq!(line(&state), "L Cancelled, In Success, After Pending | Success");
}

#[tokio::test(start_paused = true)]
async fn in_graph_order_what_is_ready_may_be_started_in_any_order() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let text = document(
        "  - {name: A, action: 'test:do', inputs: {Commands: ['a']}}
  - {name: B, action: 'test:do', inputs: {Commands: ['b']}}
  - {name: C, action: 'test:do', dependsOn: [A, B], inputs: {Commands: ['c']}}
",
    );
    begun(&executor, &text).await;
    assert_eq!(stands(&executor).await, "Waiting: A B");
    let refused = send(&executor, Signal::START_STEP, None, Value::Null)
        .await
        .unwrap_err();
    assert!(refused.contains("name one of A, B"), "{refused}");
    step(&executor, "B").await;
    step(&executor, "A").await;
    step(&executor, "C").await;
    assert_eq!(world.effects(), ["b", "a", "c"]);
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Success);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_and_a_rollback_need_no_starts() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    begun(&executor, &document(THREE)).await;
    step(&executor, "A").await;
    executor.cancel(&id(), "kim".into(), None).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Cancelled);
    let request = runwright_executor::rollback::Request {
        by: "kim".into(),
        to: None,
        skip: None,
    };
    executor.rollback(&id(), request).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::RolledBack);
    assert_eq!(world.effects(), ["a", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_not_interactive_takes_no_starts() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(&document("  - {name: W, action: 'test:pause', inputs: {}}\n"));
    let begun = started(&plan);
    executor.start(id(), plan, begun).await.unwrap();
    at_rest(&executor).await;
    let refused = send(&executor, Signal::START_STEP, Some("W"), Value::Null)
        .await
        .unwrap_err();
    assert!(refused.contains("was not started in the mode Interactive"), "{refused}");
}
