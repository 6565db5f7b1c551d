//! One suite, run against every backend: each test is one sentence of the guarantees of `Store`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use runwright_model::status::Status;
use runwright_store::{
    Append, Epoch, Error, Expect, KEY_BYTES_MAX, MemoryStore, Options, Page, RECORD_BYTES_MAX, SledStore, Store, Table,
    VALUE_BYTES_MAX,
};
use support::{append, at, durable, id, line, record, summary, texts, waking};

/// A store with what it must outlive.
struct Backend<S> {
    store: S,
    _directory: Option<tempfile::TempDir>,
}

fn memory() -> Backend<MemoryStore> {
    Backend {
        store: MemoryStore::new(),
        _directory: None,
    }
}

fn sled() -> Backend<SledStore> {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        reserve_bytes: 0,
        ..Options::default()
    };
    Backend {
        store: SledStore::open(directory.path().join("state"), options).unwrap(),
        _directory: Some(directory),
    }
}

macro_rules! conformance {
    ($($test:ident)*) => {
        mod memory_store {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(&super::memory().store).await; })*
        }
        mod sled_store {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(&super::sled().store).await; })*
        }
    };
}

conformance! {
    an_unknown_execution_has_nothing
    records_come_back_in_order
    a_read_can_begin_anywhere
    row_and_wake_up_change_with_the_records
    an_append_without_records_changes_what_is_derived
    appends_without_records_leave_no_trace_in_the_journal
    a_wrong_length_is_a_conflict_and_changes_nothing
    misnumbered_records_are_refused
    many_appends_at_once_keep_order_and_lose_nothing
    one_of_many_that_expect_the_same_wins
    a_later_claim_fences_every_write
    epochs_grow
    executions_are_listed_newest_first_in_pages
    executions_are_listed_by_status
    ids_that_begin_alike_are_kept_apart
    due_wake_ups_come_earliest_first
    removal_takes_everything_and_the_id_can_be_used_again
    log_lines_are_numbered_across_appends
    a_value_is_put_only_over_what_is_expected
    scans_are_in_order_within_prefix_and_table
    large_records_and_values_come_back_whole
    what_is_too_large_is_refused_before_anything_is_written
    sync_is_answered
}

async fn an_unknown_execution_has_nothing<S: Store>(store: &S) {
    let nobody = id("nobody");
    assert_eq!(store.read(&nobody, 0).await.unwrap(), []);
    assert_eq!(store.head(&nobody).await.unwrap(), None);
    assert_eq!(store.read_log(&nobody, 0, 0).await.unwrap(), []);
    assert_eq!(store.get(Table::Plans, b"none").await.unwrap(), None);
    assert!(store.list(Page::default()).await.unwrap().is_empty());
    assert_eq!(store.next_wake().await.unwrap(), None);
    store.remove(&nobody).await.unwrap();
    store.delete(Table::Plans, b"none").await.unwrap();
}

async fn records_come_back_in_order<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    store.append(append(epoch, "e", 0, &["a", "b"])).await.unwrap();
    store.append(durable(append(epoch, "e", 2, &["c"]))).await.unwrap();
    store.append(append(epoch, "e", 3, &["d"])).await.unwrap();
    let records = store.read(&id("e"), 0).await.unwrap();
    assert_eq!(
        records,
        (0..)
            .zip(["a", "b", "c", "d"])
            .map(|(n, t)| record(n, t))
            .collect::<Vec<_>>()
    );
}

async fn a_read_can_begin_anywhere<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    let words: Vec<String> = (0..700).map(|n| n.to_string()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    store.append(append(epoch, "e", 0, &words)).await.unwrap();
    for from in [0, 1, 255, 256, 699] {
        assert_eq!(
            texts(&store.read(&id("e"), from).await.unwrap()),
            &words[usize::try_from(from).unwrap()..]
        );
    }
    for from in [700, 701, u64::MAX] {
        assert_eq!(store.read(&id("e"), from).await.unwrap(), [], "from {from}");
    }
}

