//! The boundary against components that nobody wrote: core modules with arbitrary bodies that import and export what
//! the world's plugins do, and real components with bytes changed. Whatever they are, the host neither panics nor
//! hangs nor grows, and says something readable.
//!
//! In the tests a few fixed seeds run, over the modules in `generated/`. `cargo xtask fuzz` runs this file with new
//! seeds for a share of its time: `RUNWRIGHT_FUZZ_SECONDS` says how long, `RUNWRIGHT_FUZZ_SEED` where to begin, and
//! `RUNWRIGHT_FUZZ_MODULES` names the program of `engine/fuzz` that makes a module from a seed. A failure prints the seed
//! that made it; with that seed, the first input is the one that failed.

#![expect(
    clippy::print_stderr,
    reason = "the seed of an input that fails, from a thread or while panicking"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use fastrand::Rng;
use runwright_host::{Host, Limits};
use runwright_model::{
    capability::{Answer, Error, Request, blobs, files, parameters},
    event::Phase,
    invocation::{Called, Done, Invocation, Invoked, Invoker},
};
use runwright_testguest::COMPONENT;
use serde_json::{Value, json};

use crate::{
    common::{Script, invocation, outputs, run, uncached},
    guest::{self, Guest},
};

/// Inputs of a test run; a seed each.
const INPUTS: u64 = 40;
/// An input that takes longer hangs: its limits are reached a hundred times sooner.
const HANGS: Duration = Duration::from_secs(60);
/// What the process may hold after a run of its own, whatever it was given.
const RESIDENT_BYTES_MAX: u64 = 1 << 30;

fn limits() -> Limits {
    Limits {
        call_cpu_ms: 200,
        memory_bytes: 8 << 20,
        argument_bytes: 1 << 20,
        sent_bytes: 4 << 20,
        calls: 100,
        ..Limits::default()
    }
}

/// What became of the inputs.
#[derive(Debug, Default)]
struct Tally {
    /// By code.
    refused: BTreeMap<&'static str, u32>,
    failed: u32,
    returned: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_that_nobody_wrote() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("RUNWRIGHT_FUZZ_SECONDS");
    let first = number("RUNWRIGHT_FUZZ_SEED").unwrap_or(1);
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (host, shapes) = (uncached(limits()), Shapes::new());
    let mut tally = Tally::default();
    let mut seed = first;
    while until.map_or(seed < first + INPUTS, |until| Instant::now() < until) {
        let _watch = Watch::over(seed);
        one(&host, &shapes, seed, &mut tally).await;
        seed += 1;
    }
    outputs(run(&host, &Script::done(), json!({"do": "echo"})).await);
    let resident = resident_bytes();
    let inputs = seed - first;
    eprintln!(
        "{inputs} inputs from seed {first}: {tally:?}; at most {} MiB resident",
        resident >> 20
    );
    if seconds.is_some() {
        assert!(resident < RESIDENT_BYTES_MAX, "{resident} bytes resident");
    } else {
        assert!(
            !tally.refused.is_empty() && tally.failed > 0 && tally.returned > 0,
            "{tally:?}"
        );
    }
}

/// Makes an input, loads it, and calls whatever can be called.
async fn one(host: &Host, shapes: &Shapes, seed: u64, tally: &mut Tally) {
    let mut rng = Rng::with_seed(seed);
    let bytes = if rng.bool() {
        shapes.generated(&mut rng)
    } else {
        shapes.changed(&mut rng)
    };
    let component = match host.load(bytes).await {
        Ok(component) => component,
        Err(error) => {
            assert_readable(&error.to_string());
            *tally.refused.entry(error.code()).or_default() += 1;
            return;
        }
    };
    if let Err(error) = host.describe(&component).await {
        assert_readable(&error.to_string());
    }
    for phase in [Phase::Run, Phase::Rollback] {
        let mut call = Invocation {
            component,
            done: (phase == Phase::Rollback).then(Done::default),
            ..invocation(inputs(&mut rng))
        };
        call.of.phase = phase;
        match host.invoke(call, answering(rng.fork())).await {
            Invoked::Failed(failure) => {
                assert_readable(&failure.message);
                tally.failed += 1;
            }
            Invoked::Returned(_) => tally.returned += 1,
            Invoked::Suspended => {}
        }
    }
}

fn assert_readable(reason: &str) {
    assert!(reason.len() < 64 * 1024, "{} bytes: {reason:.500}", reason.len());
    assert!(
        !reason.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')),
        "{reason:?}"
    );
}

