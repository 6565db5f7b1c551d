//! Plugins that cheat: fewer calls in a replay, calls that no journal holds, answers of any size. The execution fails for
//! a reason that can be read, and is not left standing.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{document, executor, id, line, plan, run, started};
use runwright_executor::state::State;
use runwright_model::{
    capability::{Request, blobs},
    digest::Digest,
    event::Event,
    failure::{Failure, FailureKind},
};
use runwright_testkit::{Tape, World};

const MIB: usize = 1024 * 1024;

fn vast(call: &str, bytes: usize) -> String {
    document(&format!(
        "- {{name: A, action: 'test:vast', inputs: {{Call: {call}, Bytes: {bytes}}}}}"
    ))
}

fn failure(state: State) -> Failure {
    state.ended.unwrap().failure.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_forgets_its_calls_on_resume_has_not_ended_well() {
    let (state, world) = run(&document("- {name: A, action: 'test:forgetful', inputs: {}}")).await;
    assert_eq!(line(&state), "A Failed | Failed");
    assert_eq!(world.effects(), ["a"]);
    let failure = failure(state);
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::NonDeterminism, Some("RW-X005"))
    );
    for part in [
        "returned after 0 calls",
        "the journal holds 2",
        "commands.run",
        "--from A",
    ] {
        assert!(failure.message.contains(part), "{part}: {}", failure.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_journal_cannot_hold_is_not_made() {
    for call in ["command", "file"] {
        let (fits, _) = run(&vast(call, 8 * MIB)).await;
        assert_eq!(line(&fits), "A Success | Success");
        let (state, world) = run(&vast(call, 13 * MIB)).await;
        assert_eq!(line(&state), "A Failed | Failed");
        assert_eq!(world.effects(), [""; 0]);
        let failure = failure(state);
        assert_eq!(
            (failure.kind, failure.code.as_deref()),
            (FailureKind::LimitExceeded, Some("RW-X014"))
        );
        assert!(
            failure.message.contains("`call-bytes` is 12582912"),
            "{}",
            failure.message
        );
        assert!(failure.message.len() < 1_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_blob_is_journalled_by_its_name() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, store) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(&vast("blob", 60 * MIB));
    executor.start(id(), plan.clone(), started(&plan)).await.unwrap();
    executor.wait(&id(), false).await.unwrap();
    let records = store.read(&id(), 0).await.unwrap();
    let kept = records.iter().find_map(|record| match &record.event {
        Event::CallRequested { request, digest, .. } => Some((request, digest)),
        _ => None,
    });
    let contents = vec![b'x'; 60 * MIB];
    let (name, whole) = (
        Digest::of(&contents).to_string(),
        Request::Blobs(blobs::Request::Put {
            contents: contents.into(),
        }),
    );
    let named = Request::Blobs(blobs::Request::Put {
        contents: name.into_bytes().into(),
    });
    assert_eq!(kept, Some((&named, &whole.digest())));
}