async fn row_and_wake_up_change_with_the_records<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    let mut first = waking(append(epoch, "e", 0, &["a"]), 50);
    first.summary = summary("for ann");
    store.append(first).await.unwrap();
    let head = store.head(&id("e")).await.unwrap().unwrap();
    assert_eq!(
        (head.length, head.wake, head.summary),
        (1, Some(at(50)), summary("for ann"))
    );
    assert_eq!(store.next_wake().await.unwrap(), Some(at(50)));

    store.append(append(epoch, "e", 1, &["b"])).await.unwrap();
    let head = store.head(&id("e")).await.unwrap().unwrap();
    assert_eq!((head.length, head.wake, head.summary), (2, None, summary("")));
    assert_eq!(store.next_wake().await.unwrap(), None);
}

async fn an_append_without_records_changes_what_is_derived<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    store.append(append(epoch, "e", 0, &["a"])).await.unwrap();
    let mut change = waking(append(epoch, "e", 1, &[]), 9);
    change.summary = summary("for a time");
    store.append(durable(change)).await.unwrap();
    let head = store.head(&id("e")).await.unwrap().unwrap();
    assert_eq!(
        (head.length, head.wake, head.summary),
        (1, Some(at(9)), summary("for a time"))
    );
    assert_eq!(store.read(&id("e"), 0).await.unwrap().len(), 1);
}

/// Each replaces the last; none of them leaves anything between the records.
async fn appends_without_records_leave_no_trace_in_the_journal<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    for n in 0..3 {
        store.append(waking(append(epoch, "e", 0, &[]), n)).await.unwrap();
        assert_eq!(store.due(at(9), 0).await.unwrap(), [(at(n), id("e"))]);
    }
    assert_eq!(store.head(&id("e")).await.unwrap().unwrap().length, 0);
    store.append(append(epoch, "e", 0, &["a", "b"])).await.unwrap();
    let mut long = append(epoch, "e", 2, &[]);
    long.summary = summary(&"w".repeat(9_000));
    store.append(long).await.unwrap();
    assert_eq!(texts(&store.read(&id("e"), 0).await.unwrap()), ["a", "b"]);
    store.append(append(epoch, "e", 2, &["c"])).await.unwrap();
    assert_eq!(texts(&store.read(&id("e"), 0).await.unwrap()), ["a", "b", "c"]);
    assert_eq!(texts(&store.read(&id("e"), 1).await.unwrap()), ["b", "c"]);
    assert_eq!(store.head(&id("e")).await.unwrap().unwrap().summary, summary(""));
}

async fn a_wrong_length_is_a_conflict_and_changes_nothing<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    store.append(append(epoch, "e", 0, &["a", "b"])).await.unwrap();
    let before = store.head(&id("e")).await.unwrap();
    for expected in [0, 1, 3] {
        let refused = store
            .append(waking(append(epoch, "e", expected, &["x"]), 7))
            .await
            .unwrap_err();
        assert!(
            matches!(&refused, Error::Conflict { expected: e, actual: 2, .. } if *e == expected),
            "expected {expected}: {refused:?}"
        );
    }
    assert_eq!(store.head(&id("e")).await.unwrap(), before);
    assert_eq!(texts(&store.read(&id("e"), 0).await.unwrap()), ["a", "b"]);
    assert_eq!(store.next_wake().await.unwrap(), None);
    assert!(matches!(
        store.append(append(epoch, "new", 1, &["x"])).await,
        Err(Error::Conflict { actual: 0, .. })
    ));
    assert_eq!(store.head(&id("new")).await.unwrap(), None);
}

async fn misnumbered_records_are_refused<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    let mut gap = append(epoch, "e", 0, &["a", "b"]);
    Arc::make_mut(&mut gap.records)[1].sequence = 2;
    assert!(matches!(
        store.append(gap).await,
        Err(Error::Misnumbered {
            expected: 1,
            found: 2,
            ..
        })
    ));
    assert_eq!(store.head(&id("e")).await.unwrap(), None);
}

