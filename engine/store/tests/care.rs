//! What a collection takes, and what it must never take.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;
use runwright_model::{digest::Digest, id::ExecutionId, status::Status};
use runwright_store::{
    Expect, MemoryStore, Options, Page, SledStore, Store, Table,
    care::{Collected, Retention, Rule, collect},
};
use support::{append, at, id, line, record};

const NOW: i64 = 1_800_000_000_000;
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// An execution of a test: its status, how many days ago it ended, its parent, and what it names.
#[derive(Debug, Clone)]
struct Run {
    status: Status,
    days: i64,
    parent: Option<usize>,
    names: Option<u8>,
}

fn name(number: usize) -> ExecutionId {
    id(&format!("e{number:03}"))
}

async fn write(store: &dyn Store, runs: &[Run]) {
    let epoch = store.claim().await.unwrap();
    for (number, run) in runs.iter().enumerate() {
        let text = run.names.map_or("nothing".to_owned(), |n| Digest::of(&[n]).to_string());
        let mut append = append(epoch, name(number).as_str(), 0, &[&text]);
        append.summary.status = run.status;
        append.summary.ended = run.status.is_final().then(|| at(NOW - run.days * DAY));
        append.summary.parent = run.parent.map(name);
        store.append(append).await.unwrap();
        store.append_log(&name(number), vec![line("x")]).await.unwrap();
    }
    for n in 0..NAMES {
        let blob = Digest::of(&[n]);
        let part = [blob.as_bytes().as_slice(), &[0; 4]].concat();
        store.put(Table::Blobs, &part, vec![7; 100], Expect::Any).await.unwrap();
        store
            .put(Table::Blobs, blob.as_bytes(), vec![8], Expect::Any)
            .await
            .unwrap();
    }
}

const NAMES: u8 = 4;

fn retention(days: u64, last: Option<usize>) -> Retention {
    let rule = Rule {
        keep_for: Some(Duration::from_secs(days * 24 * 60 * 60)),
        keep_last: last,
    };
    Retention {
        rules: [(Status::Success, rule), (Status::Failed, rule)].into(),
    }
}

async fn ids(store: &dyn Store) -> BTreeSet<ExecutionId> {
    let rows = store.list(Page::default()).await.unwrap();
    rows.into_iter().map(|(id, _)| id).collect()
}

fn sled(directory: &tempfile::TempDir) -> SledStore {
    let options = Options {
        reserve_bytes: 0,
        ..Options::default()
    };
    SledStore::open(directory.path(), options).unwrap()
}

fn run(status: Status, days: i64) -> Run {
    Run {
        status,
        days,
        parent: None,
        names: None,
    }
}

#[tokio::test]
async fn age_and_number_are_limits_and_what_has_not_ended_stays() {
    let store = MemoryStore::new();
    let runs = [
        run(Status::Success, 1),
        run(Status::Success, 40),
        run(Status::Failed, 2),
        run(Status::Failed, 3),
        run(Status::Failed, 4),
        run(Status::Waiting, 900),
        run(Status::RollbackFailed, 900),
    ];
    write(&store, &runs).await;
    let collected = collect(&store, &retention(30, Some(2)), at(NOW), false).await.unwrap();
    assert_eq!((collected.executions, collected.kept), (2, 5));
    let left: Vec<String> = ids(&store).await.iter().map(ToString::to_string).collect();
    assert_eq!(left, ["e000", "e002", "e003", "e005", "e006"]);
    let none = collect(&store, &retention(30, Some(0)), at(NOW), false).await.unwrap();
    assert_eq!((none.executions, none.kept), (3, 2));
}

#[tokio::test]
async fn the_default_keeps_a_rollback_that_failed() {
    let store = MemoryStore::new();
    let runs: Vec<Run> = Status::ALL.into_iter().map(|status| run(status, 91)).collect();
    write(&store, &runs).await;
    let all = collect(&store, &Retention::default(), at(NOW), true).await.unwrap();
    let ended = Status::ALL.iter().filter(|status| status.is_final()).count() as u64;
    assert_eq!(all.executions, ended - 1);
}

/// Plans name components, components are named by nothing else.
#[tokio::test]
async fn what_a_kept_plan_names_stays() {
    let store = MemoryStore::new();
    write(&store, &[run(Status::Waiting, 0), run(Status::Success, 100)]).await;
    let epoch = store.claim().await.unwrap();
    let component = Digest::of(b"component");
    let other = Digest::of(b"other");
    let plan = format!("{{\"component\":\"{component}\"}}");
    for (table, key, value) in [
        (Table::Plans, Digest::of(b"plan"), plan.as_bytes()),
        (Table::Components, component, b"c"),
        (Table::Components, other, b"o"),
    ] {
        let put = store.put(table, key.as_bytes(), value.to_vec(), Expect::Absent);
        assert!(put.await.unwrap());
    }
    let mut started = append(epoch, "e000", 1, &[]);
    started.records = [record(1, &Digest::of(b"plan").to_string())].into();
    started.summary.status = Status::Waiting;
    store.append(started).await.unwrap();
    let collected = collect(&store, &retention(30, None), at(NOW), false).await.unwrap();
    assert_eq!((collected.plans, collected.components, collected.blobs), (0, 1, 4));
    assert!(
        store
            .get(Table::Components, component.as_bytes())
            .await
            .unwrap()
            .is_some()
    );
    assert!(store.get(Table::Components, other.as_bytes()).await.unwrap().is_none());
}