/// For the guest that does what its inputs say, something that it ends by itself.
fn inputs(rng: &mut Rng) -> Value {
    let choices = ["echo", "log", "random", "world", "many-calls", "panic", "clock"];
    json!({"do": choices[rng.usize(..choices.len())], "times": 3, "text": "x"})
}

/// Answers of all kinds, often of the wrong one.
fn answering(mut rng: Rng) -> Arc<Script> {
    let seed = rng.u64(..);
    let counter = AtomicU64::new(seed);
    Script::new(move |request: &Request| {
        let mut rng = Rng::with_seed(counter.fetch_add(1, SeqCst));
        let fitting = match request {
            Request::Blobs(blobs::Request::Size { .. }) => Answer::Blobs(blobs::Answer::Size(rng.u64(..))),
            Request::Blobs(_) => Answer::Blobs(blobs::Answer::Name("n".repeat(rng.usize(..5_000)))),
            Request::Files(files::Request::Read { .. }) => {
                Answer::Files(files::Answer::Contents(vec![7; rng.usize(..100_000)].into()))
            }
            Request::Files(files::Request::ListDirectory { .. }) => {
                Answer::Files(files::Answer::Names(vec!["é".repeat(9); rng.usize(..500)]))
            }
            Request::Parameters(parameters::Request::Reveal { .. }) => {
                Answer::Parameters(parameters::Answer::Revealed("\0".repeat(rng.usize(..100))))
            }
            _ => Answer::Done,
        };
        match rng.u8(..8) {
            0 => Called::Suspended,
            1 => Called::Answered(Err(Error::Invalid("no".repeat(rng.usize(..1_000))))),
            _ => Called::Answered(Ok(fitting)),
        }
    })
}

/// What inputs are made from.
struct Shapes {
    generator: Option<PathBuf>,
    /// Generated modules that are kept.
    modules: Vec<Vec<u8>>,
    good: Vec<Vec<u8>>,
}

impl Shapes {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generated");
        let mut kept: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        kept.sort();
        let logs = "(call $log (i32.const 1) (i32.const 2048) (i32.const 9)) (i32.const 512)";
        let good = vec![
            Guest::new().component(),
            Guest::new().logs().run(logs).component(),
            COMPONENT.to_vec(),
        ];
        Self {
            generator: std::env::var_os("RUNWRIGHT_FUZZ_MODULES").map(PathBuf::from),
            modules: kept.iter().map(|path| fs::read(path).unwrap()).collect(),
            good,
        }
    }

    /// Arbitrary bodies behind the names that a plugin exports.
    fn generated(&self, rng: &mut Rng) -> Vec<u8> {
        let module = match &self.generator {
            Some(generator) => {
                let made = Command::new(generator).arg(rng.u64(..).to_string()).output().unwrap();
                assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
                made.stdout
            }
            None => self.modules[rng.usize(..self.modules.len())].clone(),
        };
        guest::component(&module)
    }

    /// A component that works, with some bytes changed, taken out, put in or cut off, or none: some must return whatever the
    /// compilers make of the others.
    fn changed(&self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.good[rng.usize(..self.good.len())].clone();
        for _ in 0..rng.usize(0..4) {
            let at = rng.usize(8..bytes.len());
            match rng.u8(..32) {
                // What moves the bytes behind it hardly ever gets past the first look.
                0 => bytes.truncate(at.max(9)),
                1 => bytes.insert(at, rng.u8(..)),
                2 => drop(bytes.remove(at)),
                3..8 => bytes[at] = [0, 0x7f, 0x80, 0xff][rng.usize(..4)],
                _ => bytes[at] ^= 1 << rng.u8(..8),
            }
        }
        bytes
    }
}

/// Names the seed when its input panics, and ends the process when it hangs.
struct Watch {
    seed: u64,
    over: std::sync::mpsc::Sender<()>,
}

impl Watch {
    fn over(seed: u64) -> Self {
        let (over, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            if ended.recv_timeout(HANGS) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                eprintln!("the input of seed {seed} hangs: RUNWRIGHT_FUZZ_SEED={seed}");
                std::process::abort();
            }
        });
        Self { seed, over }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input that failed: RUNWRIGHT_FUZZ_SEED={}", self.seed);
        }
        let _ = self.over.send(());
    }
}

/// The most that this process ever had in memory.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}
