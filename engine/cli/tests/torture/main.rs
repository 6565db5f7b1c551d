//! The real binary, tortured: many processes on one state directory, many executions, and SIGKILL at random moments for
//! whoever holds the store, for who is opening it, and for two at once. Each command writes down that it ran: in the end
//! each has run once, and no execution is lost.
//!
//! `cargo xtask torture` runs this with more kills: `TORTURE_KILLS` and `TORTURE_SEED` say how many, and which moments.
//! The moments depend on the machine as well: a seed is a mixture, not a recording.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[path = "../common/mod.rs"]
mod common;
mod findings;
mod kinds;
mod process;

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

use common::Machine;
use kinds::{KINDS, Kind};
use process::{Ended, Errand, Process};
use serde_json::Value;

const KILLS: usize = 36;
const SEED: u64 = 20_261_122;
/// Processes at the same time.
const PROCESSES: usize = 8;
/// After so many kills everything is killed at once, and the store is checked.
const KILLS_A_ROUND: usize = 12;
/// The longest random wait before a kill, in milliseconds.
const MOMENT_MS: u64 = 250;

/// Numbers that look like chance, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// An execution, as far as processes told of it.
struct Execution {
    id: String,
    kind: Kind,
    /// Whether a process said that it started it.
    started: bool,
    /// Whether a process said how it ended.
    over: bool,
}

/// What was done, for the summary.
#[derive(Debug, Default)]
struct Counts {
    kills: usize,
    processes: usize,
    opened: usize,
    checks: usize,
}

struct Torture {
    machine: Machine,
    chance: Chance,
    processes: Vec<Process>,
    executions: Vec<Execution>,
    counts: Counts,
    news: (Sender<()>, Receiver<()>),
}

impl Torture {
    fn new(seed: u64) -> Self {
        let machine = Machine::new();
        for kind in KINDS {
            kind.write(&machine.path(), &machine.path().join("lines"));
        }
        let mut torture = Self {
            machine,
            chance: Chance(seed),
            processes: Vec::new(),
            executions: Vec::new(),
            counts: Counts::default(),
            news: channel(),
        };
        // Compiles the plugins, so that the others have no other work than the steps.
        for kind in [Kind::List, Kind::Sleeps, Kind::Asks] {
            let number = torture.new_execution(kind);
            torture.start(Errand::Run(number));
            torture.reap(true);
        }
        torture
    }

    fn new_execution(&mut self, kind: Kind) -> usize {
        let number = self.executions.len();
        self.executions.push(Execution {
            id: format!("e{number}"),
            kind,
            started: false,
            over: false,
        });
        number
    }

    fn start(&mut self, errand: Errand) {
        let file: PathBuf;
        let words: &[&str] = match errand {
            Errand::Run(number) => {
                let execution = &self.executions[number];
                file = execution.kind.file(&self.machine.path());
                &["runwright", "run", file.to_str().unwrap(), "--id", &execution.id]
            }
            Errand::ResumeAll => &["runwright", "resume"],
            Errand::Approve(number) => &["runwright", "approve", &self.executions[number].id],
            Errand::List => &["runwright", "list", "--output", "json"],
            Errand::Show(number) => &["runwright", "show", &self.executions[number].id],
        };
        let process = Process::start(&self.machine, errand, words, self.news.0.clone());
        self.counts.processes += 1;
        self.processes.push(process);
    }

    /// Starts processes until there are as many as there should be.
    fn fill(&mut self) {
        while self.processes.len() < PROCESSES {
            let errand = self.next();
            self.start(errand);
        }
    }

    fn next(&mut self) -> Errand {
        let known = |execution: &Execution| execution.started && !execution.over;
        let other = match self.chance.below(12) {
            0 | 1 => Some(Errand::ResumeAll).filter(|errand| !self.runs(*errand)),
            2 => Some(Errand::List),
            3 => self.any(known).map(Errand::Show),
            4 | 5 => self
                .any(|execution| known(execution) && execution.kind == Kind::Asks)
                .map(Errand::Approve),
            6..=8 => self.any_unfollowed().map(Errand::Run),
            _ => None,
        };
        other.unwrap_or_else(|| {
            let kind = KINDS[self.executions.len() % KINDS.len()];
            Errand::Run(self.new_execution(kind))
        })
    }

    fn runs(&self, errand: Errand) -> bool {
        self.processes.iter().any(|process| process.errand == errand)
    }

