//! How many appends the store on disk takes, beside what the disk itself takes in the same minute.
//!
//! `cargo run --release -p runwright-store --example rates -- DIRECTORY [SECONDS]`. A disk shared with others
//! differs twentyfold from one minute to the next, so only the ratio to the raw probe beside it means much.
#![expect(clippy::print_stdout, reason = "the figures are the result")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on may panic")]

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use runwright_model::{
    event::{Event, Record},
    status::Status,
    summary::Summary,
    time::Timestamp,
};
use runwright_store::{Append, Durability, Epoch, Options, SledStore, Store};

const WRITERS: usize = 64;
const RECORD_BYTES: usize = 512;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("say in which directory to write"));
    let seconds = arguments
        .next()
        .map_or(1.0, |text| text.parse().expect("seconds are a number"));
    let time = Duration::from_secs_f64(seconds);
    std::fs::create_dir_all(&directory).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let path = directory.join("state");
    let store = Arc::new(SledStore::open(&path, Options::default()).unwrap());
    let epoch = runtime.block_on(store.claim()).unwrap();
    for round in 0..3 {
        println!("round {round}");
        raw_single(&directory, time);
        let run = Run {
            store: Arc::clone(&store),
            epoch,
            time,
            name: format!("r{round}"),
        };
        runtime.block_on(run.measure("store, durable", 1, Durability::Durable));
        raw_group(&directory, time);
        runtime.block_on(run.measure("store, durable", WRITERS, Durability::Durable));
        runtime.block_on(run.measure("store, buffered", 1, Durability::Buffered));
        runtime.block_on(run.measure("store, buffered", WRITERS, Durability::Buffered));
        runtime.block_on(run.reads());
    }
    println!("on disk: {} MiB", store.size_on_disk().unwrap() >> 20);
    drop(store);
    let begin = Instant::now();
    let store = SledStore::open(&path, Options::default()).unwrap();
    println!("reopened in {:?}", begin.elapsed());
    drop(store);
    let begin = Instant::now();
    let store = SledStore::open(&path, Options::default()).unwrap();
    println!("reopened again in {:?}", begin.elapsed());
    drop(store);
}

struct Run {
    store: Arc<SledStore>,
    epoch: Epoch,
    time: Duration,
    name: String,
}

impl Run {
    async fn measure(&self, what: &str, writers: usize, durability: Durability) {
        let begin = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (store, epoch, time) = (Arc::clone(&self.store), self.epoch, self.time);
                let name = format!("{}-{writers}-{durability:?}-{writer}", self.name);
                tokio::spawn(async move {
                    let mut latencies = Vec::new();
                    while begin.elapsed() < time {
                        let began = Instant::now();
                        store
                            .append(append(epoch, &name, latencies.len() as u64, durability))
                            .await
                            .unwrap();
                        latencies.push(began.elapsed());
                    }
                    latencies
                })
            })
            .collect();
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await.unwrap());
        }
        report(&format!("{what}, {writers} writers"), begin.elapsed(), latencies);
    }

    /// Reads back the journals of the single writers, whole.
    async fn reads(&self) {
        let begin = Instant::now();
        let mut records = 0;
        for writer in 0..WRITERS {
            let name = format!("{}-{WRITERS}-Durable-{writer}", self.name);
            records += self.store.read(&name.parse().unwrap(), 0).await.unwrap().len();
        }
        println!(
            "  {:<34} {:>9.0} records/s",
            "read",
            records as f64 / begin.elapsed().as_secs_f64()
        );
    }
}

fn append(epoch: Epoch, name: &str, expected: u64, durability: Durability) -> Append {
    let at = Timestamp::from_millis(1_700_000_000_000);
    // With names and numbers, the encoded record has about `RECORD_BYTES`.
    let event = Event::RollbackStarted {
        reason: "x".repeat(RECORD_BYTES - 60),
        to: None,
    };
    Append {
        execution: name.parse().unwrap(),
        expected,
        epoch,
        records: [Record {
            sequence: expected,
            at,
            event,
        }]
        .into(),
        summary: Summary {
            runbook: "rates".to_owned(),
            status: Status::InProgress,
            by: "bench".to_owned(),
            started: at,
            ended: None,
            parent: None,
            waiting: None,
        },
        wake: None,
        durability,
    }
}

fn raw_single(directory: &Path, time: Duration) {
    let mut file = File::create(directory.join("raw")).unwrap();
    let (begin, mut latencies) = (Instant::now(), Vec::new());
    while begin.elapsed() < time {
        let began = Instant::now();
        file.write_all(&[7; RECORD_BYTES]).unwrap();
        file.sync_data().unwrap();
        latencies.push(began.elapsed());
    }
    report("raw append + fdatasync, 1 writer", begin.elapsed(), latencies);
}

/// 64 threads append to one file; one of them at a time calls fdatasync for all that wait.
fn raw_group(directory: &Path, time: Duration) {
    #[derive(Default)]
    struct Group {
        written: u64,
        synced: u64,
        leading: bool,
    }
    let file = Arc::new(File::create(directory.join("raw-group")).unwrap());
    let group = Arc::new((Mutex::new(Group::default()), Condvar::new()));
    let over = Arc::new(AtomicBool::new(false));
    let begin = Instant::now();
    let threads: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (file, group, over) = (Arc::clone(&file), Arc::clone(&group), Arc::clone(&over));
            std::thread::spawn(move || {
                let mut latencies = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let mut state = group.0.lock().unwrap();
                    (&*file).write_all(&[7; RECORD_BYTES]).unwrap();
                    state.written += 1;
                    let mine = state.written;
                    while state.synced < mine {
                        if state.leading {
                            state = group.1.wait(state).unwrap();
                            continue;
                        }
                        state.leading = true;
                        let upto = state.written;
                        drop(state);
                        file.sync_data().unwrap();
                        state = group.0.lock().unwrap();
                        state.synced = upto;
                        state.leading = false;
                        group.1.notify_all();
                    }
                    latencies.push(began.elapsed());
                }
                latencies
            })
        })
        .collect();
    std::thread::sleep(time);
    over.store(true, Ordering::Relaxed);
    let latencies = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    report(
        &format!("raw append + fdatasync, {WRITERS} writers"),
        begin.elapsed(),
        latencies,
    );
}

fn report(what: &str, time: Duration, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let rate = latencies.len() as f64 / time.as_secs_f64();
    let at = |share: f64| {
        latencies
            .get((latencies.len() as f64 * share) as usize)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "  {what:<34} {rate:>9.0}/s  p50 {:>9.1?}  p99 {:>9.1?}",
        at(0.5),
        at(0.99)
    );
}
