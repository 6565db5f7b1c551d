//! Children are held with their parents, whatever crashes in between.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::time::Duration;

use common::machine::{Machine, end, id};
use runwright_executor::Executor;
use runwright_model::{event::Hold, id::ExecutionId, status::Status};
use runwright_store::{Page, Store as _};

/// Three generations; the youngest waits for a time and then does something.
const FAMILY: [(&str, &str); 3] = [
    (
        "parent",
        "- {name: A, action: 'sim:do', inputs: {Do: ['child child x', 'run parent']}}",
    ),
    (
        "child",
        "- {name: A, action: 'sim:do', inputs: {Do: ['child grandchild x', 'run child']}}",
    ),
    (
        "grandchild",
        "- {name: A, action: 'sim:do', inputs: {Do: ['sleep 60000', 'run grandchild']}}",
    ),
];

/// Everybody on the disk, eldest first, with their statuses.
async fn family(machine: &Machine) -> Vec<(ExecutionId, Status)> {
    let store = machine.tape.open(usize::MAX).await.unwrap();
    let mut rows = store.list(Page::default()).await.unwrap();
    rows.sort_by_key(|(_, head)| {
        ["parent", "child", "grandchild"]
            .iter()
            .position(|name| *name == head.summary.runbook)
    });
    rows.into_iter().map(|(id, head)| (id, head.summary.status)).collect()
}

async fn statuses(machine: &Machine) -> Vec<Status> {
    family(machine).await.into_iter().map(|(_, status)| status).collect()
}

/// Returns when nothing goes on in the engine.
async fn at_rest(engine: &Executor) {
    while !engine.active().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The family, its youngest waiting.
async fn begun(machine: &Machine) -> Executor {
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "parent").await.unwrap();
    at_rest(&engine).await;
    assert_eq!(statuses(machine).await, [Status::InProgress; 3]);
    engine
}

/// The machine as a crash leaves it: what is on the disk at this moment, and nobody who goes on.
async fn after_a_crash(machine: Machine, engine: Executor) -> (Machine, Executor) {
    let tape = machine.tape.copied();
    drop(engine);
    let machine = Machine { tape, ..machine };
    let engine = machine.engine(usize::MAX).await;
    // Time for it to find what is due.
    tokio::time::sleep(Duration::from_secs(5)).await;
    (machine, engine)
}

#[tokio::test(start_paused = true)]
async fn children_are_held_with_their_parent_and_go_on_with_it() {
    let machine = Machine::with(&FAMILY);
    let engine = begun(&machine).await;
    engine.pause(&id(), "kim".into(), Some("look".into())).await.unwrap();
    at_rest(&engine).await;
    assert_eq!(statuses(&machine).await, [Status::Paused; 3]);
    machine.clock.jump(3_600_000);
    at_rest(&engine).await;
    assert!(machine.world.effects().is_empty());

    let (grandchild, _) = family(&machine).await.pop().unwrap();
    let held = engine.state(&grandchild).await.unwrap().paused.unwrap();
    assert_eq!((held.by.as_str(), held.reason.as_deref()), ("kim", Some("look")));
    assert_eq!(held.hold, Some(Hold::Parent));
    let refused = engine.unpause(&grandchild, "kim".into()).await.unwrap_err().to_string();
    assert!(
        refused.contains("is held with its parent: `runwright unpause "),
        "{refused}"
    );

    engine.unpause(&id(), "kim".into()).await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Success);
    assert_eq!(machine.world.effects(), ["grandchild", "child", "parent"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_paused_stays_so_when_its_parent_goes_on() {
    let machine = Machine::with(&FAMILY);
    let engine = begun(&machine).await;
    let (grandchild, _) = family(&machine).await.pop().unwrap();
    engine.pause(&grandchild, "ann".into(), None).await.unwrap();
    engine.pause(&id(), "kim".into(), None).await.unwrap();
    at_rest(&engine).await;
    engine.unpause(&id(), "kim".into()).await.unwrap();
    at_rest(&engine).await;
    assert_eq!(
        statuses(&machine).await,
        [Status::InProgress, Status::InProgress, Status::Paused]
    );
    engine.unpause(&grandchild, "ann".into()).await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Success);
}

#[tokio::test(start_paused = true)]
async fn a_hold_on_the_parent_s_runbook_holds_its_children() {
    let machine = Machine::with(&FAMILY);
    let engine = begun(&machine).await;
    let hold = Hold::Runbook("parent".into());
    engine.hold(hold.clone(), "kim".into(), None).await.unwrap();
    // It is obeyed by what wakes.
    engine.resume(&id()).await.unwrap();
    at_rest(&engine).await;
    assert_eq!(statuses(&machine).await, [Status::Paused; 3]);
    engine.release(&hold, "kim").await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Success);
}

