//! What only the store on disk must do: come back, refuse, compact, and find damage.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use runwright_store::{Error, Expect, Options, Page, SledStore, Store, Table};
use support::{append, at, durable, id, line, texts, waking};

fn options() -> Options {
    Options {
        reserve_bytes: 0,
        ..Options::default()
    }
}

fn open(directory: &Path) -> SledStore {
    SledStore::open(directory, options()).unwrap()
}

fn state() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/state");
    (directory, path)
}

/// A store with one of everything.
async fn fill(store: &SledStore) {
    let epoch = store.claim().await.unwrap();
    let large = "y".repeat(20_000);
    store.append(append(epoch, "e", 0, &["a", "b"])).await.unwrap();
    store
        .append(waking(append(epoch, "e", 2, &[&large]), 70))
        .await
        .unwrap();
    store.append(durable(append(epoch, "f", 0, &["c"]))).await.unwrap();
    store
        .append_log(&id("e"), vec![line("one"), line("two")])
        .await
        .unwrap();
    store
        .put(Table::Plans, b"p", b"plan".to_vec(), Expect::Any)
        .await
        .unwrap();
    store
        .put(Table::Components, b"c", vec![7; 50_000], Expect::Any)
        .await
        .unwrap();
}

async fn assert_filled(store: &SledStore) {
    let records = store.read(&id("e"), 0).await.unwrap();
    assert_eq!(texts(&records)[..2], ["a", "b"]);
    assert_eq!(support::text_of(&records[2]).len(), 20_000);
    assert_eq!(texts(&store.read(&id("f"), 0).await.unwrap()), ["c"]);
    assert_eq!(store.next_wake().await.unwrap(), Some(at(70)));
    assert_eq!(
        store.read_log(&id("e"), 0, 0).await.unwrap(),
        [(0, line("one")), (1, line("two"))]
    );
    assert_eq!(store.get(Table::Plans, b"p").await.unwrap(), Some(b"plan".to_vec()));
    assert_eq!(store.get(Table::Components, b"c").await.unwrap(), Some(vec![7; 50_000]));
    let report = store.check().unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(
        (
            report.executions,
            report.records,
            report.log_lines,
            report.values,
            report.wakes
        ),
        (2, 4, 2, 2, 1)
    );
}

#[tokio::test]
async fn everything_is_there_after_reopening_also_what_was_buffered() {
    let (_keep, path) = state();
    for _ in 0..3 {
        let store = open(&path);
        if store.head(&id("e")).await.unwrap().is_none() {
            fill(&store).await;
        }
        assert_filled(&store).await;
    }
}

#[tokio::test]
async fn epochs_go_on_after_reopening() {
    let (_keep, path) = state();
    let first = open(&path).claim().await.unwrap();
    let store = open(&path);
    // Before it claims, a handle has the epoch that was there when it was made.
    assert!(store.put(Table::Plans, b"p", vec![], Expect::Any).await.unwrap());
    let second = store.claim().await.unwrap();
    assert!(first < second);
    assert!(matches!(
        store.append(append(first, "e", 0, &["a"])).await,
        Err(Error::Fenced { .. })
    ));
}

#[tokio::test]
async fn the_directory_is_private_and_in_use_by_a_process() {
    let (_keep, path) = state();
    let store = open(&path);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let refused = SledStore::open(&path, options()).unwrap_err();
    assert!(
        matches!(&refused, Error::InUse { holder: Some(pid), .. } if *pid == std::process::id()),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains(&std::process::id().to_string()),
        "{refused}"
    );
    assert!(matches!(SledStore::compact(&path), Err(Error::InUse { .. })));

    // A handle that is left keeps it; the last one frees it.
    let other = store.clone();
    drop(store);
    assert!(matches!(SledStore::open(&path, options()), Err(Error::InUse { .. })));
    drop(other);
    open(&path);
}

