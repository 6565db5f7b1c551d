//! Several processes and one state directory, seen from the socket: what clients may send, and what becomes of a call
//! when the process that was to answer it is gone. Here the processes are engines in one; `cli/tests/processes.rs` has
//! the real ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod wire;

use std::{path::Path, pin::pin, time::Duration};

use runwright::{Builder, Engine, Error, Fault, StartRequest, Until, model::id::ExecutionId};
use wire::{Wire, cut_after, pretender};

/// Long enough to be sure that something does not come.
const MOMENT: Duration = Duration::from_millis(200);

fn builder(state: &Path) -> Builder {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700)
        .create(&cache)
        .unwrap();
    // There already when another engine of the same test made it.
    let _ = std::os::unix::fs::symlink(cache, state.join("cache"));
    Engine::builder().state_dir(state)
}

/// A runbook that asks, and then sets a variable of the world.
const ASK: &str = "schemaVersion: '0.3'
mainSteps:
  - {name: ask, action: 'aws:approve', inputs: {Message: 'May it?', Approvers: ['*']}}
  - {name: put, action: 'rw:putParameter', inputs: {Name: /asked, Value: 'yes'}}";

async fn start(engine: &Engine, folder: &Path, id: &str) -> ExecutionId {
    let file = folder.join("ask.yaml");
    std::fs::write(&file, ASK).unwrap();
    let runbook = engine.library().runbook(file.to_str().unwrap()).await.unwrap();
    let request = StartRequest {
        runbook,
        parameters: serde_json::Map::new(),
        id: Some(id.parse().unwrap()),
        by: runwright::user::name(),
        mode: runwright::model::event::Mode::Auto,
    };
    engine.start(request).await.unwrap().id
}

