//! One process of the command: started, perhaps killed, and what it said.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::ExitStatusExt as _,
    process::Child,
    sync::mpsc::Sender,
    thread::JoinHandle,
};

use crate::common::Machine;

/// What a process was started for. Numbers are those of executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Errand {
    /// Starts an execution, or follows it when it is there.
    Run(usize),
    /// Makes everything go on.
    ResumeAll,
    /// Says yes.
    Approve(usize),
    /// Lists executions.
    List,
    /// Shows one.
    Show(usize),
}

/// A process that was started.
pub(crate) struct Process {
    pub(crate) errand: Errand,
    child: Child,
    stderr: JoinHandle<String>,
    stdout: JoinHandle<()>,
}

/// A process that has ended.
pub(crate) struct Ended {
    pub(crate) errand: Errand,
    /// Its exit code; `None` when it was killed.
    pub(crate) exit: Option<i32>,
    /// What it said on standard error.
    pub(crate) said: String,
}

impl Process {
    /// Starts it. Each line that it says is told.
    pub(crate) fn start(machine: &Machine, errand: Errand, words: &[&str], news: Sender<()>) -> Self {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let mut command = machine.command(&words);
        let mut child = command.env("RUNWRIGHT_LOG", "warn,runwright=info").spawn().unwrap();
        drop(child.stdin.take());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut stdout = child.stdout.take().unwrap();
        Self {
            errand,
            child,
            stderr: std::thread::spawn(move || {
                let mut text = String::new();
                for line in stderr.lines().map_while(Result::ok) {
                    text.push_str(&line);
                    text.push('\n');
                    // Nobody listens any more when the test is over.
                    let _ = news.send(());
                }
                text
            }),
            stdout: std::thread::spawn(move || {
                let mut answer = Vec::new();
                stdout.read_to_end(&mut answer).unwrap();
            }),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        let (signal, said) = (status.signal(), self.stderr.join().unwrap());
        self.stdout.join().unwrap();
        assert!(
            signal.is_none_or(|signal| signal == rustix::process::Signal::KILL.as_raw()),
            "{:?} ended with {status}: {said}",
            self.errand
        );
        Ended {
            errand: self.errand,
            exit: status.code(),
            said,
        }
    }
}
