//! Executions that earlier versions wrote, in the middle of something: they load, and go on to their end.
//!
//! `recorded/v1` holds each one as the stream of an export, with its plan and its journal. The files are never written
//! again; `RUNWRIGHT_RECORD_JOURNALS=1 cargo test -p runwright-executor --test recorded` adds the ones that are missing:
//! for a new kind of event, or for a new format.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::{fs, path::PathBuf, sync::Arc};

use common::{document, drive, executor, executor_at_rest, executor_over, id, line, plan, started};
use runwright_executor::state::State;
use runwright_model::{
    capability::{Request, commands},
    status::Status,
};
use runwright_store::{MemoryStore, Store as _, portable};
use runwright_testkit::{Tape, World};

/// Where a recorded execution stopped.
#[derive(Debug, Clone, Copy)]
enum Stopped {
    /// With this status, after the last thing that happened by itself.
    In(Status),
    /// While this command ran.
    During(&'static str),
    /// Paused by a person.
    Paused,
}

struct Recorded {
    name: &'static str,
    steps: &'static str,
    stopped: Stopped,
    /// Status when it is loaded.
    loaded: Status,
    /// What happens after that.
    effects: &'static [&'static str],
    /// The end.
    ended: &'static str,
}

const RECORDED: &[Recorded] = &[
    Recorded {
        name: "asking",
        steps: "- {name: A, action: 'test:do', inputs: {Commands: [a]}}
- {name: Ask, action: 'test:ask', inputs: {}}
- {name: B, action: 'test:do', inputs: {Commands: [b]}}",
        stopped: Stopped::In(Status::Waiting),
        loaded: Status::Waiting,
        effects: &["b"],
        ended: "A Success, Ask Success, B Success | Success",
    },
    Recorded {
        name: "paused",
        steps: "- {name: A, action: 'test:do', inputs: {Commands: [a]}}
- {name: Ask, action: 'test:ask', inputs: {}}
- {name: B, action: 'test:do', inputs: {Commands: [b]}}",
        stopped: Stopped::Paused,
        loaded: Status::Paused,
        effects: &["b"],
        ended: "A Success, Ask Success, B Success | Success",
    },
    Recorded {
        name: "in-a-call",
        steps: "- {name: A, action: 'test:do', inputs: {Commands: [a, b, c]}}
- {name: B, action: 'test:do', inputs: {Commands: [d]}}",
        stopped: Stopped::During("b"),
        loaded: Status::InProgress,
        effects: &["b", "c", "d"],
        ended: "A Success, B Success | Success",
    },
    Recorded {
        name: "in-two-branches",
        steps: "- {name: A, action: 'test:do', inputs: {Commands: [a]}}
- {name: B, action: 'test:do', inputs: {Commands: [b1, b2]}, dependsOn: [A]}
- {name: C, action: 'test:sleep', inputs: {Ms: 2500}, dependsOn: [A]}
- {name: D, action: 'test:do', inputs: {Commands: [d]}, dependsOn: [B, C]}",
        stopped: Stopped::During("b2"),
        loaded: Status::InProgress,
        effects: &["b2", "d"],
        ended: "A Success, B Success, C Success, D Success | Success",
    },
    Recorded {
        name: "in-the-second-attempt",
        steps: "- {name: A, action: 'test:flaky', inputs: {Until: 3}, retry: {maxAttempts: 3, backoff: 2s}}",
        stopped: Stopped::During("flaky 2"),
        loaded: Status::InProgress,
        effects: &["flaky 2", "flaky 3"],
        ended: "A Success | Success",
    },
    Recorded {
        name: "rolling-back",
        steps: "- {name: A, action: 'test:do', inputs: {Commands: [a1, a2]}}
- {name: B, action: 'test:pure', inputs: {}}
- {name: C, action: 'test:do', inputs: {Commands: [c1, 'false c2']}, onFailure: Rollback}",
        stopped: Stopped::During("undo a2"),
        loaded: Status::RollingBack,
        effects: &["undo a2", "undo a1"],
        ended: "A Success, B Success, C Failed | RolledBack",
    },
    Recorded {
        name: "ended",
        steps: "- {name: A, action: 'test:do', inputs: {Commands: ['false a']}, onFailure: Continue}
- {name: B, action: 'test:do', inputs: {Commands: [b]}}",
        stopped: Stopped::In(Status::Success),
        loaded: Status::Success,
        effects: &[],
        ended: "A Failed, B Success | Success",
    },
];

fn file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/v1");
    folder.join(name).with_extension("stream")
}

/// The command that is under way.
fn during(state: &State) -> Option<String> {
    let calls = state.open_tries().into_iter().filter_map(|of| state.open_calls(of));
    let open = calls.filter_map(<[_]>::last).filter(|call| call.outcome.is_none());
    let mut commands = open.filter_map(|call| match &call.request {
        Request::Commands(commands::Request::Run { command, .. }) => Some(command.arguments.join(" ")),
        _ => None,
    });
    commands.next()
}

/// Stops an engine after ever more appends, until it stopped where it should.
async fn record(recorded: &Recorded) -> Vec<u8> {
    for appends in 1..100 {
        let (tape, world) = (Tape::default(), World::default());
        let plan = plan(&document(recorded.steps));
        let (first, _) = executor(&tape, &world, appends).await;
        if first.start(id(), plan.clone(), started(&plan)).await.is_ok() {
            let rested = first.wait(&id(), true).await;
            if rested.is_ok() && matches!(recorded.stopped, Stopped::Paused) {
                // The store may have stopped just before.
                let _ = first.pause(&id(), "kim".into(), None).await;
            }
        }
        let _ = first.close().await;
        tape.power_cut();
        let store = Arc::new(tape.open(usize::MAX).await.unwrap());
        let Ok(state) = executor_at_rest(store.clone(), &world).await.state(&id()).await else {
            continue;
        };
        let stopped = match recorded.stopped {
            Stopped::In(status) => state.status() == status,
            Stopped::During(command) => during(&state).as_deref() == Some(command),
            Stopped::Paused => state.status() == Status::Paused,
        };
        if stopped {
            let mut bytes = Vec::new();
            portable::export(&*store, None, &mut bytes).await.unwrap();
            return bytes;
        }
    }
    panic!("{} never stops where it should", recorded.name);
}

#[tokio::test(start_paused = true)]
async fn executions_of_format_1_load_and_go_on() {
    let asked = std::env::var_os("RUNWRIGHT_RECORD_JOURNALS").is_some();
    for recorded in RECORDED {
        let (name, path) = (recorded.name, file(recorded.name));
        if asked && !path.exists() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, record(recorded).await).unwrap();
        }
        let (store, world) = (Arc::new(MemoryStore::new()), World::default());
        store.claim().await.unwrap();
        portable::import(&*store, &mut fs::File::open(&path).unwrap())
            .await
            .unwrap();
        let loaded = executor_at_rest(store.clone(), &world)
            .await
            .state(&id())
            .await
            .unwrap();
        assert_eq!(loaded.status(), recorded.loaded, "{name}");

        let (engine, _) = executor_over(store, &world).await;
        drive(&engine).await.unwrap();
        assert_eq!(line(&engine.state(&id()).await.unwrap()), recorded.ended, "{name}");
        assert_eq!(world.effects(), recorded.effects, "{name}");
    }
}

#[test]
fn each_file_is_tested() {
    let folder = file("x").parent().unwrap().to_owned();
    let mut there: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    there.sort();
    let mut tested: Vec<&str> = RECORDED.iter().map(|recorded| recorded.name).collect();
    tested.sort_unstable();
    assert_eq!(there, tested);
}
