//! Compiling a component in a process of its own, with limits and without rights.
//!
//! A compiler is a large program that a stranger's bytes are fed to. In a process of its own it can neither take the engine's
//! memory and time nor end the engine, and while it works it has nothing within reach: no network, no secrets, no journal.
//!
//! What this does not do: it does not make the compiled code trustworthy. Whoever finds a mistake in the compiler that lets
//! a component run code inside it can also choose what the compiler answers, and that is mapped and called in the engine.
//! Nothing can tell such an answer from a good one but compiling again. It is kept under the component's own digest only,
//! so it never becomes the code of another component; and it must be whole and of this engine's configuration.

mod child;

use std::{
    io::{self, Read, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use runwright_model::digest::Digest;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::{Error, Limits, trap};

/// The first argument that makes a program compile a component and do nothing else.
pub const COMPILE: &str = "__compile";

/// The allocator that `runwright` has would else reserve a gibibyte as it starts, before the limit is set, and so have a
/// gibibyte more than the limit says.
const RESERVE_NOTHING: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "0");
/// The most bytes of the compiler's words that are read and shown.
const WORDS_BYTES: u64 = 4096;
/// Bytes before the compiled component: the name of the configuration, and the digest of what follows.
const HEAD_BYTES: usize = 16 + 64;
/// The exit code with which the compiler says that the component is broken.
const BROKEN: u8 = 3;
/// The signals of a time limit and of an abort. The same on every Linux.
const SIGXCPU: i32 = 24;
const SIGABRT: i32 = 6;

/// The program that becomes the compiler: one that calls [`compile_if_asked`] before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    program: PathBuf,
}

/// Compiles a component if the engine started this program for that, and answers the exit code to end with. To be called
/// at the very start of `main`, before threads and files: everything else this program does is not wanted then.
#[must_use]
pub fn compile_if_asked() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    let asked = words.next().is_some_and(|word| word == COMPILE);
    asked.then(|| child::main(words.next()))
}

/// How the process ended.
struct Ended {
    status: ExitStatus,
    /// What it answered; cut where it answered more than it may.
    answer: Vec<u8>,
    words: String,
}

impl Compiler {
    /// The program that runs, also after its file was replaced by a new version.
    #[must_use]
    pub fn this_program() -> Self {
        Self::program("/proc/self/exe")
    }

    /// Another program.
    #[must_use]
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
        }
    }

    /// The compiled form of a component, for the engine of this configuration. Blocks.
    pub(crate) fn compile(&self, component: &[u8], configuration: &str, limits: &Limits) -> Result<Vec<u8>, Error> {
        let unusable = |reason: String| Error::Compiler {
            program: self.program.clone(),
            reason,
        };
        let told = serde_json::to_string(limits).expect("limits are JSON");
        let mut child = Command::new(&self.program)
            .args([COMPILE, &told])
            .env_clear()
            .env(RESERVE_NOTHING.0, RESERVE_NOTHING.1)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| unusable(format!("it does not start: {error}")))?;
        let ended = attend(&mut child, component, limits).map_err(|error| match error {
            Unattended::TooLong => exceeded("compile-wall-ms", limits.compile_wall_ms),
            Unattended::Io(error) => unusable(error.to_string()),
        })?;
        judge(ended, configuration, limits).map_err(|refusal| match refusal {
            Refusal::Component(error) => error,
            Refusal::Compiler(reason) => unusable(reason),
        })
    }
}

enum Unattended {
    TooLong,
    Io(io::Error),
}

enum Refusal {
    /// The component's doing.
    Component(Error),
    /// The program's.
    Compiler(String),
}

/// Feeds the process and reads it until it ends, or its time is over.
fn attend(child: &mut Child, component: &[u8], limits: &Limits) -> Result<Ended, Unattended> {
    let mut stdin = child.stdin.take().expect("it was asked for");
    let stdout = child.stdout.take().expect("it was asked for");
    let stderr = child.stderr.take().expect("it was asked for");
    let most = limits.compile_memory_bytes.saturating_add(HEAD_BYTES as u64);
    let process = Pid::from_child(child);
    let process = pidfd_open(process, PidfdFlags::empty()).map_err(|error| Unattended::Io(error.into()))?;
    let (ended, end) = mpsc::channel();
    let outcome = thread::scope(|scope| {
        // Who does not read to the end has said so otherwise.
        scope.spawn(move || drop(stdin.write_all(component)));
        let words = scope.spawn(move || read(stderr, WORDS_BYTES));
        let answer = scope.spawn(move || read(stdout, most));
        let watch = scope.spawn(move || {
            let in_time = end.recv_timeout(Duration::from_millis(limits.compile_wall_ms)).is_ok();
            if !in_time {
                // One that has ended meanwhile cannot be ended.
                let _ = pidfd_send_signal(&process, Signal::KILL);
            }
            in_time
        });
        let status = child.wait();
        // Nobody listens only when the time is over.
        let _ = ended.send(());
        let in_time = watch.join().expect("watching does not panic");
        let answer = answer.join().expect("reading does not panic");
        let words = words.join().expect("reading does not panic");
        status.map(|status| (in_time, status, answer, words))
    });
    let (in_time, status, answer, words) = outcome.map_err(Unattended::Io)?;
    if !in_time {
        return Err(Unattended::TooLong);
    }
    Ok(Ended {
        status,
        answer,
        words: String::from_utf8_lossy(&words).trim().to_owned(),
    })
}

