//! The machine: its load, its memory, its clock.

use std::{
    fs,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use runwright_model::time::Timestamp;

/// The load of the last minute, five, fifteen.
pub(crate) fn load() -> [f64; 3] {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut words = text.split(' ').map(|word| word.parse().unwrap_or(f64::NAN));
    [0; 3].map(|_| words.next().unwrap_or(f64::NAN))
}

/// KiB of memory that a process holds, by the name that `/proc/PID/status` has for it: `VmRSS`, `RssAnon`, `VmHWM`.
pub(crate) fn memory_kib(process: u32, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(f64::NAN)
}

/// Seconds of processor time of this process, all threads, in the system and in itself.
pub(crate) fn processor_s() -> f64 {
    const TICKS_PER_S: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold spaces; the two counts are the 12th and 13th words after it.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|word| word.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_S
}

/// Nanoseconds since 1970: the same clock in all processes.
pub(crate) fn wall_ns() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos())
}

/// Seconds since that moment.
pub(crate) fn since_s(wall: u128) -> f64 {
    wall_ns().saturating_sub(wall) as f64 / 1e9
}

/// Cargo's target folder: benches are built into `target/release/deps`.
pub(crate) fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program
        .ancestors()
        .nth(3)
        .map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// Machine, date and load, a sentence each.
pub(crate) fn describe(before: &[f64; 3]) -> Vec<String> {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let after = load();
    let now = Timestamp::from_millis(i64::try_from(wall_ns() / 1_000_000).unwrap_or(i64::MAX));
    vec![
        now.to_string().chars().take("2026-01-01".len()).collect(),
        format!(
            "{processors} processors ({}), {} GiB, Linux {}",
            model.unwrap_or("unknown"),
            kib.unwrap_or_default() >> 20,
            kernel.trim()
        ),
        format!(
            "load {:.1} before and {:.1} after the run, its own included",
            before[0], after[0]
        ),
    ]
}
