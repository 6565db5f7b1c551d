//! Cuts the power of a process that writes, many times, and looks at what a disk may have kept.
//!
//! The process is this test binary itself, started again with a shim that writes down what it does to its files
//! (`shim.c`, compiled here). From that the directory is made as it may be after a cut at any moment (`disk.rs`), and
//! opened. Then the process goes on in what is left.
//!
//! `RUNWRIGHT_POWER_SEEDS=1..200` tries these seeds instead of some; `RUNWRIGHT_POWER_CUTS` is how many cuts of each run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod disk;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use disk::{Entry, Left};
use fastrand::Rng;
use runwright_store::{Epoch, Expect, Options, SledStore, Store, Table};
use support::{append, durable, id, line, writers};

const DIRECTORY: &str = "RUNWRIGHT_POWER_ROOT";
const LOG: &str = "RUNWRIGHT_POWER_LOG";
/// How often the process goes on in what a cut left.
const LIVES: u64 = 3;

fn options() -> Options {
    Options {
        reserve_bytes: 0,
        cache_bytes: 1 << 20,
        ..Options::default()
    }
}

/// Not a test of its own: the process whose power is cut.
#[test]
fn writer_whose_power_is_cut() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Arc::new(SledStore::open(Path::new(&directory).join("state"), options()).unwrap());
        let epoch = store.claim().await.unwrap();
        let answered = writers::answered(&store).await;
        let mut tasks: Vec<_> = (0..writers::WRITERS)
            .map(|writer| {
                let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
                tokio::spawn(writers::write(writer, store, epoch, answered, 60))
            })
            .collect();
        tasks.push(tokio::spawn(churn(Arc::clone(&store), epoch)));
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Makes garbage, so that the database uses its file again: executions that come and go, values that change, and
/// much at once that nobody waits for.
async fn churn(store: Arc<SledStore>, epoch: Epoch) {
    for round in 0..12_u64 {
        for n in 0..24_u64 {
            let name = format!("churn-{round}-{n}");
            // A cut may have left it.
            store.remove(&id(&name)).await.unwrap();
            store
                .append(append(epoch, &name, 0, &["c".repeat(4_000).as_str()]))
                .await
                .unwrap();
            store.append_log(&id(&name), vec![line("a line")]).await.unwrap();
            let value = vec![u8::try_from(round).unwrap(); 3_000];
            store
                .put(Table::Settings, format!("s{n}").as_bytes(), value, Expect::Any)
                .await
                .unwrap();
        }
        for n in 0..24_u64 {
            store.remove(&id(&format!("churn-{round}-{n}"))).await.unwrap();
        }
        let name = format!("kept-{round}");
        let head = store.head(&id(&name)).await.unwrap().map_or(0, |head| head.length);
        store.append(durable(append(epoch, &name, head, &["x"]))).await.unwrap();
    }
}

fn shim(folder: &Path) -> PathBuf {
    let shim = folder.join("shim.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/shim.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&shim, &source])
        .status()
        .unwrap();
    assert!(compiled.success(), "the shim does not compile");
    shim
}

/// Runs the process on the disk `root` to its end; answers what it did.
fn live(folder: &Path, root: &Path) -> Vec<Entry> {
    let log = folder.join("log");
    // The last life's log is not there before the first.
    let _ = std::fs::remove_file(&log);
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer_whose_power_is_cut", "--nocapture"])
        .env("LD_PRELOAD", folder.join("shim.so"))
        .env(DIRECTORY, root)
        .env(LOG, &log)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    disk::entries(&log)
}

/// What was printed before a cut, laid over what was acknowledged before.
fn acknowledged(before: &BTreeMap<usize, u64>, log: &[Entry]) -> BTreeMap<usize, u64> {
    let mut lengths = before.clone();
    for printed in log.iter().filter_map(Entry::printed).flat_map(str::lines) {
        writers::acknowledged(printed, &mut lengths);
    }
    lengths
}

/// Where the power is cut: anywhere, or right after something was acknowledged.
fn moment(log: &[Entry], chance: &mut Rng) -> usize {
    let any = chance.usize(..=log.len());
    if chance.bool() {
        return any;
    }
    let next = log[any..].iter().position(|entry| entry.printed().is_some());
    next.map_or(any, |next| any + next + 1)
}

/// What is wrong in the store on this disk.
async fn faults(root: &Path, lengths: &BTreeMap<usize, u64>) -> Vec<String> {
    match SledStore::open(root.join("state"), options()) {
        Ok(store) => writers::faults(&store, lengths).await,
        Err(error) => vec![format!("it does not open: {error}")],
    }
}

/// The cuts of one seed: how many there were of each kind, and what was wrong after them.
async fn cut(seed: u64, cuts: usize, found: &mut BTreeMap<String, (usize, usize)>) -> Vec<String> {
    let mut chance = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    shim(folder.path());
    let root = folder.path().join("disk");
    std::fs::create_dir(&root).unwrap();
    let (mut lengths, mut all) = (BTreeMap::new(), Vec::new());
    for life in 0..LIVES {
        let before = disk::files(&root);
        let log = live(folder.path(), &root);
        let everything = disk::cut(&before, &log, log.len(), Left::Everything, &mut chance);
        assert!(everything == disk::files(&root), "the shim has missed something");
        let mut survivor = None;
        for n in 0..cuts {
            let (at, left) = (moment(&log, &mut chance), Left::ALL[n % Left::ALL.len()]);
            let lengths = acknowledged(&lengths, &log[..at]);
            let files = disk::cut(&before, &log, at, left, &mut chance);
            disk::lay_out(&files, &root);
            let faults = faults(&root, &lengths).await;
            let count = found.entry(format!("{left:?}")).or_default();
            count.0 += 1;
            if faults.is_empty() {
                survivor = Some((files, lengths));
            } else {
                count.1 += 1;
                all.push(format!(
                    "seed {seed}, life {life}, cut {n} at {at} of {}, {left:?} left: {faults:#?}",
                    log.len()
                ));
            }
        }
        let Some((files, acknowledged)) = survivor else {
            return all;
        };
        disk::lay_out(&files, &root);
        lengths = acknowledged;
    }
    all
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_cut_with_all_before_it() {
    let number = |name: &str| std::env::var(name).ok();
    let seeds: Range<u64> = number("RUNWRIGHT_POWER_SEEDS").map_or(1..3, |text| {
        let (first, last) = text.split_once("..").unwrap();
        first.parse().unwrap()..last.parse().unwrap()
    });
    let cuts = number("RUNWRIGHT_POWER_CUTS").map_or(18, |text| text.parse().unwrap());
    let (mut found, mut all) = (BTreeMap::new(), Vec::new());
    for seed in seeds {
        all.extend(cut(seed, cuts, &mut found).await);
    }
    assert!(all.is_empty(), "{}\ncuts and faults: {found:?}", all.join("\n"));
}
