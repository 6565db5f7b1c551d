//! What changed in an execution since it was looked at last, and who shows it.
//!
//! The difference of two views is computed here, without a terminal; [`live`] redraws lines on one, [`plain`]
//! writes a line per change for logs and pipes.

use std::collections::BTreeMap;

use runwright::{
    model::{id::ExecutionId, log::LogLine, status::Status, time::Timestamp},
    view::{ExecutionView, StepView, WaitReason, WaitView},
};

mod live;
mod plain;

use super::console::Console;

/// Shows an execution as it goes on.
pub(crate) trait Progress {
    /// Takes the execution as it stands now, and the log lines since the last time.
    fn update(&mut self, view: &ExecutionView, lines: &[(u64, LogLine)], now: Timestamp);

    /// Takes the execution as it stood before: what happened until then is no news.
    fn prime(&mut self, view: &ExecutionView);

    /// Takes everything off the terminal that is not to stay.
    fn finish(&mut self);
}

/// Completes a verb to a command that can be copied.
pub(crate) type Command = Box<dyn Fn(&str) -> String>;

/// The right one for this console. With `command`, it says how a person can make a waiting execution go on.
pub(crate) fn new(console: Console, command: Option<Command>) -> Box<dyn Progress> {
    if console.quiet {
        Box::new(Silent)
    } else if console.live {
        Box::new(live::Live::new(console, command))
    } else {
        Box::new(plain::Plain::new(console, command))
    }
}

struct Silent;

impl Progress for Silent {
    fn update(&mut self, _: &ExecutionView, _: &[(u64, LogLine)], _: Timestamp) {}
    fn prime(&mut self, _: &ExecutionView) {}
    fn finish(&mut self) {}
}

/// Something worth a line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    /// A step's attempt began.
    Started(&'a StepView),
    /// A step ended, one way or another.
    Ended(&'a StepView),
    /// Undoing a step began, or ended.
    Rollback(&'a StepView, Status),
    /// A step waits.
    Waits(&'a StepView, &'a WaitView),
}

/// Something that happened, to be told in its order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum News<'a> {
    /// A change of a step.
    Change(Change<'a>),
    /// A line of the log.
    Line(&'a LogLine),
}

impl Change<'_> {
    /// When it happened, as far as it is known.
    fn at(&self) -> Option<Timestamp> {
        match self {
            // The time is that of the first attempt.
            Self::Started(step) => step.started_at.filter(|_| step.attempt == 1),
            Self::Ended(step) => step.ended_at,
            Self::Rollback(..) | Self::Waits(..) => None,
        }
    }
}

/// Changes and lines in the order in which they happened: a step's lines stand between its beginning and its end.
pub(crate) fn in_order<'a>(mut changes: Vec<Change<'a>>, lines: &'a [(u64, LogLine)], now: Timestamp) -> Vec<News<'a>> {
    // Stable: what happened in the same millisecond stays in the order of the document.
    changes.sort_by_key(|change| change.at().unwrap_or(now));
    let mut changes = changes.into_iter().peekable();
    let mut all = Vec::new();
    for (_, line) in lines {
        let before = |change: &Change<'a>| {
            let at = change.at().unwrap_or(now);
            at < line.at || (at == line.at && !matches!(change, Change::Ended(step) if step.name == line.step))
        };
        while let Some(change) = changes.next_if(before) {
            all.push(News::Change(change));
        }
        all.push(News::Line(line));
    }
    all.extend(changes.map(News::Change));
    all
}

/// What was seen of each step: visit, attempt, status, rollback, and for what it waits.
type Seen = (u32, u32, Status, Option<Status>, Option<String>);

/// Remembers what was seen.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    execution: Option<ExecutionId>,
    steps: BTreeMap<String, Seen>,
}

impl Watch {
    /// What has changed, in the order of the document. Another execution starts afresh.
    pub(crate) fn changes<'a>(&mut self, view: &'a ExecutionView) -> Vec<Change<'a>> {
        if self.execution.as_ref() != Some(&view.id) {
            *self = Self {
                execution: Some(view.id.clone()),
                steps: BTreeMap::new(),
            };
        }
        let (mut changes, mut undone) = (Vec::new(), Vec::new());
        for step in &view.steps {
            let wait = view.waiting.iter().find(|wait| wait.step == step.name);
            let now: Seen = (step.visit, step.attempt, step.status, step.rollback, wait.map(essence));
            let before = self
                .steps
                .get(&step.name)
                .cloned()
                .unwrap_or((0, 0, Status::Pending, None, None));
            if now != before {
                push_changes(&mut changes, &before, step, wait);
                undone.push(undoing(&before, step));
                self.steps.insert(step.name.clone(), now);
            }
        }
        // What was done last is undone first.
        changes.extend(undone.into_iter().rev().flatten());
        changes
    }
}

/// That undoing a step began, and that it ended, though only the end was seen.
fn undoing<'a>(before: &Seen, step: &'a StepView) -> Vec<Change<'a>> {
    let Some(now) = step.rollback.filter(|now| before.3 != Some(*now)) else {
        return Vec::new();
    };
    let mut changes = vec![Change::Rollback(step, now)];
    if now != Status::RollingBack && before.3.is_none() {
        changes.insert(0, Change::Rollback(step, Status::RollingBack));
    }
    changes
}

