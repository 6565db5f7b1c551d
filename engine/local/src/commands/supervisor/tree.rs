//! The processes of a command: its group, and what left the group.

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, kill_process_group, waitid, waitpid,
};

use super::super::job::Stat;

/// The processes that began with one.
pub(super) struct Tree {
    first: Pid,
    /// Whether all descendants of this process belong to it: a supervisor with a process of its own gets those whose
    /// parents end.
    whole: bool,
    ended: Option<Ended>,
}

/// How the first process ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ended {
    Code(i32),
    Signal(i32),
}

impl Tree {
    pub(super) fn new(first: Pid, whole: bool) -> Self {
        Self {
            first,
            whole,
            ended: None,
        }
    }

    /// How the first process ended, if it has. It is left as a zombie until this is dropped, so that nobody else gets
    /// its number, by which the group is signalled.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if self.ended.is_none()
            && let Ok(Some(status)) = waitid(WaitId::Pid(self.first), options)
        {
            self.ended = Some(match status.exit_status() {
                Some(code) => Ended::Code(code),
                None => Ended::Signal(status.terminating_signal().unwrap_or_default()),
            });
        }
        self.ended
    }

    /// Lets go of those that came here when their parents ended, and have ended too.
    pub(super) fn reap_adopted(&self) {
        let own = getpid().as_raw_pid();
        for (pid, stat) in processes() {
            if stat.parent == own && pid != self.first.as_raw_pid() && !stat.runs() {
                let _ = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG);
            }
        }
    }

    /// Sends a signal to all. An error means that one has ended meanwhile, which is what is wanted.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.first, signal);
        for pid in self.living() {
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks each to end, once.
    pub(super) fn ask_to_end(&self) {
        let _ = kill_process_group(self.first, Signal::TERM);
        for pid in self.living() {
            if Stat::of(pid.as_raw_pid()).is_some_and(|stat| stat.group != self.first.as_raw_pid()) {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
    }

    /// All that have not ended.
    pub(super) fn living(&self) -> Vec<Pid> {
        let processes = processes();
        let descendants = if self.whole {
            descendants(getpid(), &processes)
        } else {
            HashSet::new()
        };
        processes
            .iter()
            .filter(|(pid, stat)| stat.group == self.first.as_raw_pid() || descendants.contains(pid))
            .filter(|(_, stat)| stat.runs())
            .filter_map(|(pid, _)| Pid::from_raw(*pid))
            .collect()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = waitpid(Some(self.first), WaitOptions::NOHANG);
    }
}

fn processes() -> Vec<(i32, Stat)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, Stat::of(pid)?)))
        .collect()
}

/// All processes below this one.
fn descendants(of: Pid, processes: &[(i32, Stat)]) -> HashSet<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, stat) in processes {
        children.entry(stat.parent).or_default().push(*pid);
    }
    let mut todo = vec![of.as_raw_pid()];
    let mut found = HashSet::new();
    while let Some(pid) = todo.pop() {
        let below = children.remove(&pid).unwrap_or_default();
        found.extend(&below);
        todo.extend(below);
    }
    found
}
