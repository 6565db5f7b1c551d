//! Bugs that the simulation found, each as small as it gets.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use common::machine::{Machine, end, id};
use runwright_model::{
    capability::{Answer, Backend, CallContext, Outcome, Request},
    status::Status,
};
use runwright_store::MemoryStore;

/// A world in which every effect takes for ever.
struct Never;

#[async_trait::async_trait]
impl Backend for Never {
    async fn perform(&self, _request: Request, _context: CallContext) -> Outcome {
        std::future::pending().await
    }
}

/// The child had ended before its parent rested, and told an actor that was leaving memory.
#[tokio::test(start_paused = true)]
async fn a_child_that_ends_at_once_is_not_missed() {
    let machine = Machine::with(&[
        (
            "parent",
            "- {name: A, action: 'sim:do', inputs: {Do: ['child child x']}}",
        ),
        ("child", "- {name: A, action: 'sim:do', inputs: {Do: []}}"),
    ]);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "parent").await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Success);
}

/// The child had ended, and the machine stopped before its parent's journal said so: the parent rested for ever.
#[tokio::test(start_paused = true)]
async fn a_crash_between_a_child_s_end_and_its_parent_loses_neither() {
    let runbooks = [
        (
            "parent",
            "- {name: A, action: 'sim:do', inputs: {Do: ['child child x', 'run a']}}",
        ),
        (
            "child",
            "- {name: A, action: 'sim:do', inputs: {Do: ['sleep 5000', 'run b']}}",
        ),
    ];
    for appends in 0..30 {
        let machine = Machine::with(&runbooks);
        let engine = machine.engine(appends).await;
        if machine.start(&engine, "parent").await.is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(60), engine.wait(&id(), false)).await;
        }
        let _ = engine.close().await;
        machine.tape.power_cut();
        let engine = machine.engine(usize::MAX).await;
        machine.start(&engine, "parent").await.unwrap();
        assert_eq!(
            end(&machine, &engine).await,
            Status::Success,
            "stopped after {appends} appends"
        );
        assert_eq!(machine.world.effects(), ["b", "a"], "stopped after {appends} appends");
    }
}

/// An execution that was active stood in the wake-up index at the time of its start, which was hours away then.
#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_holds_nothing_up() {
    let steps = "- {name: A, action: 'sim:do', inputs: {Do: ['run a', 'run b', 'run c']}}";
    for appends in 1..8 {
        let machine = Machine::with(&[("steps", steps)]);
        let engine = machine.engine(appends).await;
        machine.start(&engine, "steps").await.unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(60), engine.wait(&id(), false)).await;
        let _ = engine.close().await;
        machine.tape.power_cut();
        machine.clock.jump(-24 * 3_600_000);
        let engine = machine.engine(usize::MAX).await;
        assert_eq!(
            end(&machine, &engine).await,
            Status::Success,
            "stopped after {appends} appends"
        );
    }
}

/// An engine that had lost the store still saw in it what another had begun, and made that effect again.
#[tokio::test(start_paused = true)]
async fn an_engine_that_lost_the_store_makes_no_effect() {
    let machine = Machine::with(&[("steps", "- {name: A, action: 'sim:do', inputs: {Do: ['run a']}}")]);
    let store = MemoryStore::new();
    let _fenced = machine
        .engine_over(Arc::new(store.clone()), Arc::new(machine.world.clone()))
        .await;
    let owner = machine.engine_over(Arc::new(store.clone()), Arc::new(Never)).await;
    machine.start(&owner, "steps").await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(owner.state(&id()).await.unwrap().length, 3, "the call is under way");
    assert_eq!(machine.world.effects(), [""; 0]);
}

/// The wake-up loop slept until a moment that was a second ahead, and a day ahead after the clock was set back.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_stop_the_wake_ups() {
    let steps = "- {name: A, action: 'sim:do', inputs: {Do: ['until 600000', 'run a']}}";
    let machine = Machine::with(&[("steps", steps)]);
    let engine = machine.engine(usize::MAX).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    machine.clock.jump(-24 * 3_600_000);
    machine.start(&engine, "steps").await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!engine.is_active(&id()), "it waits on the disk");
    machine.clock.jump(600_000);
    let ended = tokio::time::timeout(Duration::from_secs(10), engine.wait(&id(), false)).await;
    assert_eq!(ended.expect("nobody woke it").unwrap(), Status::Success);
}

/// A wake-up that falls due while no engine runs fires when one does.
#[tokio::test(start_paused = true)]
async fn what_fell_due_while_the_engine_was_down_is_woken() {
    let steps = "- {name: A, action: 'sim:do', inputs: {Do: ['sleep 3600000', 'run a']}}";
    let machine = Machine::with(&[("steps", steps)]);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "steps").await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    engine.close().await.unwrap();
    machine.clock.jump(2 * 3_600_000);
    let engine = machine.engine(usize::MAX).await;
    let ended = tokio::time::timeout(Duration::from_secs(10), engine.wait(&id(), false)).await;
    assert_eq!(ended.expect("nobody woke it").unwrap(), Status::Success);
    assert_eq!(machine.world.effects(), ["a"]);
}

/// A world that takes its time, and cannot be stopped.
#[derive(Default)]
struct Stubborn(AtomicU32);

