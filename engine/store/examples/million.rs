//! What a store of a million executions costs: opening it, finding what has not ended, a page of a list, a
//! durable append; and how large a directory becomes in which executions come and go.
//!
//! `cargo run --release -p runwright-store --example million -- DIRECTORY [EXECUTIONS]` fills a store and measures
//! it; `… -- DIRECTORY EXECUTIONS churn [KEPT]` appends, finishes and removes so many, with KEPT there at a time.
#![expect(clippy::print_stdout, reason = "the figures are the result")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on may panic")]

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use runwright_model::{
    event::{Event, Record},
    id::ExecutionId,
    log::{Level, LogLine, Stream},
    status::Status,
    summary::Summary,
    time::Timestamp,
};
use runwright_store::{Append, Durability, Epoch, Options, Page, SledStore, Store};

const RECORD_BYTES: usize = 256;
/// One of so many has not ended, and one of so many waits for a time.
const UNFINISHED: u64 = 10_000;
const WAKING: u64 = 1_000;
const APPENDS: usize = 2_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("say in which directory to write"));
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().unwrap_or(0));
    let executions = number(1_000_000);
    let is_churn = arguments.next().is_some_and(|word| word == "churn");
    let kept = arguments.next().map_or(1_000, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    if is_churn {
        runtime.block_on(churn(&directory, executions, kept));
    } else {
        runtime.block_on(measure(&directory, executions));
    }
}

async fn measure(directory: &Path, executions: u64) {
    let fresh = directory.join("fresh");
    let store = open("an empty store", &fresh);
    let epoch = store.claim().await.unwrap();
    let full = directory.join("full");
    let large = open("an empty store", &full);
    let large_epoch = large.claim().await.unwrap();
    let begin = Instant::now();
    for n in 0..executions {
        let status = if n % UNFINISHED == 7 {
            Status::Waiting
        } else {
            Status::Success
        };
        let wake = n.is_multiple_of(WAKING).then(|| at(n));
        let mut first = append(large_epoch, &id(n), 0, Status::InProgress);
        first.wake = wake;
        large.append(first).await.unwrap();
        let mut second = append(large_epoch, &id(n), 1, status);
        second.wake = wake;
        large.append(second).await.unwrap();
    }
    large.sync().await.unwrap();
    println!(
        "{executions} executions of two records written in {:?}",
        begin.elapsed()
    );
    for round in 0..3 {
        steps(&format!("fresh, round {round}"), &store, epoch, round).await;
        steps(&format!("full, round {round}"), &large, large_epoch, round).await;
    }
    drop(large);
    for _ in 0..2 {
        let large = open("the full store", &full);
        let begin = Instant::now();
        let unfinished = list(&large, &[Status::InProgress, Status::Waiting], 0).await;
        println!("  {unfinished} unfinished found in {:?}", begin.elapsed());
        let begin = Instant::now();
        let due = large.due(at(executions), 0).await.unwrap().len();
        println!("  {due} due found in {:?}", begin.elapsed());
        let begin = Instant::now();
        list(&large, &[], 1_000).await;
        println!("  a page of 1,000 in {:?}", begin.elapsed());
        println!("  resident: {} MiB", resident_bytes() >> 20);
        println!("  on disk: {} MiB", large.size_on_disk().unwrap() >> 20);
    }
}

async fn list(store: &SledStore, statuses: &[Status], most: usize) -> usize {
    let page = Page {
        most,
        statuses: statuses.to_vec(),
        ..Page::default()
    };
    store.list(page).await.unwrap().len()
}

fn open(what: &str, path: &Path) -> SledStore {
    let begin = Instant::now();
    let store = SledStore::open(path, Options::default()).unwrap();
    println!("{what} opened in {:?}", begin.elapsed());
    store
}

/// Durable appends one after the other, each to an execution that is under way.
async fn steps(what: &str, store: &SledStore, epoch: Epoch, round: usize) {
    let execution: ExecutionId = format!("steps-{round}").parse().unwrap();
    let mut took = Vec::with_capacity(APPENDS);
    for n in 0..APPENDS as u64 {
        let mut append = append(epoch, &execution, n, Status::InProgress);
        append.durability = Durability::Durable;
        let begin = Instant::now();
        store.append(append).await.unwrap();
        took.push(begin.elapsed());
    }
    took.sort_unstable();
    let all: Duration = took.iter().sum();
    println!(
        "{what}: a durable append p50 {:?}, mean {:?}",
        took[APPENDS / 2],
        all / APPENDS as u32
    );
}

/// Executions come, say something, end, and go.
async fn churn(directory: &Path, executions: u64, kept: u64) {
    let path = directory.join("churn");
    let store = open("an empty store", &path);
    let epoch = store.claim().await.unwrap();
    let begin = Instant::now();
    for n in 0..executions {
        let id_now = id(n);
        store
            .append(append(epoch, &id_now, 0, Status::InProgress))
            .await
            .unwrap();
        store.append_log(&id_now, vec![line(n)]).await.unwrap();
        let mut last = append(epoch, &id_now, 1, Status::Success);
        // A hundred ride together, as in a busy engine.
        if n.is_multiple_of(100) {
            last.durability = Durability::Durable;
        }
        store.append(last).await.unwrap();
        if n >= kept {
            store.remove(&id(n - kept)).await.unwrap();
        }
        if n % (executions / 20).max(1) == 0 {
            let disk = store.size_on_disk().unwrap() >> 20;
            println!(
                "{n}: {disk} MiB on disk, {} MiB resident, {:?}",
                resident_bytes() >> 20,
                begin.elapsed()
            );
        }
    }
    store.sync().await.unwrap();
    println!(
        "after {executions}: {} MiB on disk, {:?}",
        store.size_on_disk().unwrap() >> 20,
        begin.elapsed()
    );
    drop(store);
    for _ in 0..2 {
        let store = open("the store after the churn", &path);
        println!("  {} MiB on disk", store.size_on_disk().unwrap() >> 20);
    }
    let begin = Instant::now();
    println!("{:?} in {:?}", SledStore::compact(&path).unwrap(), begin.elapsed());
    drop(open("the store after compaction", &path));
}

fn id(n: u64) -> ExecutionId {
    // As generated ids: sorted by time, with a random tail.
    let tail = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{n:012x}-7000-8000-{:012x}", tail & 0xffff_ffff_ffff)
        .parse()
        .unwrap()
}

fn at(n: u64) -> Timestamp {
    Timestamp::from_millis(1_763_750_000_000 + i64::try_from(n).unwrap())
}

fn line(n: u64) -> LogLine {
    LogLine {
        at: at(n),
        step: "drain".to_owned(),
        attempt: 1,
        level: Level::Info,
        stream: Stream::Stdout,
        text: "x".repeat(80),
    }
}

fn append(epoch: Epoch, execution: &ExecutionId, expected: u64, status: Status) -> Append {
    Append {
        execution: execution.clone(),
        expected,
        epoch,
        records: [Record {
            sequence: expected,
            at: at(expected),
            event: Event::RollbackStarted {
                reason: "x".repeat(RECORD_BYTES),
                to: None,
            },
        }]
        .into(),
        summary: Summary {
            runbook: "rotate-keys".to_owned(),
            status,
            by: "ann".to_owned(),
            started: at(0),
            ended: status.is_final().then(|| at(1)),
            parent: None,
            waiting: None,
        },
        wake: None,
        durability: Durability::Buffered,
    }
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