/// 16 executions, each written by a task of its own, some appends durable.
async fn many_appends_at_once_keep_order_and_lose_nothing<S: Store + Clone + 'static>(store: &S) {
    const EACH: u64 = 60;
    let epoch = store.claim().await.unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    let mut one = waking(
                        append(epoch, &format!("e{task}"), n, &[&format!("{task}/{n}")]),
                        i64::try_from(n).unwrap(),
                    );
                    if n % 7 == task % 7 {
                        one = durable(one);
                    }
                    store.append(one).await.unwrap();
                    assert_eq!(
                        store.head(&id(&format!("e{task}"))).await.unwrap().unwrap().length,
                        n + 1
                    );
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for task in 0..16 {
        let records = store.read(&id(&format!("e{task}")), 0).await.unwrap();
        let expected: Vec<String> = (0..EACH).map(|n| format!("{task}/{n}")).collect();
        assert_eq!(texts(&records), expected);
    }
    // One wake-up each: those of earlier appends are gone.
    let due = store.due(at(i64::MAX), 0).await.unwrap();
    assert_eq!(due.len(), 16);
    assert!(
        due.iter()
            .all(|(time, _)| *time == at(i64::try_from(EACH).unwrap() - 1))
    );
}

async fn one_of_many_that_expect_the_same_wins<S: Store + Clone + 'static>(store: &S) {
    let epoch = store.claim().await.unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let store = store.clone();
            let text = task.to_string();
            tokio::spawn(async move { store.append(durable(append(epoch, "e", 0, &[&text]))).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => won += 1,
            Err(Error::Conflict { actual: 1, .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(store.read(&id("e"), 0).await.unwrap().len(), 1);
}

async fn a_later_claim_fences_every_write<S: Store + Clone>(store: &S) {
    let early = store.claim().await.unwrap();
    store.append(append(early, "e", 0, &["a"])).await.unwrap();
    store.put(Table::Plans, b"k", b"v".to_vec(), Expect::Any).await.unwrap();
    let successor = store.clone();
    let late = successor.claim().await.unwrap();

    let fenced = |result: Result<(), Error>| {
        assert!(
            matches!(&result, Err(Error::Fenced { epoch, owner }) if *epoch == early && *owner == late),
            "{result:?}"
        );
    };
    fenced(store.append(append(early, "e", 1, &["b"])).await);
    // The fence stands before the count.
    fenced(store.append(append(early, "e", 9, &["b"])).await);
    fenced(
        store
            .put(Table::Plans, b"k", b"w".to_vec(), Expect::Any)
            .await
            .map(|_| ()),
    );
    fenced(store.delete(Table::Plans, b"k").await);
    fenced(store.append_log(&id("e"), vec![line("x")]).await);
    fenced(store.remove(&id("e")).await);

    assert_eq!(texts(&successor.read(&id("e"), 0).await.unwrap()), ["a"]);
    assert_eq!(successor.get(Table::Plans, b"k").await.unwrap(), Some(b"v".to_vec()));
    assert_eq!(successor.read_log(&id("e"), 0, 0).await.unwrap(), []);
    successor.append(append(late, "e", 1, &["c"])).await.unwrap();
    assert!(
        successor
            .put(Table::Plans, b"k", b"w".to_vec(), Expect::Any)
            .await
            .unwrap()
    );
    // An epoch that nobody was given is no owner either.
    let made_up = Epoch(late.0 + 1);
    assert!(matches!(
        successor.append(append(made_up, "e", 2, &["d"])).await,
        Err(Error::Fenced { .. })
    ));
}

async fn epochs_grow<S: Store + Clone>(store: &S) {
    let first = store.claim().await.unwrap();
    let second = store.clone().claim().await.unwrap();
    let third = store.claim().await.unwrap();
    assert!(first < second && second < third);
}

async fn executions_are_listed_newest_first_in_pages<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    let names: Vec<String> = (0..600).map(|n| format!("e{n:04}")).collect();
    for name in &names {
        store.append(append(epoch, name, 0, &["a"])).await.unwrap();
    }
    let newest_first: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    let page = |before: Option<&str>, most| Page {
        before: before.map(id),
        most,
        statuses: Vec::new(),
    };
    let list = async |page| {
        let rows = store.list(page).await.unwrap();
        rows.into_iter()
            .map(|(id, head)| (id.as_str().to_owned(), head.length))
            .collect::<BTreeMap<_, _>>()
    };
    let ids = async |page| {
        store
            .list(page)
            .await
            .unwrap()
            .iter()
            .map(|(id, _)| id.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(page(None, 0)).await, newest_first);
    assert_eq!(ids(page(None, 3)).await, newest_first[..3]);
    assert_eq!(ids(page(Some(newest_first[2]), 300)).await, newest_first[3..303]);
    assert_eq!(ids(page(Some("e0000"), 5)).await, [""; 0]);
    assert_eq!(ids(page(Some("zzz"), 1)).await, newest_first[..1]);
    assert!(list(page(None, 0)).await.values().all(|length| *length == 1));
}

async fn executions_are_listed_by_status<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    let standing = |name: &str, expected, status| {
        let mut append = append(epoch, name, expected, &["a"]);
        append.summary.status = status;
        append
    };
    for (n, status) in (0..900).zip([Status::Waiting, Status::Success, Status::Failed].into_iter().cycle()) {
        store.append(standing(&format!("e{n:04}"), 0, status)).await.unwrap();
    }
    let page = |statuses: &[Status], before: Option<&str>, most| Page {
        before: before.map(id),
        most,
        statuses: statuses.to_vec(),
    };
    let ids = async |page| {
        let rows = store.list(page).await.unwrap();
        rows.iter().map(|(id, _)| id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(page(&[Status::Waiting], None, 0)).await.len(), 300);
    assert_eq!(ids(page(&[Status::Waiting], None, 2)).await, ["e0897", "e0894"]);
    let two = [Status::Failed, Status::Waiting, Status::Failed];
    assert_eq!(ids(page(&two, None, 3)).await, ["e0899", "e0897", "e0896"]);
    assert_eq!(ids(page(&two, Some("e0896"), 2)).await, ["e0894", "e0893"]);
    assert_eq!(ids(page(&two, None, 0)).await.len(), 600);
    assert_eq!(ids(page(&[Status::Paused], None, 0)).await, [""; 0]);

    store.append(standing("e0897", 1, Status::Success)).await.unwrap();
    store.remove(&id("e0894")).await.unwrap();
    assert_eq!(ids(page(&[Status::Waiting], None, 1)).await, ["e0891"]);
    assert_eq!(ids(page(&[Status::Success], None, 2)).await, ["e0898", "e0897"]);
}

/// `a` is the beginning of `a.b`, and sorts before it; neither may see the other's records.
async fn ids_that_begin_alike_are_kept_apart<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    for name in ["a", "a.b", "a-", "ab", "a:1"] {
        store.append(append(epoch, name, 0, &[name])).await.unwrap();
        store.append_log(&id(name), vec![line(name)]).await.unwrap();
    }
    store.remove(&id("a")).await.unwrap();
    for name in ["a.b", "a-", "ab", "a:1"] {
        assert_eq!(texts(&store.read(&id(name), 0).await.unwrap()), [name]);
        assert_eq!(store.read_log(&id(name), 0, 0).await.unwrap(), [(0, line(name))]);
    }
    assert_eq!(store.read(&id("a"), 0).await.unwrap(), []);
}

async fn due_wake_ups_come_earliest_first<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    for (name, time) in [
        ("late", 300),
        ("b", 100),
        ("a", 100),
        ("before", -5),
        ("first", i64::MIN),
        ("last", i64::MAX),
    ] {
        store
            .append(waking(append(epoch, name, 0, &["x"]), time))
            .await
            .unwrap();
    }
    store.append(append(epoch, "asleep", 0, &["x"])).await.unwrap();
    let due = async |until, most| {
        let due = store.due(at(until), most).await.unwrap();
        due.iter().map(|(_, id)| id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(due(i64::MIN, 0).await, ["first"]);
    assert_eq!(due(99, 0).await, ["first", "before"]);
    assert_eq!(due(100, 0).await, ["first", "before", "a", "b"]);
    assert_eq!(due(i64::MAX, 3).await, ["first", "before", "a"]);
    assert_eq!(due(i64::MAX, 0).await, ["first", "before", "a", "b", "late", "last"]);
    assert_eq!(store.next_wake().await.unwrap(), Some(at(i64::MIN)));

    store
        .append(waking(append(epoch, "first", 1, &["x"]), 200))
        .await
        .unwrap();
    store.append(append(epoch, "before", 1, &["x"])).await.unwrap();
    assert_eq!(due(250, 0).await, ["a", "b", "first"]);
    assert_eq!(store.next_wake().await.unwrap(), Some(at(100)));
}

async fn removal_takes_everything_and_the_id_can_be_used_again<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    let words = vec!["x"; 1500];
    store.append(waking(append(epoch, "e", 0, &words), 10)).await.unwrap();
    store.append(append(epoch, "other", 0, &["kept"])).await.unwrap();
    store.append_log(&id("e"), vec![line("1"), line("2")]).await.unwrap();
    store.remove(&id("e")).await.unwrap();
    assert_eq!(store.head(&id("e")).await.unwrap(), None);
    assert_eq!(store.read(&id("e"), 0).await.unwrap(), []);
    assert_eq!(store.read_log(&id("e"), 0, 0).await.unwrap(), []);
    assert_eq!(store.next_wake().await.unwrap(), None);
    assert_eq!(store.list(Page::default()).await.unwrap().len(), 1);

    store.append(append(epoch, "e", 0, &["again"])).await.unwrap();
    store.append_log(&id("e"), vec![line("new")]).await.unwrap();
    assert_eq!(texts(&store.read(&id("e"), 0).await.unwrap()), ["again"]);
    assert_eq!(store.read_log(&id("e"), 0, 0).await.unwrap(), [(0, line("new"))]);
    assert_eq!(texts(&store.read(&id("other"), 0).await.unwrap()), ["kept"]);
}

async fn log_lines_are_numbered_across_appends<S: Store>(store: &S) {
    let e = id("e");
    let all: Vec<_> = (0..40).map(|n| line(&n.to_string())).collect();
    let mut rest = all.as_slice();
    for size in [3, 0, 1, 10, 26] {
        let (now, later) = rest.split_at(size);
        store.append_log(&e, now.to_vec()).await.unwrap();
        rest = later;
    }
    let numbered: Vec<_> = (0..).zip(all).collect();
    for from in [0, 1, 2, 3, 4, 13, 14, 39] {
        assert_eq!(
            store.read_log(&e, from, 0).await.unwrap(),
            numbered[usize::try_from(from).unwrap()..],
            "from {from}"
        );
        let two: Vec<_> = numbered[usize::try_from(from).unwrap()..]
            .iter()
            .take(2)
            .cloned()
            .collect();
        assert_eq!(store.read_log(&e, from, 2).await.unwrap(), two, "two from {from}");
    }
    assert_eq!(store.read_log(&e, 40, 0).await.unwrap(), []);
    assert_eq!(store.read_log(&e, u64::MAX, 0).await.unwrap(), []);
}

async fn a_value_is_put_only_over_what_is_expected<S: Store>(store: &S) {
    let put = async |value: &str, expect| {
        store
            .put(Table::Parameters, b"key", value.as_bytes().to_vec(), expect)
            .await
            .unwrap()
    };
    let value = async || {
        store
            .get(Table::Parameters, b"key")
            .await
            .unwrap()
            .map(|v| String::from_utf8(v).unwrap())
    };
    assert!(!put("a", Expect::Value(b"".to_vec())).await);
    assert_eq!(value().await, None);
    assert!(put("a", Expect::Absent).await);
    assert!(!put("b", Expect::Absent).await);
    assert!(!put("b", Expect::Value(b"x".to_vec())).await);
    assert_eq!(value().await.as_deref(), Some("a"));
    assert!(put("b", Expect::Value(b"a".to_vec())).await);
    assert!(put("", Expect::Any).await);
    assert_eq!(value().await.as_deref(), Some(""));
    assert!(put("c", Expect::Value(b"".to_vec())).await);
    store.delete(Table::Parameters, b"key").await.unwrap();
    assert_eq!(value().await, None);
    assert!(put("d", Expect::Absent).await);
}

async fn scans_are_in_order_within_prefix_and_table<S: Store>(store: &S) {
    let keys: [&[u8]; 8] = [b"", b"a", b"a\0", b"a\0\xff", b"a/1", b"a/2", b"b", b"\xff\xff"];
    for key in keys {
        assert!(
            store
                .put(Table::Blobs, key, key.to_vec(), Expect::Absent)
                .await
                .unwrap()
        );
        store
            .put(Table::Components, key, b"other".to_vec(), Expect::Any)
            .await
            .unwrap();
    }
    let mut sorted: Vec<&[u8]> = keys.to_vec();
    sorted.sort_unstable();
    let scan = async |prefix: &[u8], after: Option<&[u8]>, most| {
        let values = store.scan(Table::Blobs, prefix, after, most).await.unwrap();
        assert!(values.iter().all(|(key, value)| key == value));
        values.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(scan(b"", None, 0).await, sorted);
    assert_eq!(scan(b"a", None, 0).await, sorted[1..6]);
    assert_eq!(scan(b"a/", None, 0).await, sorted[4..6]);
    assert_eq!(scan(b"a", Some(b"a\0"), 2).await, sorted[3..5]);
    assert_eq!(scan(b"a", Some(b"a/2"), 0).await, sorted[..0]);
    assert_eq!(scan(b"a", Some(b"z"), 0).await, sorted[..0]);
    assert_eq!(scan(b"a", Some(b"A"), 1).await, sorted[1..2]);
    assert_eq!(scan(b"\xff", None, 0).await, sorted[7..]);
    assert_eq!(scan(b"c", None, 0).await, sorted[..0]);
    assert_eq!(store.scan(Table::Plans, b"", None, 0).await.unwrap(), []);
}

async fn large_records_and_values_come_back_whole<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    // Around the size of one part on disk, and far above it.
    for size in [4_000, 4_091, 4_092, 8_183, 1_000_003] {
        let value: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
        let key = size.to_string();
        store
            .put(Table::Components, key.as_bytes(), value.clone(), Expect::Any)
            .await
            .unwrap();
        assert_eq!(
            store.get(Table::Components, key.as_bytes()).await.unwrap(),
            Some(value.clone())
        );
        let text = "é".repeat(size as usize / 2);
        let mut large = append(epoch, &format!("large-{size}"), 0, &[&text, "small"]);
        large.summary = summary(&text);
        store.append(durable(large)).await.unwrap();
        assert_eq!(
            texts(&store.read(&id(&format!("large-{size}")), 0).await.unwrap()),
            [text.as_str(), "small"]
        );
        assert_eq!(
            store
                .head(&id(&format!("large-{size}")))
                .await
                .unwrap()
                .unwrap()
                .summary,
            summary(&text)
        );

        // A shorter value leaves nothing of the longer one.
        assert!(
            store
                .put(
                    Table::Components,
                    key.as_bytes(),
                    b"short".to_vec(),
                    Expect::Value(value)
                )
                .await
                .unwrap()
        );
        assert_eq!(
            store.get(Table::Components, key.as_bytes()).await.unwrap(),
            Some(b"short".to_vec())
        );
    }
    assert_eq!(store.scan(Table::Components, b"", None, 0).await.unwrap().len(), 5);
}

async fn what_is_too_large_is_refused_before_anything_is_written<S: Store>(store: &S) {
    let epoch = store.claim().await.unwrap();
    let too_large = |result: Result<(), Error>, name: &str| {
        assert!(
            matches!(&result, Err(Error::TooLarge { which, used, limit, .. }) if *which == name && used > limit),
            "{result:?}"
        );
    };
    let text = "x".repeat(RECORD_BYTES_MAX);
    let fits = "x".repeat(RECORD_BYTES_MAX - 1024);
    let append: Append = append(epoch, "e", 0, &["a", &text]);
    too_large(store.append(append.clone()).await, "RECORD_BYTES_MAX");
    assert_eq!(store.head(&id("e")).await.unwrap(), None);
    store.append(support::append(epoch, "e", 0, &[&fits])).await.unwrap();
    assert_eq!(
        support::text_of(&store.read(&id("e"), 0).await.unwrap()[0]).len(),
        fits.len()
    );

    let put = async |key: &[u8], value: Vec<u8>| store.put(Table::Plans, key, value, Expect::Any).await.map(|_| ());
    too_large(put(b"k", vec![0; VALUE_BYTES_MAX + 1]).await, "VALUE_BYTES_MAX");
    too_large(put(&[b'k'; KEY_BYTES_MAX + 1], vec![]).await, "KEY_BYTES_MAX");
    put(&[b'k'; KEY_BYTES_MAX], vec![1]).await.unwrap();
    assert_eq!(store.scan(Table::Plans, b"", None, 0).await.unwrap().len(), 1);
}

async fn sync_is_answered<S: Store>(store: &S) {
    store.sync().await.unwrap();
    let epoch = store.claim().await.unwrap();
    store.append(append(epoch, "e", 0, &["a"])).await.unwrap();
    store.sync().await.unwrap();
    store.sync().await.unwrap();
    assert_eq!(store.head(&id("e")).await.unwrap().unwrap().length, 1);
}
