//! Progress without a terminal: one line on standard error per change, each with its moment.

use runwright::{
    model::{
        log::{Level, LogLine},
        status::Status,
        time::Timestamp,
    },
    view::{ExecutionView, WaitView},
};

use super::{Change, Command, News, Progress, Watch, in_order};
use crate::render::{
    console::Console,
    execution::{remarks, wait_text, ways_on},
    logs,
    paint::Paint,
    text::{moment, visible},
};

/// Writes lines.
pub(super) struct Plain {
    console: Console,
    command: Option<Command>,
    watch: Watch,
    told: Option<String>,
}

impl Plain {
    pub(super) fn new(console: Console, command: Option<Command>) -> Self {
        Self {
            console,
            command,
            watch: Watch::default(),
            told: None,
        }
    }
}

impl Progress for Plain {
    fn update(&mut self, view: &ExecutionView, lines: &[(u64, LogLine)], now: Timestamp) {
        let paint = self.console.paint_err();
        for news in in_order(self.watch.changes(view), lines, now) {
            match news {
                News::Change(change) => self.console.say(&describe(&change, now, paint)),
                // Whoever reads this later has nothing else: what steps say belongs to it.
                News::Line(line) if line.level > Level::Debug || self.console.verbose > 0 => {
                    self.console.say(&logs::line(line, paint));
                }
                News::Line(_) => {}
            }
        }
        let ways = self
            .command
            .as_ref()
            .and_then(|command| ways_for_a_person(view, command));
        if let Some(ways) = ways.filter(|ways| self.told.as_ref() != Some(ways)) {
            self.console.say(&ways);
            self.told = Some(ways);
        }
    }

    fn prime(&mut self, view: &ExecutionView) {
        self.watch.changes(view);
    }

    fn finish(&mut self) {}
}

/// How a person can make it go on: one line, or none when nobody is needed.
pub(super) fn ways_for_a_person(view: &ExecutionView, command: &dyn Fn(&str) -> String) -> Option<String> {
    let needed = view.waiting.iter().any(|wait: &WaitView| wait.reason.needs_person());
    let ways: Vec<String> = ways_on(view).iter().map(|way| format!("`{}`", command(way))).collect();
    (needed && !view.status.is_final()).then(|| format!("    goes on with {}", ways.join(" or ")))
}

fn describe(change: &Change<'_>, now: Timestamp, paint: Paint) -> String {
    let (at, step, what) = match change {
        Change::Started(step) => {
            let attempt = match step.attempt {
                0 | 1 => String::new(),
                n => format!(", attempt {n} of {}", step.max_attempts),
            };
            (step.started_at, step, format!("started ({}{attempt})", step.action))
        }
        Change::Ended(step) => (step.ended_at, step, ended(step, now, paint)),
        Change::Rollback(step, status) => {
            let failure = step
                .rollback_failure
                .as_ref()
                .filter(|_| *status == Status::RollbackFailed);
            let why = failure.map_or_else(String::new, |failure| format!(": {}", visible(&failure.message)));
            (None, step, format!("{}{why}", paint.status(*status, status.as_str())))
        }
        Change::Waits(step, wait) => (None, step, paint.yellow(&wait_text(wait, now))),
    };
    format!(
        "{}  {}  {what}",
        paint.dim(&moment(at.unwrap_or(now))),
        paint.bold(&step.name)
    )
}

/// The status, how long it took, and why, if it did not end well.
pub(super) fn ended(step: &runwright::view::StepView, now: Timestamp, paint: Paint) -> String {
    let mut text = paint.status(step.status, step.status.as_str());
    let remarks = remarks(step, now);
    if !remarks.is_empty() {
        text.push_str(&format!(" ({remarks})"));
    }
    if let Some(reason) = &step.skipped {
        text.push_str(&format!(": {}", visible(reason)));
    }
    if let Some(failure) = step.failure.as_ref().filter(|_| step.status != Status::Success) {
        let code = failure
            .code
            .as_ref()
            .map_or_else(String::new, |code| format!("[{code}] "));
        text.push_str(&format!(": {code}{}", visible(failure.message.trim_end())));
    }
    text
}