fn read(from: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What came before it broke is what there is.
    let _ = from.take(most).read_to_end(&mut bytes);
    bytes
}

fn judge(ended: Ended, configuration: &str, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let Ended {
        status,
        mut answer,
        words,
    } = ended;
    if status.success() {
        if answer.len() < HEAD_BYTES {
            return Err(Refusal::Compiler(
                "it answered nothing: does it call `compile_if_asked`?".to_owned(),
            ));
        }
        let compiled = answer.split_off(HEAD_BYTES);
        // Bytes, because nothing says that what it answers is text.
        let (other, digest) = answer.split_at(configuration.len().min(HEAD_BYTES));
        if other != configuration.as_bytes() {
            return Err(Refusal::Compiler(format!(
                "it compiles for another configuration ({}, not {configuration}): it must be of the same version",
                other.escape_ascii()
            )));
        }
        if digest != Digest::of(&compiled).to_hex().as_bytes() {
            return Err(Refusal::Compiler("its answer is cut off or damaged".to_owned()));
        }
        return Ok(compiled);
    }
    // A refused allocation, as the language and as the runtime tell it; a refused mapping; a thread without room for a stack.
    let no_memory = [
        "memory allocation of",
        "out of memory",
        "Cannot allocate memory",
        "Resource temporarily unavailable",
    ];
    let no_memory = no_memory.iter().any(|said| words.contains(said));
    Err(Refusal::Component(match (status.code(), status.signal()) {
        (_, Some(SIGXCPU)) => exceeded("compile-cpu-ms", limits.compile_cpu_ms),
        (_, Some(SIGABRT)) | (Some(_), _) if no_memory => exceeded("compile-memory-bytes", limits.compile_memory_bytes),
        (Some(code), _) if code == i32::from(BROKEN) => Error::Broken {
            reason: trap::short(&words),
        },
        (_, signal) => Error::CompilerCrashed {
            how: signal.map_or_else(|| status.to_string(), |signal| format!("signal {signal}")),
            words: if words.is_empty() {
                String::new()
            } else {
                format!(": {words}")
            },
        },
    }))
}

fn exceeded(which: &'static str, limit: u64) -> Error {
    Error::CompileLimit { which, limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: i32, answer: &[u8], words: &str) -> Ended {
        Ended {
            status: ExitStatus::from_raw(status),
            answer: answer.to_vec(),
            words: words.to_owned(),
        }
    }

    fn said(ended: Ended) -> String {
        match judge(ended, "0123456789abcdef", &Limits::default()) {
            Ok(compiled) => format!("{} bytes", compiled.len()),
            Err(Refusal::Component(error)) => error.to_string(),
            Err(Refusal::Compiler(reason)) => format!("compiler: {reason}"),
        }
    }

    #[test]
    fn answers_are_taken_whole_and_of_this_configuration_only() {
        let good = [b"0123456789abcdef", Digest::of(b"code").to_hex().as_bytes(), b"code"].concat();
        assert_eq!(said(ended(0, &good, "")), "4 bytes");
        assert!(said(ended(0, &good[..good.len() - 1], "")).contains("cut off"));
        assert!(said(ended(0, b"", "")).contains("answered nothing"));
        let other = [b"ffffffffffffffff", &good[16..]].concat();
        assert!(said(ended(0, &other, "")).contains("another configuration"));
        let noise = vec![0xff; 200];
        assert!(said(ended(0, &noise, "")).starts_with("compiler: "));
    }

    #[test]
    fn ends_are_told_by_what_ended_it() {
        assert!(said(ended(24, b"", "")).contains("`compile-cpu-ms`"));
        assert!(said(ended(6, b"", "memory allocation of 99 bytes failed")).contains("`compile-memory-bytes`"));
        assert!(said(ended(3 << 8, b"", "bad magic")).contains("the component is damaged: bad magic"));
        assert!(said(ended(11, b"", "")).contains("signal 11"));
        assert!(said(ended(101 << 8, b"", "panicked")).contains("panicked"));
    }
}
