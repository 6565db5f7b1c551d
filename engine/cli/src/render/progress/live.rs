//! Progress on a terminal: a line per active step that is redrawn, finished steps above it for good.

use std::{collections::BTreeMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runwright::{
    model::{log::LogLine, status::Status, time::Timestamp},
    view::{ExecutionView, StepView, WaitView},
};

use super::{
    Change, Command, News, Progress, Watch, in_order,
    plain::{ended, ways_for_a_person},
};
use crate::render::{
    console::Console,
    execution::wait_text,
    logs,
    paint::{Paint, mark},
    text::{duration, visible},
};

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// Draws lines.
pub(super) struct Live {
    console: Console,
    command: Option<Command>,
    watch: Watch,
    lines: MultiProgress,
    active: BTreeMap<String, ProgressBar>,
    last_words: BTreeMap<String, String>,
    told: Option<String>,
}

impl Live {
    pub(super) fn new(console: Console, command: Option<Command>) -> Self {
        Self {
            console,
            command,
            watch: Watch::default(),
            lines: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            active: BTreeMap::new(),
            last_words: BTreeMap::new(),
            told: None,
        }
    }

    fn paint(&self) -> Paint {
        self.console.paint_err()
    }

    fn print(&self, line: &str) {
        super::super::console::ignore(self.lines.println(line));
    }

    fn print_change(&mut self, change: &Change<'_>, now: Timestamp) {
        let paint = self.paint();
        match change {
            Change::Ended(step) => {
                let mark = paint.status(step.status, mark(step.status));
                self.print(&format!(
                    "{mark} {}  {}",
                    paint.bold(&step.name),
                    ended(step, now, paint)
                ));
            }
            Change::Rollback(step, status @ (Status::RolledBack | Status::RollbackFailed)) => {
                let why = step
                    .rollback_failure
                    .as_ref()
                    .map_or_else(String::new, |f| format!(": {}", visible(&f.message)));
                let mark = paint.status(*status, mark(*status));
                self.print(&format!(
                    "{mark} {}  {}{why}",
                    paint.bold(&step.name),
                    paint.status(*status, status.as_str())
                ));
            }
            // What goes on has a line of its own that is redrawn.
            Change::Started(_) | Change::Waits(..) | Change::Rollback(..) => {}
        }
    }

    fn redraw(&mut self, view: &ExecutionView, now: Timestamp) {
        let paint = self.paint();
        let over = view.status.is_final();
        self.active.retain(|name, bar| {
            let stays = !over && view.steps.iter().any(|step| step.name == *name && is_active(step));
            if !stays {
                bar.finish_and_clear();
                self.lines.remove(bar);
            }
            stays
        });
        for step in view.steps.iter().filter(|step| !over && is_active(step)) {
            let wait = view.waiting.iter().find(|wait| wait.step == step.name);
            let message = message(step, wait, self.last_words.get(&step.name), now, paint);
            let bar = self.active.entry(step.name.clone()).or_insert_with(|| {
                let since = step.started_at.map_or(Duration::ZERO, |started| now.since(started));
                let bar = self
                    .lines
                    .add(ProgressBar::new_spinner().with_style(style()).with_elapsed(since));
                bar.enable_steady_tick(TICK);
                bar
            });
            bar.set_message(message);
        }
    }
}

impl Progress for Live {
    fn update(&mut self, view: &ExecutionView, lines: &[(u64, LogLine)], now: Timestamp) {
        for news in in_order(self.watch.changes(view), lines, now) {
            match news {
                News::Change(change) => self.print_change(&change, now),
                News::Line(line) => {
                    self.last_words.insert(line.step.clone(), visible(&line.text));
                    if self.console.verbose > 0 {
                        self.print(&logs::line(line, self.paint()));
                    }
                }
            }
        }
        self.redraw(view, now);
        let ways = self
            .command
            .as_ref()
            .and_then(|command| ways_for_a_person(view, command));
        if let Some(ways) = ways.filter(|ways| self.told.as_ref() != Some(ways)) {
            self.print(&self.paint().yellow(&ways));
            self.told = Some(ways);
        }
    }

    fn prime(&mut self, view: &ExecutionView) {
        self.watch.changes(view);
    }

    fn finish(&mut self) {
        for (_, bar) in std::mem::take(&mut self.active) {
            bar.finish_and_clear();
        }
        super::super::console::ignore(self.lines.clear());
    }
}

fn is_active(step: &StepView) -> bool {
    let runs = match step.status {
        Status::InProgress | Status::Waiting | Status::Paused | Status::Cancelling | Status::RollingBack => true,
        Status::Pending
        | Status::Success
        | Status::TimedOut
        | Status::Cancelled
        | Status::Failed
        | Status::Exited
        | Status::RolledBack
        | Status::RollbackFailed
        | Status::Skipped => false,
    };
    runs || step.rollback == Some(Status::RollingBack)
}

/// Name, action, attempt, and what it waits for or said last.
fn message(step: &StepView, wait: Option<&WaitView>, last: Option<&String>, now: Timestamp, paint: Paint) -> String {
    let mut text = format!("{}  {}", paint.bold(&step.name), paint.dim(&step.action));
    if step.attempt > 1 {
        text.push_str(&format!("  attempt {} of {}", step.attempt, step.max_attempts));
    }
    if step.rollback == Some(Status::RollingBack) {
        text.push_str(&format!("  {}", paint.yellow("RollingBack")));
    }
    match (wait, last) {
        (Some(wait), _) => text.push_str(&format!("  {}", paint.yellow(&wait_text(wait, now)))),
        (None, Some(last)) => text.push_str(&format!("  {}", paint.dim(last))),
        (None, None) => {}
    }
    text
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {elapsed_words:>10} {wide_msg}")
        .expect("the template is sound")
        .with_key(
            "elapsed_words",
            |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                // Writing into a line being drawn cannot fail.
                let _ = out.write_str(&duration(state.elapsed()));
            },
        )
}
