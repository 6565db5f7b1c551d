//! The thread that interrupts guests: it moves the engine's epoch on while calls are running.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::Engine;

/// How often a running guest is interrupted to let others run and to look at its limits.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Owns the thread. Asleep for good while no call runs: an idle engine wakes no processor.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared {
    running: AtomicUsize,
    over: AtomicBool,
}

/// A running call. The ticker ticks as long as there is one.
#[derive(Debug)]
pub(crate) struct Running(Arc<Shared>);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            running: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let (engine, seen) = (engine.weak(), Arc::clone(&shared));
        let handle = thread::Builder::new().name("runwright-ticker".into()).spawn(move || {
            while !seen.over.load(SeqCst) {
                if seen.running.load(SeqCst) == 0 {
                    thread::park();
                    continue;
                }
                thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self {
            shared,
            thread: handle.thread().clone(),
        })
    }

    /// Ticks until the answer is dropped.
    pub(crate) fn running(&self) -> Running {
        if self.shared.running.fetch_add(1, SeqCst) == 0 {
            self.thread.unpark();
        }
        Running(Arc::clone(&self.shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        self.thread.unpark();
    }
}
