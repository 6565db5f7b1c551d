//! `wit/log.wit`: lines of the step's log. Needs no grant.

use runwright_model::log::{Level, Stream};

use crate::{bindings::log, state::State};

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.logbook.line(level, Stream::Log, &message);
        Ok(())
    }

    fn progress(&mut self, done: u64, total: u64, message: String) -> wasmtime::Result<()> {
        let line = if total == 0 {
            format!("{done}: {message}")
        } else {
            format!("{done}/{total}: {message}")
        };
        self.logbook.line(Level::Info, Stream::Progress, &line);
        Ok(())
    }
}