/// A pause and its end were told to children in memory only: a crash after the acknowledgement let them run on, or kept
/// them paused for ever.
#[tokio::test(start_paused = true)]
async fn a_crash_after_a_pause_or_its_end_is_no_matter() {
    let machine = Machine::with(&FAMILY);
    let engine = begun(&machine).await;
    engine.pause(&id(), "kim".into(), None).await.unwrap();
    let (machine, engine) = after_a_crash(machine, engine).await;
    machine.clock.jump(3_600_000);
    at_rest(&engine).await;
    assert_eq!(statuses(&machine).await, [Status::Paused; 3]);
    assert!(machine.world.effects().is_empty());

    engine.unpause(&id(), "kim".into()).await.unwrap();
    let (machine, engine) = after_a_crash(machine, engine).await;
    assert_eq!(end(&machine, &engine).await, Status::Success);
    assert_eq!(machine.world.effects(), ["grandchild", "child", "parent"]);
    assert!(machine.world.begun_twice().is_empty());
}

/// The same with an engine that ends at any append: before, while and after it tells its children.
#[tokio::test(start_paused = true)]
async fn a_pause_reaches_the_children_wherever_the_engine_ends() {
    for (appends, settled) in (1..40).flat_map(|appends| [(appends, false), (appends, true)]) {
        let machine = Machine::with(&FAMILY);
        let engine = machine.engine(appends).await;
        let _ = machine.start(&engine, "parent").await;
        if settled {
            at_rest(&engine).await;
        }
        let acknowledged = engine.pause(&id(), "kim".into(), None).await.is_ok();
        let (machine, engine) = after_a_crash(machine, engine).await;
        machine.clock.jump(3_600_000);
        machine.start(&engine, "parent").await.unwrap();
        at_rest(&engine).await;
        let paused = statuses(&machine).await;
        if acknowledged || paused.first() == Some(&Status::Paused) {
            let everybody = paused.iter().all(|status| *status == Status::Paused);
            assert!(everybody, "{appends} appends, {settled}: {paused:?}");
            assert!(machine.world.effects().is_empty(), "{appends} appends, {settled}");
            engine.unpause(&id(), "kim".into()).await.unwrap();
        }
        assert_eq!(
            end(&machine, &engine).await,
            Status::Success,
            "{appends} appends, {settled}"
        );
    }
}

/// A family of so many generations below the first: each starts the next, and the last waits for a person.
fn generations(below: usize) -> Machine {
    let last = "- {name: A, action: 'sim:do', inputs: {Do: ['run deepest', 'ask 1 * -']}}".to_owned();
    let mut runbooks = vec![(format!("level{below}"), last)];
    for level in (0..below).rev() {
        let starts = format!(
            "- {{name: A, action: 'sim:do', inputs: {{Do: ['child level{} x', 'run {level}']}}}}",
            level + 1
        );
        runbooks.push((format!("level{level}"), starts));
    }
    let texts: Vec<(&str, &str)> = runbooks
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Machine::with(&texts)
}

#[tokio::test(start_paused = true)]
async fn children_nest_five_levels_deep_and_a_cancel_reaches_them_all() {
    let machine = generations(5);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "level0").await.unwrap();
    at_rest(&engine).await;
    assert_eq!(machine.world.effects(), ["deepest"]);
    engine.cancel(&id(), "kim".into(), None).await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Cancelled);
    assert_eq!(statuses(&machine).await, [Status::Cancelled; 6]);
    assert_eq!(machine.world.effects(), ["deepest"]);
}

#[tokio::test(start_paused = true)]
async fn a_sixth_level_is_refused() {
    let machine = generations(6);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "level0").await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Failed);
    assert!(machine.world.effects().is_empty());
    assert_eq!(family(&machine).await.len(), 6, "nobody below the fifth level began");
    let failed = machine.engine(usize::MAX).await;
    let mut why = String::new();
    for (id, _) in family(&machine).await {
        let state = failed.state(&id).await.unwrap();
        why += &state.ended.unwrap().failure.unwrap().message;
    }
    assert!(why.contains("would be nested 6 deep; at most 5 are allowed"), "{why}");
}
