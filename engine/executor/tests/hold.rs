//! Pauses, holds, cancels with something under way, and rollbacks that people repair.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::time::Duration;

use common::{document, executor, executor_over, id, line, plan, started};
use runwright_executor::{Executor, rollback};
use runwright_model::{event::Hold, event::Signal, status::Status};
use runwright_testkit::{Tape, World};
use serde_json::json;

const HANGS: &str = "  - {name: A, action: 'test:do', inputs: {Commands: ['a', 'hang', 'b']}}
  - {name: C, action: 'test:do', inputs: {Commands: ['c']}}
";

async fn begin(executor: &Executor, text: &str) {
    let plan = plan(text);
    let begun = started(&plan);
    executor.start(id(), plan, begun).await.unwrap();
}

/// Returns when this effect has begun.
async fn effect(world: &World, name: &str) {
    while !world.effects().iter().any(|effect| effect == name) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn status(executor: &Executor) -> Status {
    executor.state(&id()).await.unwrap().status()
}

/// Returns when nothing of the execution is in memory.
async fn at_rest(executor: &Executor) {
    while executor.is_active(&id()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_execution_ends_what_is_under_way_and_begins_nothing() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    begin(&executor, &document(HANGS)).await;
    effect(&world, "hang").await;
    executor.pause(&id(), "kim".into(), Some("look".into())).await.unwrap();
    assert_eq!(status(&executor).await, Status::Paused);
    world.let_go();
    at_rest(&executor).await;
    assert_eq!(world.effects(), ["a", "hang"]);
    assert_eq!(
        executor.wait(&id(), true).await.unwrap(),
        Status::Paused,
        "it needs a person"
    );
    executor.unpause(&id(), "kim".into()).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Success);
    assert_eq!(world.effects(), ["a", "hang", "b", "c"]);
    assert!(world.begun_twice().is_empty());
    let refused = executor.unpause(&id(), "kim".into()).await.unwrap_err().to_string();
    assert!(refused.contains("is not paused"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_outlives_the_engine() {
    let (tape, world) = (Tape::default(), World::default());
    let (first, _) = executor(&tape, &world, usize::MAX).await;
    begin(&first, &document(HANGS)).await;
    effect(&world, "hang").await;
    first.pause(&id(), "kim".into(), None).await.unwrap();
    drop(first);
    world.let_go();
    let (second, _) = executor(&tape, &world, usize::MAX).await;
    second.resume(&id()).await.unwrap();
    at_rest(&second).await;
    assert_eq!(world.effects(), ["a", "hang"]);
    second.unpause(&id(), "kim".into()).await.unwrap();
    second.wait(&id(), false).await.unwrap();
    assert_eq!(world.effects(), ["a", "hang", "b", "c"]);
    assert!(world.begun_twice().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hold_on_everything_holds_what_runs_and_what_starts() {
    let (tape, world) = (Tape::default(), World::default());
    let (first, _) = executor(&tape, &world, usize::MAX).await;
    first
        .hold(Hold::Everything, "kim".into(), Some("freeze".into()))
        .await
        .unwrap();
    begin(&first, &document(HANGS)).await;
    at_rest(&first).await;
    assert_eq!(status(&first).await, Status::Paused);
    let refused = first.unpause(&id(), "kim".into()).await.unwrap_err().to_string();
    assert!(refused.contains("is held with everything"), "{refused}");
    drop(first);
    let (second, _) = executor(&tape, &world, usize::MAX).await;
    assert_eq!(second.holds().len(), 1, "it outlives the engine");
    assert!(world.effects().is_empty());
    assert_eq!(second.release(&Hold::Everything, "kim").await.unwrap(), 1);
    effect(&world, "hang").await;
    world.let_go();
    assert_eq!(second.wait(&id(), false).await.unwrap(), Status::Success);
}

#[tokio::test(start_paused = true)]
async fn a_hold_on_a_runbook_leaves_others_and_what_a_person_paused() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    executor
        .hold(Hold::Runbook("other".into()), "kim".into(), None)
        .await
        .unwrap();
    begin(
        &executor,
        &document("  - {name: W, action: 'test:pause', inputs: {}}\n"),
    )
    .await;
    at_rest(&executor).await;
    assert_eq!(status(&executor).await, Status::Waiting);
    executor.pause(&id(), "kim".into(), None).await.unwrap();
    executor
        .hold(Hold::Runbook("test".into()), "kim".into(), None)
        .await
        .unwrap();
    executor.release(&Hold::Runbook("test".into()), "kim").await.unwrap();
    at_rest(&executor).await;
    assert_eq!(status(&executor).await, Status::Paused, "the person's own pause stands");
}

#[tokio::test(start_paused = true)]
async fn a_signal_to_a_paused_execution_is_kept() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    begin(
        &executor,
        &document("  - {name: W, action: 'test:pause', inputs: {}}\n"),
    )
    .await;
    at_rest(&executor).await;
    executor.pause(&id(), "kim".into(), None).await.unwrap();
    let signal = Signal {
        name: Signal::RESUME.into(),
        step: None,
        by: "ann".into(),
        payload: json!({}),
    };
    executor.signal(&id(), signal).await.unwrap();
    at_rest(&executor).await;
    assert_eq!(status(&executor).await, Status::Paused);
    executor.unpause(&id(), "kim".into()).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Success);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_stops_the_command_under_way_and_nothing_begins_after_it() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    begin(&executor, &document(HANGS)).await;
    effect(&world, "hang").await;
    executor.cancel(&id(), "kim".into(), None).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::Cancelled);
    assert_eq!(world.stopped().len(), 1);
    assert_eq!(world.effects(), ["a", "hang"]);
    let state = executor.state(&id()).await.unwrap();
    assert_eq!(line(&state), "A Cancelled, C Pending | Cancelled");
    let last = state.steps[0].visits[0].calls.last().unwrap();
    assert!(last.outcome.is_some(), "the journal says what became of the command");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_acknowledged_before_a_crash_stops_the_command_after_it() {
    let (tape, world) = (Tape::default(), World::default());
    let (first, _) = executor(&tape, &world, usize::MAX).await;
    begin(&first, &document(HANGS)).await;
    effect(&world, "hang").await;
    // The cancel is durable, and the engine dies before it does anything.
    first.cancel(&id(), "kim".into(), None).await.unwrap();
    let entries = tape.clone();
    drop(first);
    let store = std::sync::Arc::new(entries.open(usize::MAX).await.unwrap());
    let (second, _) = executor_over(store, &world).await;
    second.resume(&id()).await.unwrap();
    assert_eq!(second.wait(&id(), false).await.unwrap(), Status::Cancelled);
    assert_eq!(world.effects(), ["a", "hang"]);
    assert!(!world.stopped().is_empty());
}

/// An undo whose command fails, between two that work.
const BROKEN_UNDO: &str = "  - {name: A, action: 'test:do', inputs: {Commands: ['a']}}
  - {name: B, action: 'test:stubborn', inputs: {}}
  - {name: C, action: 'test:do', inputs: {Commands: ['c']}}
  - {name: D, action: 'test:do', inputs: {Commands: ['false d']}, onFailure: Rollback}
";

#[tokio::test(start_paused = true)]
async fn a_failed_rollback_says_what_is_left_and_takes_a_skip() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    begin(&executor, &document(BROKEN_UNDO)).await;
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::RollbackFailed);
    let state = executor.state(&id()).await.unwrap();
    let failure = state.ended.as_ref().unwrap().failure.clone().unwrap();
    assert!(
        failure.message.contains("step B could not be undone"),
        "{}",
        failure.message
    );
    assert!(failure.message.contains("not undone yet: A"), "{}", failure.message);
    assert!(failure.message.contains("--skip B --reason"), "{}", failure.message);
    assert_eq!(world.effects(), ["a", "c", "false d", "undo false d", "undo c"]);

    let skip = |step: &str| rollback::Request {
        by: "kim".into(),
        to: None,
        skip: Some((step.into(), "done by hand".into())),
    };
    let refused = executor.rollback(&id(), skip("C")).await.unwrap_err().to_string();
    assert!(refused.contains("no failed undo of step C"), "{refused}");
    executor.rollback(&id(), skip("B")).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::RolledBack);
    assert_eq!(world.effects()[5..], ["undo a"]);
    let state = executor.state(&id()).await.unwrap();
    let undo = state.steps[1].visits[0].undo.clone().unwrap();
    assert_eq!(undo.skipped, Some(("kim".into(), "done by hand".into())));
}