fn push_changes<'a>(changes: &mut Vec<Change<'a>>, before: &Seen, step: &'a StepView, wait: Option<&'a WaitView>) {
    let (visit, attempt, status, _, waits) = before;
    let another_try = (*visit, *attempt) != (step.visit, step.attempt);
    if another_try && step.attempt > 0 && step.status != Status::Skipped {
        changes.push(Change::Started(step));
    }
    if step.status.is_final() && (another_try || *status != step.status) {
        changes.push(Change::Ended(step));
    }
    if let Some(wait) = wait.filter(|wait| !is_over(wait) && waits.as_deref() != Some(&essence(wait))) {
        changes.push(Change::Waits(step, wait));
    }
}

/// Whether the wait only ends: the last vote is in, and the step goes on.
fn is_over(wait: &WaitView) -> bool {
    matches!(wait.reason, WaitReason::Approval { quorum, approved, .. } if approved >= quorum)
}

/// What makes two waits different enough for another line: not each failed probe, but each vote.
fn essence(wait: &WaitView) -> String {
    match &wait.reason {
        WaitReason::Approval { approved, .. } => format!("approval {approved}"),
        WaitReason::Signal { name } => format!("signal {name}"),
        WaitReason::Start => "start".to_owned(),
        WaitReason::Time => format!("time {:?}", wait.until),
        WaitReason::Probe { .. } => "probe".to_owned(),
        WaitReason::Retry { .. } => format!("retry {:?}", wait.until),
        WaitReason::Child { id } => format!("child {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::fixture::{approval, step, view},
        *,
    };

    fn names(changes: &[Change<'_>]) -> Vec<String> {
        changes
            .iter()
            .map(|change| match change {
                Change::Started(step) => format!("start {}", step.name),
                Change::Ended(step) => format!("end {}", step.name),
                Change::Rollback(step, status) => format!("{status} {}", step.name),
                Change::Waits(step, _) => format!("wait {}", step.name),
            })
            .collect()
    }

    #[test]
    fn each_change_is_told_once() {
        let mut watch = Watch::default();
        let first = view(
            vec![step("a", Status::InProgress, 1), step("b", Status::Pending, 0)],
            Vec::new(),
        );
        assert_eq!(names(&watch.changes(&first)), ["start a"]);
        assert_eq!(names(&watch.changes(&first)), [""; 0]);
        // `b` began and ended between two looks.
        let second = view(
            vec![step("a", Status::Success, 1), step("b", Status::Failed, 1)],
            Vec::new(),
        );
        assert_eq!(names(&watch.changes(&second)), ["end a", "start b", "end b"]);
        let again = view(
            vec![step("a", Status::Success, 1), step("b", Status::InProgress, 2)],
            Vec::new(),
        );
        assert_eq!(names(&watch.changes(&again)), ["start b"]);
    }

    #[test]
    fn a_wait_is_told_again_when_somebody_voted() {
        let mut watch = Watch::default();
        let waiting = |approved| view(vec![step("a", Status::Waiting, 1)], vec![approval("a", approved)]);
        assert_eq!(names(&watch.changes(&waiting(0))), ["start a", "wait a"]);
        assert_eq!(names(&watch.changes(&waiting(0))), [""; 0]);
        assert_eq!(names(&watch.changes(&waiting(1))), ["wait a"]);
    }

    #[test]
    fn undoing_is_told_beside_the_status() {
        let mut watch = Watch::default();
        let mut undone = step("a", Status::Success, 1);
        watch.changes(&view(vec![undone.clone()], Vec::new()));
        undone.rollback = Some(Status::RollingBack);
        assert_eq!(
            names(&watch.changes(&view(vec![undone.clone()], Vec::new()))),
            ["RollingBack a"]
        );
        undone.rollback = Some(Status::RolledBack);
        let mut second = step("b", Status::Success, 1);
        second.rollback = Some(Status::RolledBack);
        let both = view(vec![undone, second], Vec::new());
        let told = ["start b", "end b", "RollingBack b", "RolledBack b", "RolledBack a"];
        assert_eq!(names(&watch.changes(&both)), told);
    }

    #[test]
    fn lines_stand_between_the_beginning_and_the_end_of_their_step() {
        let line = LogLine {
            at: Timestamp::from_millis(5),
            step: "a".into(),
            attempt: 1,
            level: runwright::model::log::Level::Info,
            stream: runwright::model::log::Stream::Stdout,
            text: "said".into(),
        };
        // All at the same millisecond.
        let mut done = step("a", Status::Success, 1);
        done.started_at = Some(line.at);
        done.ended_at = Some(line.at);
        let it = view(vec![done], Vec::new());
        let lines = [(0, line)];
        let news = in_order(Watch::default().changes(&it), &lines, Timestamp::from_millis(9));
        assert!(matches!(
            news.as_slice(),
            [
                News::Change(Change::Started(_)),
                News::Line(_),
                News::Change(Change::Ended(_))
            ]
        ));
    }
}
