//! Kills a process that writes, many times, and looks at what is left.
//!
//! The process that is killed is this test binary itself, started again with a variable that names the
//! directory. It prints what was acknowledged; what it printed must be there afterwards.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use runwright_store::{Options, SledStore, Store};
use support::{
    append, durable, id,
    writers::{self, Answered, WRITERS},
};

const DIRECTORY: &str = "RUNWRIGHT_STORE_CRASH_DIRECTORY";
const KILLS: usize = 20;

fn options() -> Options {
    Options {
        reserve_bytes: 0,
        cache_bytes: 1 << 20,
        ..Options::default()
    }
}

/// Starts this binary again as one of the writers below.
fn start(writer: &str, directory: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", writer, "--nocapture"]);
    command
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: the process that is killed.
#[test]
fn writer_that_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Arc::new(SledStore::open(directory, options()).unwrap());
        let epoch = store.claim().await.unwrap();
        let answered = writers::answered(&store).await;
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
                tokio::spawn(writers::write(writer, store, epoch, answered, usize::MAX))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn look(store: &SledStore, lengths: &BTreeMap<usize, u64>) {
    assert_eq!(writers::faults(store, lengths).await, [""; 0]);
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9_with_all_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut lengths = BTreeMap::new();
    for kill in 0..KILLS {
        let mut child = start("writer_that_is_killed", &path);
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        // Another moment each time: between the first acknowledgement and some hundreds later.
        let until = 1 + kill * 7_919 % 400;
        let mut lines: Vec<String> = output
            .by_ref()
            .filter(|line| line.starts_with("acknowledged"))
            .take(until)
            .collect();
        assert_eq!(lines.len(), until, "the writer ended by itself");
        child.kill().unwrap();
        lines.extend(output);
        child.wait().unwrap();
        for line in &lines {
            writers::acknowledged(line, &mut lengths);
        }
        let store = SledStore::open(&path, options()).unwrap();
        look(&store, &lengths).await;
    }
    SledStore::compact(&path).unwrap();
    look(&SledStore::open(&path, options()).unwrap(), &lengths).await;
}

/// Not a test of its own: the process that may not write files beyond some size.
#[test]
fn writer_on_a_disk_that_fills_up() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Arc::new(SledStore::open(directory, options()).unwrap());
        let epoch = store.claim().await.unwrap();
        let answered: Answered = Arc::new(Mutex::new(vec![0]));
        // The append that the disk refuses waits for room.
        tokio::spawn({
            let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
            async move {
                for length in 0.. {
                    let next = durable(append(epoch, "e", length, &["f".repeat(3_000).as_str()]));
                    store.append(next).await.unwrap();
                    answered.lock().unwrap()[0] = length + 1;
                }
            }
        });
        let error = loop {
            match store.append(append(epoch, "other", 0, &[])).await {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        };
        let length = answered.lock().unwrap()[0];
        println!("\nfull {length} {}", error.code());
        // Ended while it is full: what counts is on the disk.
        std::process::exit(0);
    });
}

#[tokio::test]
async fn a_disk_that_fills_up_loses_nothing_and_hangs_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    drop(SledStore::open(&path, options()).unwrap());
    // A limit on the size of files gives the same kind of error as a full disk, without filling one.
    let script = "trap '' XFSZ; ulimit -f 6000; exec \"$0\" --exact writer_on_a_disk_that_fills_up --nocapture";
    let output = Command::new("sh")
        .args(["-c", script, std::env::current_exe().unwrap().to_str().unwrap()])
        .env(DIRECTORY, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = text
        .lines()
        .find_map(|line| line.strip_prefix("full "))
        .unwrap_or_else(|| panic!("{output:?}"))
        .split(' ')
        .collect();
    let length: u64 = words[0].parse().unwrap();
    assert_eq!(words[1..], ["RW-S007"]);
    assert!(length > 10, "{length}");
    let store = SledStore::open(&path, options()).unwrap();
    assert!(store.head(&id("e")).await.unwrap().unwrap().length >= length);
    assert_eq!(store.check().unwrap().findings, []);
    let epoch = store.claim().await.unwrap();
    store
        .append(durable(append(epoch, "after", 0, &["room again"])))
        .await
        .unwrap();
}