#[tokio::test]
async fn a_lock_file_that_nobody_holds_is_no_lock() {
    let (_keep, path) = state();
    drop(open(&path));
    for left in ["4194304\n", "", "\u{fffd}garbage", "999999999999999999999"] {
        fs::write(path.join("lock"), left).unwrap();
        let store = open(&path);
        assert_eq!(
            fs::read_to_string(path.join("lock")).unwrap().trim(),
            std::process::id().to_string()
        );
        drop(store);
    }
}

#[tokio::test]
async fn a_later_format_is_refused_and_left_as_it_is() {
    let (_keep, path) = state();
    drop(open(&path));
    fs::write(path.join("format"), "3\nother things\n").unwrap();
    for refused in [
        SledStore::open(&path, options()).map(|_| ()),
        SledStore::compact(&path).map(|_| ()),
    ] {
        assert!(
            matches!(refused, Err(Error::Newer { found: 3, known: 2, .. })),
            "{refused:?}"
        );
    }
    assert_eq!(fs::read_to_string(path.join("format")).unwrap(), "3\nother things\n");
    for damaged in ["", "x", "1", "1\nsled", "1\nsled.9"] {
        fs::write(path.join("format"), damaged).unwrap();
        assert!(
            matches!(SledStore::open(&path, options()), Err(Error::Damaged { .. })),
            "{damaged:?}"
        );
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_said_so() {
    let (keep, _) = state();
    let file = keep.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below"), PathBuf::from("/proc/self/state")] {
        let refused = SledStore::open(&path, options()).unwrap_err();
        assert!(matches!(&refused, Error::Directory { .. }), "{refused:?}");
        assert_eq!(refused.code(), "RW-S008");
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_answers_reads() {
    let (_keep, path) = state();
    let store = open(&path);
    fill(&store).await;
    drop(store);
    let store = SledStore::open(
        &path,
        Options {
            reserve_bytes: u64::MAX / 2,
            ..Options::default()
        },
    )
    .unwrap();
    assert!(matches!(store.claim().await, Err(Error::Full { .. })));
    let refused = store.put(Table::Plans, b"new", vec![], Expect::Any).await.unwrap_err();
    assert_eq!(refused.code(), "RW-S007");
    assert_eq!(store.get(Table::Plans, b"new").await.unwrap(), None);
    assert_filled(&store).await;
}

#[tokio::test]
async fn compaction_gives_back_space_and_loses_nothing() {
    let (_keep, path) = state();
    let store = open(&path);
    fill(&store).await;
    let epoch = store.claim().await.unwrap();
    for n in 0..300 {
        store
            .append(append(epoch, &format!("old-{n}"), 0, &["z".repeat(5_000).as_str()]))
            .await
            .unwrap();
    }
    store.sync().await.unwrap();
    for n in 0..300 {
        store.remove(&id(&format!("old-{n}"))).await.unwrap();
    }
    let size = store.size_on_disk().unwrap();
    drop(store);
    let compacted = SledStore::compact(&path).unwrap();
    assert!(compacted.bytes_after < compacted.bytes_before / 2, "{compacted:?}");
    assert!(compacted.bytes_before >= size / 2, "{compacted:?}, and it said {size}");
    let store = open(&path);
    assert_filled(&store).await;
    assert!(epoch < store.claim().await.unwrap());
    drop(store);
    // Once more, over its own result.
    SledStore::compact(&path).unwrap();
    assert_filled(&open(&path)).await;
}

#[tokio::test]
async fn a_compaction_that_was_killed_leaves_the_old_store() {
    let (_keep, path) = state();
    let store = open(&path);
    fill(&store).await;
    drop(store);
    // As far as it may have come: a half-written copy, and a draft of the file that would name it.
    fs::create_dir_all(path.join("sled.2/blobs")).unwrap();
    fs::write(path.join("sled.2/db"), vec![1; 100_000]).unwrap();
    fs::write(path.join("format.new"), "1\nsl").unwrap();
    assert_filled(&open(&path)).await;
    assert!(!path.join("sled.2").exists());
    SledStore::compact(&path).unwrap();

    // Killed after the swap: the old database is still there.
    fs::create_dir_all(path.join("sled.1/blobs")).unwrap();
    assert_filled(&open(&path)).await;
    assert!(!path.join("sled.1").exists());
}

#[tokio::test]
async fn a_store_killed_before_its_format_was_written_opens() {
    let (_keep, path) = state();
    drop(open(&path));
    fs::remove_file(path.join("format")).unwrap();
    let store = open(&path);
    fill(&store).await;
    drop(store);
    assert_filled(&open(&path)).await;
}

const FULL: &str = "RUNWRIGHT_STORE_FULL_DIRECTORY";

/// Runs a test of this binary again, in a process of its own, with a directory.
fn in_a_process(test: &str, directory: &Path) {
    // Without the trap, a file that may not grow is the end of the process.
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FULL, directory)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

/// What a store on a disk that becomes full must do; `set_room` makes it full and gives it room again.
async fn survive_a_full_disk(path: &Path, set_room: impl Fn(bool)) {
    let store = std::sync::Arc::new(open(path));
    let epoch = store.claim().await.unwrap();
    let text = "x".repeat(100_000);
    let mut length = 0;
    for _ in 0..10 {
        let next = durable(append(epoch, "e", length, &[&text]));
        store.append(next).await.unwrap();
        length += 1;
    }
    set_room(false);
    // The first that the disk refuses waits; after it, others are refused and change nothing.
    let stuck = tokio::spawn({
        let (store, text) = (std::sync::Arc::clone(&store), text.clone());
        async move {
            for n in 0.. {
                let name = format!("stuck{n}");
                match store.append(durable(append(epoch, &name, 0, &[&text]))).await {
                    Ok(()) => {}
                    Err(Error::Full { .. }) => return n,
                    Err(other) => panic!("{other}"),
                }
            }
            unreachable!("a full disk takes no more at some time")
        }
    });
    loop {
        match store.append(append(epoch, "e", length, &["small"])).await {
            Ok(()) => length += 1,
            Err(Error::Full { .. }) => break,
            Err(other) => panic!("{other}"),
        }
        tokio::task::yield_now().await;
    }
    // sled answers little after an error, and is opened again when there is room, not before.
    match store.read(&id("e"), 0).await {
        Ok(records) => assert_eq!(records.len() as u64, length),
        Err(Error::Full { .. }) => {}
        Err(other) => panic!("{other}"),
    }
    set_room(true);
    loop {
        match store.append(durable(append(epoch, "e", length, &["again"]))).await {
            Ok(()) => break,
            Err(Error::Full { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
    length += 1;
    stuck.abort();
    let _ = stuck.await;
    assert_eq!(store.check().unwrap().findings, []);
    assert_eq!(store.read(&id("e"), 0).await.unwrap().len() as u64, length);
    drop(store);
    let store = open(path);
    assert_eq!(store.check().unwrap().findings, []);
    assert_eq!(store.read(&id("e"), 0).await.unwrap().len() as u64, length);
}

/// Not a test of its own: a process whose files may not grow, as under a quota. Free space is not a matter then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_under_a_quota() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Some(directory) = std::env::var_os(FULL) else {
        return;
    };
    let path = PathBuf::from(directory).join("state");
    let free = getrlimit(Resource::Fsize);
    survive_a_full_disk(&path.clone(), |has_room| {
        let used = fs::metadata(path.join("sled.1/db")).unwrap().len();
        let current = if has_room { free.current } else { Some(used + 700_000) };
        let limit = Rlimit {
            current,
            maximum: free.maximum,
        };
        setrlimit(Resource::Fsize, limit).unwrap();
    })
    .await;
}

#[test]
fn a_quota_that_is_reached_is_a_state() {
    let directory = tempfile::tempdir().unwrap();
    in_a_process("process_under_a_quota", directory.path());
}

/// Not a test of its own: a process on a file system of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_on_a_small_disk() {
    let Some(directory) = std::env::var_os(FULL) else {
        return;
    };
    let directory = PathBuf::from(directory);
    let ballast = directory.join("ballast");
    survive_a_full_disk(&directory.join("state"), |has_room| {
        if has_room {
            fs::remove_file(&ballast).unwrap();
        } else {
            let mut file = fs::File::create(&ballast).unwrap();
            // All but two MiB, so that it becomes full in the middle of a commit.
            let free = rustix::fs::statvfs(&directory).unwrap();
            let bytes = (free.f_bavail * free.f_frsize).saturating_sub(2 << 20);
            std::io::Write::write_all(&mut file, &vec![1; usize::try_from(bytes).unwrap()]).unwrap();
        }
    })
    .await;
}

#[test]
fn a_disk_that_is_full_is_a_state() {
    let directory = tempfile::tempdir().unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
        .arg(directory.path())
        .output();
    // Only the administrator may mount; for others the quota above stands in.
    if !mount.is_ok_and(|output| output.status.success()) {
        return;
    }
    let test = std::panic::catch_unwind(|| in_a_process("process_on_a_small_disk", directory.path()));
    let unmounted = std::process::Command::new("umount")
        .arg(directory.path())
        .status()
        .unwrap();
    assert!(unmounted.success());
    test.unwrap();
}

/// Changes a stored value below the store, as a bad disk would.
fn with_raw(path: &Path, change: impl FnOnce(&sled::Db)) {
    // A thread of sled may hold the file of a closed database for a moment longer.
    let open = || {
        sled::Config::new()
            .path(path.join("sled.1"))
            .flush_every_ms(None)
            .open()
    };
    let db = std::iter::repeat_with(open).take(100_000).find_map(Result::ok).unwrap();
    change(&db);
    db.flush().unwrap();
}

fn find(db: &sled::Db, prefix: &[u8]) -> (sled::IVec, sled::IVec) {
    db.scan_prefix(prefix).next().unwrap().unwrap()
}

#[tokio::test]
async fn check_and_readers_find_every_kind_of_damage() {
    let prefixes: [&[u8]; 9] = [
        b"c",
        b"je\0\0\0\0\0\0\0\0\0",
        b"je\0\0\0\0\0\0\0\0\x02",
        b"jf\0",
        b"le\0",
        b"m",
        b"ne",
        b"tcc",
        b"tpp",
    ];
    for prefix in prefixes {
        for place in [0, 1, 3, usize::MAX] {
            let (_keep, path) = state();
            let store = open(&path);
            fill(&store).await;
            drop(store);
            with_raw(&path, |db| {
                let (key, value) = find(db, prefix);
                let mut changed = value.to_vec();
                let place = place.min(changed.len() - 1);
                changed[place] ^= 0x10;
                db.insert(key, changed).unwrap();
            });
            let name = format!("{} at {place}", prefix.escape_ascii());
            // The owner's epoch is read when the store opens.
            let store = match SledStore::open(&path, options()) {
                Ok(store) => store,
                Err(Error::Damaged { .. }) if prefix == b"m" => continue,
                Err(other) => panic!("{name}: {other}"),
            };
            let report = store.check().unwrap();
            assert!(!report.findings.is_empty(), "{name} was not found");
            let damaged = |result: Result<(), Error>| matches!(result, Err(Error::Damaged { .. }));
            let seen = [
                damaged(store.read(&id("e"), 0).await.map(|_| ())),
                damaged(store.read(&id("f"), 0).await.map(|_| ())),
                damaged(store.list(Page::default()).await.map(|_| ())),
                damaged(store.read_log(&id("e"), 0, 0).await.map(|_| ())),
                damaged(store.get(Table::Plans, b"p").await.map(|_| ())),
                damaged(store.get(Table::Components, b"c").await.map(|_| ())),
            ];
            assert!(seen.contains(&true), "{name} was answered as data");
        }
    }
}

#[tokio::test]
async fn check_finds_what_is_missing_or_too_much() {
    type Change = fn(&sled::Db);
    let changes: [(&str, Change); 9] = [
        ("a status", |db| drop(db.remove(find(db, b"iif").0).unwrap())),
        ("a status too much", |db| drop(db.insert(b"isf", b"").unwrap())),
        ("the first entry", |db| drop(db.remove(find(db, b"je\0").0).unwrap())),
        ("the last entry", |db| {
            drop(db.remove(b"je\0\0\0\0\0\0\0\0\x02").unwrap())
        }),
        ("an entry too much", |db| {
            let (_, value) = find(db, b"jf\0");
            db.insert(b"jf\0\0\0\0\0\0\0\0\x01", value).unwrap();
        }),
        ("a wake-up", |db| drop(db.remove(find(db, b"w").0).unwrap())),
        ("a wake-up too much", |db| {
            drop(db.insert(b"w\x80\0\0\0\0\0\0\x01f", b"").unwrap())
        }),
        ("a part", |db| drop(db.remove(find(db, b"c").0).unwrap())),
        ("a part too much", |db| {
            drop(db.insert(b"c\0\x02hf\0\0\0\0", b"x").unwrap())
        }),
    ];
    for (name, change) in changes {
        let (_keep, path) = state();
        let store = open(&path);
        fill(&store).await;
        drop(store);
        with_raw(&path, change);
        let store = open(&path);
        assert!(!store.check().unwrap().findings.is_empty(), "{name} was not found");
        let read = [store.read(&id("e"), 0).await, store.read(&id("f"), 0).await];
        if name == "the first entry" || name == "an entry too much" {
            assert!(
                read.iter().any(|read| matches!(read, Err(Error::Damaged { .. }))),
                "{name} was answered as data"
            );
        }
    }
}

#[tokio::test]
async fn a_removal_that_was_interrupted_is_ended_when_the_store_opens() {
    let (_keep, path) = state();
    let store = open(&path);
    fill(&store).await;
    drop(store);
    // The first of its writes alone.
    with_raw(&path, |db| {
        db.remove(b"ne").unwrap();
        db.remove(b"iie").unwrap();
        db.remove(find(db, b"w").0).unwrap();
        db.insert(b"xe", b"").unwrap();
    });
    let store = open(&path);
    let report = store.check().unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(
        (report.executions, report.records, report.log_lines, report.values),
        (1, 1, 0, 2)
    );
}

/// Format 1 had no index of statuses. Programs of format 1 may have written after an interrupted upgrade.
#[tokio::test]
async fn a_directory_of_format_1_gets_its_index_of_statuses() {
    let (_keep, path) = state();
    let store = open(&path);
    fill(&store).await;
    store.remove(&id("f")).await.unwrap();
    drop(store);
    with_raw(&path, |db| {
        db.remove(b"iie").unwrap();
        db.insert(b"ise", b"").unwrap();
    });
    fs::write(path.join("format"), "1\nsled.1\n").unwrap();
    assert!(SledStore::compact(&path).unwrap().cells > 0);
    assert!(fs::read_to_string(path.join("format")).unwrap().starts_with("1\n"));
    let store = open(&path);
    assert_eq!(store.check().unwrap().findings, []);
    let page = Page {
        statuses: vec![runwright_model::status::Status::InProgress],
        ..Page::default()
    };
    assert_eq!(store.list(page).await.unwrap().len(), 1);
    assert!(fs::read_to_string(path.join("format")).unwrap().starts_with("2\n"));
}

/// sled never syncs a page that it puts into a file of its own, so there should be none.
#[tokio::test]
async fn no_page_becomes_so_large_that_it_leaves_the_database_file() {
    let (_keep, path) = state();
    let store = open(&path);
    let epoch = store.claim().await.unwrap();
    let text = "t".repeat(4_000);
    for n in 0..400 {
        // Long keys and values of the largest cell, in an order that splits and merges pages.
        let key = format!("{:0>1000}", n * 37 % 400);
        store
            .put(Table::Parameters, key.as_bytes(), vec![1; 4_091], Expect::Any)
            .await
            .unwrap();
        store
            .append(durable(append(epoch, &format!("{:0>128}", n % 9), n / 9, &[&text])))
            .await
            .unwrap();
    }
    store
        .put(Table::Components, b"large", vec![2; 3_000_000], Expect::Any)
        .await
        .unwrap();
    store.sync().await.unwrap();
    let long_names = fs::read_dir(path.join("sled.1/blobs")).unwrap().count();
    assert_eq!(long_names, 0);
}