/// A crash may leave a blob without its first row, which is the one that says that it is complete.
#[tokio::test]
async fn garbage_of_an_interrupted_collection_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let store = sled(&directory);
    write(&store, &[]).await;
    store.delete(Table::Blobs, Digest::of(&[0]).as_bytes()).await.unwrap();
    let collected = collect(&store, &Retention::default(), at(NOW), false).await.unwrap();
    assert_eq!(collected.blobs, u64::from(NAMES));
    assert!(store.scan(Table::Blobs, b"", None, 0).await.unwrap().is_empty());
}

/// Created, finished, collected, again and again: the directory does not grow with what was there once.
#[tokio::test]
async fn a_directory_in_which_executions_come_and_go_stays_small() {
    const ROUND: usize = 500;
    let directory = tempfile::tempdir().unwrap();
    let store = sled(&directory);
    let epoch = store.claim().await.unwrap();
    let mut sizes = Vec::new();
    for round in 0..40 {
        for number in 0..ROUND {
            let mut append = append(
                epoch,
                &format!("{round:03}-{number:03}"),
                0,
                &["x".repeat(300).as_str()],
            );
            append.summary.status = Status::Success;
            append.summary.ended = Some(at(NOW));
            store.append(append).await.unwrap();
        }
        let collected = collect(&store, &retention(0, None), at(NOW + 1), false).await.unwrap();
        assert_eq!(collected.executions, ROUND as u64);
        sizes.push(store.size_on_disk().unwrap());
    }
    let early = *sizes[..10].iter().max().unwrap();
    let late = *sizes[30..].iter().max().unwrap();
    assert!(late <= early * 2, "{sizes:?}");
    assert_eq!(store.check().unwrap().findings, []);
}

fn a_run(number: usize) -> impl Strategy<Value = Run> {
    let status = prop_oneof![4 => Just(Status::Success), 2 => Just(Status::Failed), 1 => Just(Status::Waiting)];
    (
        status,
        0..60_i64,
        prop::option::of(0..number.max(1)),
        prop::option::of(0..NAMES),
    )
        .prop_map(move |(status, days, parent, names)| Run {
            status,
            days,
            parent: parent.filter(|_| number > 0),
            names,
        })
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    (1..25_usize).prop_flat_map(|count| (0..count).map(a_run).collect::<Vec<_>>())
}

/// Looks at what a collection left.
async fn hold_invariants(store: &dyn Store, runs: &[Run], before: Collected) {
    let left = ids(store).await;
    let stays = |number: usize| left.contains(&name(number));
    for (number, run) in runs.iter().enumerate() {
        assert!(run.status.is_final() || stays(number), "{number} had not ended");
        assert!(run.days > 30 || stays(number), "{number} was not old enough");
        if let Some(parent) = run.parent {
            assert_eq!(stays(number), stays(parent), "{number} and its parent {parent} are kin");
        }
        if let Some(blob) = run.names.filter(|_| stays(number)) {
            let key = Digest::of(&[blob]);
            let rows = store.scan(Table::Blobs, key.as_bytes(), None, 0).await.unwrap();
            assert_eq!(rows.len(), 2, "a blob that {number} names");
        }
    }
    let rows = store.scan(Table::Blobs, b"", None, 0).await.unwrap().len() as u64;
    assert_eq!(rows, (u64::from(NAMES) - before.blobs) * 2);
    assert_eq!(left.len() as u64, before.kept);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_needed_goes_and_a_dry_run_says_what_will(runs in runs()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let (memory, disk) = (MemoryStore::new(), sled(&directory));
            let stores: [&dyn Store; 2] = [&memory, &disk];
            for store in stores {
                write(store, &runs).await;
                let told = collect(store, &retention(30, None), at(NOW), true).await.unwrap();
                assert_eq!(ids(store).await.len(), runs.len());
                let done = collect(store, &retention(30, None), at(NOW), false).await.unwrap();
                assert_eq!(told, done);
                hold_invariants(store, &runs, done).await;
                let again = collect(store, &retention(30, None), at(NOW), false).await.unwrap();
                assert_eq!((again.executions, again.bytes), (0, 0));
            }
            assert_eq!(ids(&memory).await, ids(&disk).await);
            assert_eq!(disk.check().unwrap().findings, []);
        });
    }
}