#[async_trait::async_trait]
impl Backend for Stubborn {
    async fn perform(&self, _request: Request, _context: CallContext) -> Outcome {
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(Answer::Done)
    }

    async fn stop(&self, _request: &Request, _context: &CallContext) {
        if self.0.fetch_add(1, Ordering::Relaxed) > 10 {
            std::future::pending().await
        }
    }
}

/// An effect that did not end at once was asked to end again and again, as fast as the machine could.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_stopped_is_asked_once() {
    let machine = Machine::with(&[(
        "steps",
        "- {name: A, action: 'sim:do', inputs: {Do: ['run a', 'run b']}}",
    )]);
    let world = Arc::new(Stubborn::default());
    let engine = machine
        .engine_over(Arc::new(machine.tape.open(usize::MAX).await.unwrap()), world.clone())
        .await;
    machine.start(&engine, "steps").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    engine.cancel(&id(), "kim".into(), None).await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Cancelled);
    assert_eq!(world.0.load(Ordering::Relaxed), 1);
}

/// A cancelled step whose time was over at the same moment counted as timed out, and the flow went on after it.
#[tokio::test(start_paused = true)]
async fn a_timeout_does_not_outrank_a_cancel() {
    let machine = Machine::with(&[(
        "steps",
        "- {name: A, action: 'sim:do', inputs: {Do: ['run hang']}, timeoutSeconds: 2, onFailure: Continue}
- {name: B, action: 'sim:do', inputs: {Do: ['run after']}}",
    )]);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "steps").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    machine.clock.jump(3_600_000);
    engine.cancel(&id(), "kim".into(), None).await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Cancelled);
    assert_eq!(machine.world.effects(), ["hang"]);
}

/// Between a cancel and its step's end, the step's plugin had its last answer and made another call.
#[tokio::test(start_paused = true)]
async fn a_cancelled_step_makes_no_other_call() {
    let steps = "- {name: A, action: 'sim:do', inputs: {Do: ['run hang a', 'run after']}, dependsOn: []}
- {name: B, action: 'sim:do', inputs: {Do: ['run hang b', 'run after']}, dependsOn: []}";
    let machine = Machine::with(&[("steps", &steps.replace("hang ", "hang-"))]);
    let store = machine.tape.open(usize::MAX).await.unwrap();
    let slow = Arc::new(store.with_pauses(vec![Duration::from_millis(5); 100]));
    let engine = machine.engine_over(slow, Arc::new(machine.world.clone())).await;
    machine.start(&engine, "steps").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let id = id();
    let (cancel, ()) = tokio::join!(engine.cancel(&id, "kim".into(), None), async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        machine.world.let_go();
    });
    cancel.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Cancelled);
    assert_eq!(machine.world.effects(), ["hang-a", "hang-b"]);
}

/// Its first record was there before its beginning was answered, so it was woken, and rested; and then begun again
/// with the state it had had.
#[tokio::test(start_paused = true)]
async fn an_execution_that_is_woken_while_it_begins_is_not_lost() {
    let steps = "- {name: A, action: 'sim:do', inputs: {Do: ['sleep 10000', 'run a']}}";
    let machine = Machine::with(&[("steps", steps)]);
    let store = machine.tape.open(usize::MAX).await.unwrap();
    let slow = Arc::new(store.with_pauses([Duration::from_millis(2_500)]));
    let engine = machine.engine_over(slow, Arc::new(machine.world.clone())).await;
    machine.start(&engine, "steps").await.unwrap();
    assert_eq!(end(&machine, &engine).await, Status::Success);
    assert_eq!(machine.world.effects(), ["a"]);
}

/// The children of a cancelled execution were told in memory only: a crash after the acknowledgement left them running.
#[tokio::test(start_paused = true)]
async fn a_crash_after_a_cancel_leaves_no_child_running() {
    let machine = Machine::with(&[
        (
            "parent",
            "- {name: A, action: 'sim:do', inputs: {Do: ['child child x', 'run after']}}",
        ),
        (
            "child",
            "- {name: A, action: 'sim:do', inputs: {Do: ['ask 1 * -', 'run late']}}",
        ),
    ]);
    let first = machine.engine(usize::MAX).await;
    machine.start(&first, "parent").await.unwrap();
    first.wait(&id(), true).await.unwrap();
    first.cancel(&id(), "kim".into(), None).await.unwrap();
    // It dies with the acknowledgement, before anybody else is told.
    let disk = machine.tape.clone();
    drop(first);
    let machine = Machine { tape: disk, ..machine };
    let second = machine.engine(usize::MAX).await;
    assert_eq!(second.wait(&id(), false).await.unwrap(), Status::Cancelled);
    let rows = statuses_on(&machine).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows.iter().all(|status| *status == Status::Cancelled), "{rows:?}");
    assert!(machine.world.effects().is_empty());
}

/// The statuses of all executions on the disk.
async fn statuses_on(machine: &Machine) -> Vec<Status> {
    let store = machine.tape.open(usize::MAX).await.expect("what is on the tape opens");
    let rows = runwright_store::Store::list(&store, runwright_store::Page::default());
    rows.await
        .expect("a list")
        .into_iter()
        .map(|(_, head)| head.summary.status)
        .collect()
}