    fn any(&mut self, which: impl Fn(&Execution) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.executions.len())
            .filter(|number| which(&self.executions[*number]))
            .collect();
        (!found.is_empty()).then(|| found[self.chance.below(found.len())])
    }

    /// One whose process was killed, or that nobody waits for.
    fn any_unfollowed(&mut self) -> Option<usize> {
        let followed: HashSet<Errand> = self.processes.iter().map(|process| process.errand).collect();
        let found: Vec<usize> = (0..self.executions.len())
            .filter(|number| !self.executions[*number].over && !followed.contains(&Errand::Run(*number)))
            .collect();
        (!found.is_empty()).then(|| found[self.chance.below(found.len())])
    }

    /// Lets some time go by, or some lines be said: here is where the moments come from.
    fn pass(&mut self) {
        let lines = [0, 0, 5, 40][self.chance.below(4)];
        let lines = if lines == 0 {
            usize::MAX
        } else {
            self.chance.below(lines)
        };
        let until = Instant::now() + Duration::from_millis(self.chance.below(MOMENT_MS as usize) as u64);
        for _ in 0..lines {
            match self
                .news
                .1
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => unreachable!("this end of it is kept"),
            }
        }
    }

    /// Kills whoever holds the store, or who has just come, or both, or somebody.
    fn strike(&mut self) {
        let holder = self.holder();
        let (last, somebody) = (self.processes.len() - 1, self.chance.below(self.processes.len()));
        let victims = match self.chance.below(10) {
            0 => vec![last],
            1 => vec![somebody],
            2 => vec![holder.unwrap_or(somebody), last],
            3 => vec![holder.unwrap_or(last), somebody],
            _ => vec![holder.unwrap_or(last)],
        };
        for victim in victims {
            self.processes[victim].kill();
        }
    }

    /// The process that holds the store, as the lock file has it, if it is one of ours.
    fn holder(&self) -> Option<usize> {
        let text = std::fs::read_to_string(self.machine.path().join("state/lock")).ok()?;
        let pid: u32 = text.trim().parse().ok()?;
        self.processes.iter().position(|process| process.id() == pid)
    }

    /// Hears those that have ended, or waits for all.
    fn reap(&mut self, all: bool) {
        let mut left = Vec::new();
        for mut process in std::mem::take(&mut self.processes) {
            if all || process.has_ended() {
                let ended = process.end();
                self.hear(&ended);
            } else {
                left.push(process);
            }
        }
        self.processes = left;
    }

    fn hear(&mut self, ended: &Ended) {
        let Ended { errand, exit, said } = ended;
        self.counts.opened += said.matches("this process is the engine").count();
        assert!(!said.contains("panicked"), "{errand:?} said:\n{said}");
        if exit.is_none() {
            self.counts.kills += 1;
        }
        let fine: &[i32] = match errand {
            Errand::Run(number) => self.hear_run(*number, *exit, said),
            // Among those that go on are some that are rolled back, and some that wait.
            Errand::ResumeAll => &[0, 1, 3],
            // It may not ask yet, or not any more; then that is said, and it is no fault.
            Errand::Approve(_) => &[0, 1, 2],
            Errand::List | Errand::Show(_) => &[0],
        };
        let refused = matches!(errand, Errand::Approve(_)) && !said.contains("error[RW-S");
        assert!(
            exit.is_none_or(|exit| fine.contains(&exit)) && (refused || !said.contains("error")),
            "{errand:?} ended with {exit:?} and said:\n{said}"
        );
    }

    /// Notes what a process said of its execution. Answers with what it may end.
    fn hear_run(&mut self, number: usize, exit: Option<i32>, said: &str) -> &'static [i32] {
        let execution = &mut self.executions[number];
        let id = &execution.id;
        if said.contains(&format!("execution {id} started")) {
            assert!(!execution.started, "{id} was lost, and started a second time:\n{said}");
            execution.started = true;
        } else if said.contains(&format!("execution {id} was there already")) {
            // The process that started it was killed before it could say so.
            execution.started = true;
        }
        let code = if execution.kind.end() == "Success" { 0 } else { 1 };
        execution.over |= exit == Some(code);
        match execution.kind {
            Kind::List | Kind::Graph | Kind::Retries | Kind::Sleeps => &[0],
            Kind::Undone => &[1],
            Kind::Asks => &[0, 3],
        }
    }

    /// Kills everything at once, and looks whether the store is sound and knows all executions that it should.
    fn black_out(&mut self) {
        self.processes.iter_mut().for_each(Process::kill);
        self.reap(true);
        let checked = self.json("runwright store check");
        assert_eq!(checked["sound"], true, "{checked}");
        let rows = self.json("runwright list --limit 1000000");
        let there: HashSet<&str> = rows
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|row| row["id"].as_str())
            .collect();
        for execution in &self.executions {
            assert!(
                !execution.started || there.contains(execution.id.as_str()),
                "{} was started, and is lost",
                execution.id
            );
        }
        self.counts.checks += 1;
    }

    fn json(&self, command: &str) -> Value {
        let done = self.machine.say(&format!("{command} --output json"));
        assert_eq!(done.exit, 0, "{command}: {}{}", done.stdout, done.stderr);
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{command}: {error}: {}", done.stdout))
    }

    fn kill(&mut self, kills: usize) {
        let mut checked_at = 0;
        while self.counts.kills < kills {
            self.fill();
            self.pass();
            self.strike();
            self.reap(false);
            if self.counts.kills - checked_at >= KILLS_A_ROUND {
                self.black_out();
                checked_at = self.counts.kills;
            }
        }
        self.black_out();
    }

    /// Makes everything go on to its end, without killing.
    fn finish(&mut self) {
        let left: Vec<usize> = (0..self.executions.len())
            .filter(|number| !self.executions[*number].over)
            .collect();
        for some in left.chunks(PROCESSES) {
            some.iter().for_each(|number| self.start(Errand::Run(*number)));
            self.reap(true);
        }
        let asking: Vec<usize> = left
            .into_iter()
            .filter(|number| !self.executions[*number].over)
            .collect();
        for some in asking.chunks(PROCESSES) {
            some.iter().for_each(|number| self.start(Errand::Approve(*number)));
            self.reap(true);
        }
        let done = self.machine.say("runwright resume");
        assert!(
            done.exit == 0 && done.stderr.contains("nothing to resume"),
            "{}",
            done.stderr
        );
    }
}

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn every_command_runs_once_and_nothing_is_lost_however_often_it_is_killed() {
    let began = Instant::now();
    let kills = given("TORTURE_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let seed = given("TORTURE_SEED").unwrap_or(SEED);
    eprintln!("seed {seed}");
    let mut torture = Torture::new(seed);
    torture.kill(kills);
    torture.finish();
    let found = findings::look(&torture.machine, &torture.executions);
    let Counts {
        kills,
        processes,
        opened,
        checks,
    } = torture.counts;
    eprintln!(
        "torture: seed {seed}, {kills} kills, {processes} processes, {opened} became the engine, {checks} checks of the \
         store, {}, {:.0} s",
        found,
        began.elapsed().as_secs_f64()
    );
}