async fn approve(engine: &Engine, id: &ExecutionId) -> Result<(), Error> {
    engine.decide(id, None, true, &runwright::user::name(), None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_starts_decides_reads_and_is_told_errors_as_the_holder_would_be() {
    let state = tempfile::tempdir().unwrap();
    let holder = builder(state.path()).open().await.unwrap();
    let client = builder(state.path()).join().await.unwrap();
    assert!(client.has_successor().await, "the holder goes on without it");
    let id = start(&client, state.path(), "asked").await;
    let waiting = client.wait(&id, Until::NeedsPerson).await.unwrap();
    assert_eq!(
        serde_json::to_value(&waiting).unwrap(),
        serde_json::to_value(holder.show(&id).await.unwrap()).unwrap()
    );
    approve(&client, &id).await.unwrap();
    let ended = client.wait(&id, Until::Ended).await.unwrap();
    assert_eq!(ended.status.as_str(), "Success");
    assert_eq!(client.parameters().get("/asked").await.unwrap().value, "yes");
    assert_eq!(client.list(None, 10).await.unwrap().len(), 1);
    assert_eq!(
        client.logs(&id, 0, 10).await.unwrap(),
        holder.logs(&id, 0, 10).await.unwrap()
    );

    let unknown: ExecutionId = "nobody".parse().unwrap();
    for engine in [&holder, &client] {
        assert!(matches!(engine.show(&unknown).await, Err(Error::NoExecution(_))));
        let twice = approve(engine, &id).await.unwrap_err();
        assert!(twice.to_string().contains("waits for an approval"), "{twice}");
        let missing = engine.parameters().get("/nothing").await.unwrap_err();
        assert!(matches!(missing, Error::Capability(_)), "{missing:?}");
        let step = engine
            .signal(&id, "Resume", Some("no"), &runwright::user::name(), 1.into())
            .await;
        assert!(step.unwrap_err().to_string().contains("has no step `no`"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_runbook_is_the_one_of_the_client_s_folder() {
    let (state, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let parent = "schemaVersion: '0.3'
mainSteps:
  - {name: child, action: 'aws:executeAutomation', inputs: {DocumentName: theirs}}";
    let child = "schemaVersion: '0.3'
mainSteps:
  - {name: put, action: 'rw:putParameter', inputs: {Name: /child, Value: 'ran'}}";
    std::fs::write(folder.path().join("parent.yaml"), parent).unwrap();
    std::fs::write(folder.path().join("theirs.yaml"), child).unwrap();
    let holder = builder(state.path()).open().await.unwrap();
    let client = builder(state.path())
        .runbooks(vec![folder.path().into()])
        .join()
        .await
        .unwrap();
    let request = StartRequest {
        runbook: client.library().runbook("parent").await.unwrap(),
        parameters: serde_json::Map::new(),
        id: None,
        by: runwright::user::name(),
        mode: runwright::model::event::Mode::Auto,
    };
    let id = client.start(request).await.unwrap().id;
    let ended = client.wait(&id, Until::Ended).await.unwrap();
    assert_eq!(ended.status.as_str(), "Success", "{:?}", ended.failure);
    assert_eq!(holder.parameters().get("/child").await.unwrap().value, "ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_acts_as_its_own_user_only() {
    let state = tempfile::tempdir().unwrap();
    let _holder = builder(state.path()).open().await.unwrap();
    let client = builder(state.path()).join().await.unwrap();
    let id = start(&client, state.path(), "asked").await;
    client.wait(&id, Until::NeedsPerson).await.unwrap();
    let refused = client.decide(&id, None, true, "somebody-else", None).await.unwrap_err();
    assert_eq!(refused.fault(), Fault::Caller);
    assert!(refused.to_string().contains("cannot act as somebody-else"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_takes_over_and_the_others_ask_it() {
    let state = tempfile::tempdir().unwrap();
    let first = builder(state.path()).join().await.unwrap();
    let second = builder(state.path()).join().await.unwrap();
    let third = builder(state.path()).join().await.unwrap();
    let id = start(&second, state.path(), "asked").await;
    let (waiting, waited_for) = (second.clone(), id.clone());
    let waiting = tokio::spawn(async move { waiting.wait(&waited_for, Until::Ended).await });
    first.wait(&id, Until::NeedsPerson).await.unwrap();
    let seen = third.changed(&id, 0).await.unwrap();
    first.close().await.unwrap();
    assert!(
        third.changed(&id, seen).await.unwrap() > seen,
        "another engine is a change"
    );
    approve(&third, &id).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status.as_str(), "Success");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_lets_go_while_it_waits_for_news() {
    let state = tempfile::tempdir().unwrap();
    let first = builder(state.path()).open().await.unwrap();
    let id = start(&first, state.path(), "asked").await;
    first.wait(&id, Until::NeedsPerson).await.unwrap();
    first.close().await.unwrap();

    let looking = builder(state.path()).drive(false).join().await.unwrap();
    looking.show(&id).await.unwrap();
    let in_use = builder(state.path()).open().await.err().unwrap();
    assert_eq!(in_use.code(), Some("RW-S005"));
    let (watching, watched) = (looking.clone(), id.clone());
    let news = tokio::spawn(async move { watching.changed(&watched, u64::MAX >> 1).await });
    let next = builder(state.path()).join().await.unwrap();
    approve(&next, &id).await.unwrap();
    assert_eq!(
        looking.wait(&id, Until::Ended).await.unwrap().status.as_str(),
        "Success"
    );
    news.abort();
    looking.close().await.unwrap();
}

/// The engine may have ended, and the execution with it, between a look and the wait for the next change.
#[tokio::test(flavor = "multi_thread")]
async fn what_happened_before_and_while_nobody_looked_is_news() {
    let state = tempfile::tempdir().unwrap();
    let first = builder(state.path()).open().await.unwrap();
    let id = start(&first, state.path(), "asked").await;
    let looking = builder(state.path()).drive(false).join().await.unwrap();
    first.wait(&id, Until::NeedsPerson).await.unwrap();
    let seen = looking.changed(&id, 0).await.unwrap();
    first.close().await.unwrap();
    // The engine is gone, as far as is known nothing changed.
    let seen = looking.changed(&id, seen).await.unwrap();
    let mut waits = Box::pin(looking.changed(&id, seen));
    assert!(
        tokio::time::timeout(MOMENT, &mut waits).await.is_err(),
        "nobody changes it"
    );

    let second = builder(state.path()).join().await.unwrap();
    approve(&second, &id).await.unwrap();
    second.wait(&id, Until::Ended).await.unwrap();
    second.close().await.unwrap();
    assert!((&mut waits).await.unwrap() > seen);
    drop(waits);
    assert_eq!(looking.show(&id).await.unwrap().status.as_str(), "Success");
    looking.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_whose_answer_was_lost_is_not_made_twice_and_no_error() {
    let state = tempfile::tempdir().unwrap();
    let holder = builder(state.path()).open().await.unwrap();
    let id = start(&holder, state.path(), "asked").await;
    holder.wait(&id, Until::NeedsPerson).await.unwrap();
    let cuts = cut_after(state.path(), "Signal");
    let client = builder(state.path()).join().await.unwrap();
    approve(&client, &id).await.unwrap();
    assert_eq!(cuts.join().unwrap(), 1, "the answer was lost once");
    let ended = holder.wait(&id, Until::Ended).await.unwrap();
    assert_eq!(ended.status.as_str(), "Success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_whose_answer_was_lost_finds_its_execution() {
    let state = tempfile::tempdir().unwrap();
    let holder = builder(state.path()).open().await.unwrap();
    let cuts = cut_after(state.path(), "Start");
    let client = builder(state.path()).join().await.unwrap();
    let runbook = {
        let file = state.path().join("ask.yaml");
        std::fs::write(&file, ASK).unwrap();
        client.library().runbook(file.to_str().unwrap()).await.unwrap()
    };
    let request = StartRequest {
        runbook,
        parameters: serde_json::Map::new(),
        id: None,
        by: runwright::user::name(),
        mode: runwright::model::event::Mode::Auto,
    };
    let begun = client.start(request).await.unwrap();
    assert!(!begun.existing, "it is this call's own");
    assert_eq!(cuts.join().unwrap(), 1);
    assert_eq!(holder.list(None, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_client_sends_the_others_are_answered() {
    let state = tempfile::tempdir().unwrap();
    let holder = builder(state.path()).open().await.unwrap();
    let id = start(&holder, state.path(), "asked").await;
    let wire = Wire::of(state.path());

    wire.connect().says_raw(b"GET / HTTP/1.1\r\n\r\n").closed();
    wire.connect().says_raw(&[0xff; 64]).closed();
    wire.connect().says(b"no hello").closed();
    wire.greeted().says(b"no call").closed();
    wire.greeted().says_raw(&u32::MAX.to_be_bytes()).closed();
    // Half of a greeting, half of a call, and then nothing: they are kept, and harm nobody.
    let mut slow = vec![
        wire.connect().says_raw(&[0, 0]),
        wire.greeted().says_raw(&[0, 0, 9, 9, 1]),
    ];
    // Calls without end whose answers nobody reads.
    for _ in 0..20 {
        slow.push(wire.greeted().says(&wire.show(&id)));
    }
    // A client that waits, and is gone.
    drop(wire.greeted().says(&wire.wait(&id)));

    let client = builder(state.path()).join().await.unwrap();
    assert_eq!(client.list(None, 10).await.unwrap().len(), 1);
    approve(&client, &id).await.unwrap();
    client.wait(&id, Until::Ended).await.unwrap();
    holder.close().await.unwrap();
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_told_which_is_which() {
    let state = tempfile::tempdir().unwrap();
    let _holder = builder(state.path()).open().await.unwrap();
    let wire = Wire::of(state.path());
    wire.connect().says(&wire.hello(999, "9.9.9")).answered().closed();

    let other = tempfile::tempdir().unwrap();
    let pretender = pretender(other.path(), Some(wire.hello(999, "9.9.9")));
    let error = builder(other.path()).join().await.err().unwrap();
    assert_eq!(error.code(), Some("RW-S902"), "{error}");
    let words = [
        "9.9.9 (protocol 999)",
        env!("CARGO_PKG_VERSION"),
        &std::process::id().to_string(),
    ];
    for word in words {
        assert!(error.to_string().contains(word), "{error}");
    }
    drop(pretender);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_says_nothing_is_named() {
    let state = tempfile::tempdir().unwrap();
    let pretender = pretender(state.path(), None);
    let error = builder(state.path()).patience(MOMENT).join().await.err().unwrap();
    assert_eq!(error.code(), Some("RW-S901"), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    assert_eq!(error.fault(), Fault::Machine);
    drop(pretender);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_does_not_listen_is_waited_for_and_then_named() {
    let state = tempfile::tempdir().unwrap();
    let looking = builder(state.path()).drive(false).open().await.unwrap();
    let error = builder(state.path()).patience(MOMENT).join().await.err().unwrap();
    assert_eq!(error.code(), Some("RW-S005"), "{error}");
    let joining = tokio::spawn(builder(state.path()).join());
    looking.close().await.unwrap();
    joining.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_with_a_long_path_has_a_socket_too() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("long".repeat(30)).join("er".repeat(60));
    std::fs::create_dir_all(&state).unwrap();
    let holder = builder(&state).open().await.unwrap();
    let client = builder(&state).join().await.unwrap();
    let id = start(&client, folder.path(), "asked").await;
    assert_eq!(holder.show(&id).await.unwrap().id, id);
}

#[tokio::test]
async fn a_call_that_nobody_polls_holds_up_no_other() {
    let state = tempfile::tempdir().unwrap();
    let first = builder(state.path()).join().await.unwrap();
    let second = builder(state.path()).join().await.unwrap();
    first.close().await.unwrap();
    // Nobody can become the engine now, so all calls below wait for the same thing.
    let lock = std::fs::File::open(state.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let mut finds = pin!(second.list(None, 1));
    let mut left = pin!(second.list(None, 1));
    let mut last = pin!(second.list(None, 1));
    for _ in 0..20 {
        for call in [&mut finds, &mut left, &mut last] {
            assert!(futures_util::poll!(call.as_mut()).is_pending());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    lock.unlock().unwrap();
    finds.await.unwrap();
    let done = tokio::time::timeout(Duration::from_secs(30), last).await;
    done.expect("it does not wait for the call that is not polled").unwrap();
    left.await.unwrap();
    second.clone().close().await.unwrap();
}
