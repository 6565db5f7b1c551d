//! What the disk itself takes: appends of 512 bytes, each with `fdatasync`, by one writer and by 64 with a leader.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Outcome,
    figures::{Measured, median},
    plan::Scale,
};

const WRITERS: usize = 64;
const BYTES: [u8; 512] = [7; 512];

/// Both probes, for about a second each.
pub(crate) fn probe(folder: &Path, scale: Scale) -> Outcome<Measured> {
    let mut file = File::create(folder.join("raw"))?;
    let mut times = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < group_time(scale) {
        times.extend(one_writer(&mut file, 10)?);
    }
    Ok([
        ("raw_us".to_owned(), median(&mut times)),
        ("raw_64_per_s".to_owned(), many_writers(folder, group_time(scale))?),
    ]
    .into())
}

/// How long 64 writers are watched.
pub(crate) fn group_time(scale: Scale) -> Duration {
    match scale {
        Scale::Full => Duration::from_secs(1),
        Scale::Quick => Duration::from_millis(50),
    }
}

/// So many appends by one writer; microseconds each.
pub(crate) fn one_writer(file: &mut File, appends: usize) -> Outcome<Vec<f64>> {
    let append = |_| {
        let begin = Instant::now();
        file.write_all(&BYTES)?;
        file.sync_data()?;
        Ok(begin.elapsed().as_secs_f64() * 1e6)
    };
    (0..appends).map(append).collect()
}

#[derive(Default)]
struct Group {
    written: u64,
    synced: u64,
    leading: bool,
}

/// Appends a second of 64 writers to one file, of whom one at a time syncs for all that wait.
pub(crate) fn many_writers(folder: &Path, time: Duration) -> Outcome<f64> {
    let file = Arc::new(File::create(folder.join("raw-64"))?);
    let group = Arc::new((Mutex::new(Group::default()), Condvar::new()));
    let over = Arc::new(AtomicBool::new(false));
    let begin = Instant::now();
    let threads: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (file, group, over) = (file.clone(), group.clone(), over.clone());
            std::thread::spawn(move || -> std::io::Result<u64> {
                let mut appended = 0;
                while !over.load(Ordering::Relaxed) {
                    append_together(&file, &group)?;
                    appended += 1;
                }
                Ok(appended)
            })
        })
        .collect();
    std::thread::sleep(time);
    over.store(true, Ordering::Relaxed);
    let mut appended = 0;
    for thread in threads {
        appended += thread.join().map_err(|_| "a writer panicked")??;
    }
    Ok(appended as f64 / begin.elapsed().as_secs_f64())
}

fn append_together(file: &File, group: &(Mutex<Group>, Condvar)) -> std::io::Result<()> {
    let (lock, synced) = group;
    let mut state = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let mut writer = file;
    writer.write_all(&BYTES)?;
    state.written += 1;
    let mine = state.written;
    while state.synced < mine {
        if state.leading {
            state = synced.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        state.leading = true;
        let upto = state.written;
        drop(state);
        file.sync_data()?;
        state = lock.lock().unwrap_or_else(PoisonError::into_inner);
        state.synced = upto;
        state.leading = false;
        synced.notify_all();
    }
    Ok(())
}