#[tokio::test(start_paused = true)]
async fn a_failed_rollback_can_be_tried_again() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    begin(&executor, &document(BROKEN_UNDO)).await;
    executor.wait(&id(), false).await.unwrap();
    let again = rollback::Request {
        by: "kim".into(),
        ..Default::default()
    };
    executor.rollback(&id(), again).await.unwrap();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::RollbackFailed);
    assert_eq!(world.effects().len(), 5, "what is undone stays undone");
}

#[tokio::test(start_paused = true)]
async fn a_graph_is_undone_in_parallel_where_nothing_depends() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let steps = "  - {name: A, action: 'test:do', inputs: {Commands: ['a']}, dependsOn: []}
  - {name: B, action: 'test:slow-undo', inputs: {}, dependsOn: [A]}
  - {name: C, action: 'test:slow-undo', inputs: {}, dependsOn: [A]}
  - {name: D, action: 'test:do', inputs: {Commands: ['false d']}, dependsOn: [B, C], onFailure: Rollback}
";
    begin(&executor, &document(steps)).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(executor.wait(&id(), false).await.unwrap(), Status::RolledBack);
    let slept = begun.elapsed();
    assert!(
        slept >= Duration::from_secs(5) && slept < Duration::from_secs(10),
        "{slept:?}"
    );
    assert_eq!(world.effects(), ["a", "false d", "undo false d", "undo a"]);
}
