//! One execution: the summary a run ends with, and the whole of it for `show`.

use std::time::Duration;

use runwright::{
    model::{
        event::{Hold, Pause},
        failure::Failure,
        status::Status,
        time::Timestamp,
    },
    view::{ExecutionView, StepView, WaitReason, WaitView},
};
use serde_json::{Map, Value};

use super::{
    paint::{Paint, mark},
    table::{Cell, table},
    text::{duration, indented, moment, quoted, shortened, value, visible, visible_lines, width},
};

/// Values of steps are cut at so many columns, unless one step is shown whole.
const VALUE_COLUMNS: usize = 100;

/// What a run ends with: status, outputs, why it failed, what it waits for. `command` completes a verb to a command
/// that can be copied.
pub(crate) fn summary(view: &ExecutionView, now: Timestamp, paint: Paint, command: &dyn Fn(&str) -> String) -> String {
    let status = paint.status(view.status, view.status.as_str());
    let mut out = format!(
        "{status}  {}  {}  {}\n",
        view.runbook,
        view.id,
        duration(spent(view, now))
    );
    for (name, output) in &view.outputs {
        out.push_str(&format!("  {name} = {}\n", visible(&value(output))));
    }
    if let Some(failure) = &view.failure {
        let step = failed_step(view).map_or_else(String::new, |step| format!("{}: ", step.name));
        out.push_str(&indented(&format!("{step}{}", failure_text(failure, paint)), 2));
        let more = [
            command(&format!("show {}", view.id)),
            command(&format!("logs {}", view.id)),
        ];
        out.push_str(&format!(
            "\n    {}\n",
            more.map(|line| paint.bold(&line)).join("\n    ")
        ));
    }
    if !view.status.is_final() {
        if let Some(pause) = &view.paused {
            out.push_str(&format!("  {}\n", pause_text(pause)));
        }
        for wait in &view.waiting {
            out.push_str(&format!("  {}: {}\n", wait.step, wait_text(wait, now)));
        }
        for way in ways_on(view) {
            out.push_str(&format!("    {}\n", paint.bold(&command(&way))));
        }
    }
    if view.status == Status::RollbackFailed {
        out.push_str(&format!(
            "  what was done is not all undone; look, mend, then\n    {}\n",
            paint.bold(&command(&format!("rollback {}", view.id)))
        ));
    }
    out
}

/// How long it has taken so far, or took.
pub(crate) fn spent(view: &ExecutionView, now: Timestamp) -> Duration {
    view.ended_at.unwrap_or(now).since(view.started_at)
}

/// The verbs, with their arguments, that make a waiting execution go on.
pub(crate) fn ways_on(view: &ExecutionView) -> Vec<String> {
    if view.status.is_final() {
        return Vec::new();
    }
    if let Some(pause) = &view.paused {
        return vec![match &pause.hold {
            None => format!("unpause {}", view.id),
            Some(Hold::Everything) => "unpause --everything".to_owned(),
            Some(Hold::Runbook(name)) => format!("unpause --runbook {}", quoted(name)),
            Some(Hold::Parent) => format!("unpause {}", view.parent.as_ref().unwrap_or(&view.id)),
        }];
    }
    let several = view.waiting.iter().filter(|wait| wait.reason.needs_person()).count() > 1;
    let mut ways = Vec::new();
    for wait in &view.waiting {
        let step = if several {
            format!(" --step {}", wait.step)
        } else {
            String::new()
        };
        match &wait.reason {
            WaitReason::Approval { .. } => {
                ways.push(format!("approve {}{step}", view.id));
                ways.push(format!("reject {}{step}", view.id));
            }
            WaitReason::Signal { name } => ways.push(format!("signal {} {}{step}", view.id, quoted(name))),
            WaitReason::Start => ways.push(format!("step {} {}", view.id, wait.step)),
            // What the child waits for is its own matter.
            WaitReason::Child { id } => ways.push(format!("show {id}")),
            WaitReason::Time | WaitReason::Probe { .. } | WaitReason::Retry { .. } => {}
        }
    }
    if view.waiting.iter().any(|wait| wait.reason == WaitReason::Start) {
        ways.push(format!("step {} --complete", view.id));
    }
    if ways.is_empty() {
        ways.push(format!("resume {}", view.id));
    }
    ways
}

/// Who holds it, in a sentence.
fn pause_text(pause: &Pause) -> String {
    let what = pause.hold.as_ref().map_or_else(|| "it".to_owned(), Hold::to_string);
    let why = pause.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    visible(&format!("{what} is paused by {}{why}", pause.by))
}

/// For what a step waits, in a sentence.
pub(crate) fn wait_text(wait: &WaitView, now: Timestamp) -> String {
    let when = |word: &str| match wait.until {
        Some(until) => format!(" {word} {} (in {})", moment(until), duration(until.since(now))),
        None => String::new(),
    };
    match &wait.reason {
        WaitReason::Approval {
            message,
            approvers,
            quorum,
            approved,
        } => {
            let who = if approvers.iter().any(|name| name == "*") {
                "anyone".to_owned()
            } else {
                approvers.join(", ")
            };
            format!(
                "waits for approval by {who} ({approved} of {quorum}){}: {}",
                when("until"),
                visible(message)
            )
        }
        WaitReason::Signal { name } => format!("waits for the signal `{}`{}", visible(name), when("until")),
        WaitReason::Start => "waits until somebody starts it".to_owned(),
        WaitReason::Time => format!("sleeps{}", when("until")),
        WaitReason::Probe { probes, last } => {
            format!("not yet after {probes} probes, again{}: {}", when("at"), visible(last))
        }
        WaitReason::Retry { failure } => format!("failed, tries again{}: {}", when("at"), visible(failure)),
        WaitReason::Child { id } => format!("waits for execution {id}"),
    }
}

/// The step whose failure is that of the execution.
fn failed_step(view: &ExecutionView) -> Option<&StepView> {
    view.steps
        .iter()
        .find(|step| step.failure.is_some() && step.failure == view.failure)
}

/// A failure: kind, code, message, and where to read more.
fn failure_text(failure: &Failure, paint: Paint) -> String {
    let code = failure
        .code
        .as_ref()
        .map_or_else(String::new, |code| format!(" {code}"));
    let head = format!("{}{code}", failure.kind.as_str());
    let mut text = format!("{}: {}", paint.red(&head), visible_lines(failure.message.trim_end()));
    if let Some(code) = &failure.code {
        text.push_str(&format!("\n`runwright explain {code}` says more"));
    }
    text
}

/// The same with its details.
fn failure_whole(failure: &Failure, paint: Paint) -> String {
    let details = failure
        .details
        .iter()
        .map(|details| format!("\ndetails: {}", visible(&details.to_string())));
    failure_text(failure, paint) + &details.collect::<String>()
}

/// The whole execution.
pub(crate) fn whole(view: &ExecutionView, now: Timestamp, paint: Paint, command: &dyn Fn(&str) -> String) -> String {
    let mut out = heading(view, now, paint);
    out.push_str(&section("Parameters", &values(&view.parameters)));
    out.push_str(&section("Variables", &values(&view.variables)));
    out.push_str(&format!("\n{}\n", paint.bold("Steps")));
    out.push_str(&indented(&steps(&view.steps, now, paint), 2));
    out.push('\n');
    out.push_str(&section("Outputs", &values(&view.outputs)));
    // A step's own failure is shown with the step.
    if let Some(failure) = view.failure.as_ref().filter(|_| failed_step(view).is_none()) {
        out.push_str(&section("Failure", &failure_whole(failure, paint)));
    }
    let mut waits: Vec<String> = view.paused.iter().map(pause_text).collect();
    waits.extend(
        view.waiting
            .iter()
            .map(|wait| format!("{}: {}", wait.step, wait_text(wait, now))),
    );
    waits.extend(
        ways_on(view)
            .iter()
            .map(|way| format!("  {}", paint.bold(&command(way)))),
    );
    out.push_str(&section("Goes on with", &waits.join("\n")));
    out
}

fn heading(view: &ExecutionView, now: Timestamp, paint: Paint) -> String {
    let mut rows: Vec<[String; 2]> = vec![
        ["Execution".into(), view.id.to_string()],
        ["Runbook".into(), visible(&view.runbook)],
        ["Status".into(), paint.status(view.status, view.status.as_str())],
        [
            "Started".into(),
            format!("{} by {}", moment(view.started_at), visible(&view.started_by)),
        ],
    ];
    rows.push(match view.ended_at {
        Some(ended) => [
            "Ended".into(),
            format!("{} after {}", moment(ended), duration(spent(view, now))),
        ],
        None => ["Since".into(), duration(spent(view, now))],
    });
    if let Some(first) = &view.rerun_of {
        rows.push(["Rerun of".into(), first.to_string()]);
    }
    if let Some(parent) = &view.parent {
        rows.push(["Parent".into(), parent.to_string()]);
    }
    rows.push(["Plan".into(), view.plan.clone()]);
    rows.iter().map(|[name, text]| format!("{name:<10} {text}\n")).collect()
}

/// A titled block; nothing when it is empty.
pub(crate) fn section(title: &str, body: &str) -> String {
    if body.is_empty() {
        String::new()
    } else {
        format!("\n{title}\n{}\n", indented(body, 2))
    }
}

fn values(map: &Map<String, Value>) -> String {
    let wide = map.keys().map(|name| width(name)).max().unwrap_or(0);
    let lines: Vec<String> = map
        .iter()
        .map(|(name, it)| {
            format!(
                "{}{} = {}",
                visible(name),
                " ".repeat(wide - width(name)),
                value_line(it)
            )
        })
        .collect();
    lines.join("\n")
}

fn steps(steps: &[StepView], now: Timestamp, paint: Paint) -> String {
    let names = steps.iter().map(|step| width(&step.name)).max().unwrap_or(0);
    let actions = steps.iter().map(|step| width(&step.action)).max().unwrap_or(0);
    let blocks: Vec<String> = steps
        .iter()
        .map(|step| {
            let pad = |text: &str, to: usize| format!("{text}{}", " ".repeat(to - width(text)));
            let head = format!(
                "{} {}  {}  {}  {}",
                paint.status(step.status, mark(step.status)),
                pad(&step.name, names),
                paint.dim(&pad(&step.action, actions)),
                paint.status(step.status, step.status.as_str()),
                remarks(step, now),
            );
            let notes = notes(step, paint);
            if notes.is_empty() {
                head.trim_end().to_owned()
            } else {
                format!("{}\n{}", head.trim_end(), indented(&notes, 4))
            }
        })
        .collect();
    blocks.join("\n")
}

/// Duration, attempts, visits: what is worth a word.
pub(crate) fn remarks(step: &StepView, now: Timestamp) -> String {
    let mut words = Vec::new();
    if let Some(started) = step.started_at {
        words.push(duration(step.ended_at.unwrap_or(now).since(started)));
    }
    if step.attempt > 1 {
        words.push(format!("attempt {} of {}", step.attempt, step.max_attempts));
    }
    if let Some(iteration) = step.iteration {
        let around = step.in_loop.as_ref().map(|name| format!(" of {}", visible(name)));
        words.push(format!("iteration {iteration}{}", around.unwrap_or_default()));
    } else if step.visit > 1 {
        words.push(format!("visit {}", step.visit));
    }
    words.join(", ")
}

/// A value in a line of limited length. One that is empty is seen to be.
fn value_line(it: &Value) -> String {
    let text = value(it);
    if text.is_empty() {
        "\"\"".to_owned()
    } else {
        shortened(&text, VALUE_COLUMNS)
    }
}

fn notes(step: &StepView, paint: Paint) -> String {
    let mut notes = Vec::new();
    if let Some(reason) = &step.skipped {
        notes.push(format!("skipped: {}", visible(reason)));
    }
    notes.extend(step.failure.iter().map(|failure| failure_whole(failure, paint)));
    for (name, output) in &step.outputs {
        notes.push(format!("{} = {}", visible(name), value_line(output)));
    }
    if let Some(status) = step.rollback {
        notes.push(format!("rollback: {}", paint.status(status, status.as_str())));
    }
    if let Some((by, reason)) = &step.rollback_skipped {
        notes.push(visible(&format!("not undone: {by} said: {reason}")));
    }
    for earlier in &step.earlier {
        let why = earlier
            .failure
            .as_ref()
            .map_or_else(String::new, |failure| format!(": {}", failure.message));
        let line = format!("visit {} was {}{why}", earlier.visit, earlier.status);
        notes.push(shortened(&visible(&line), VALUE_COLUMNS));
    }
    notes.extend(
        step.rollback_failure
            .iter()
            .map(|failure| failure_whole(failure, paint)),
    );
    notes.join("\n")
}

/// One step, whole: inputs and outputs uncut.
pub(crate) fn one_step(step: &StepView, now: Timestamp, paint: Paint) -> String {
    let mut rows = vec![
        row("Step", &step.name),
        row("Action", &step.action),
        vec![
            "Status".into(),
            Cell::painted(step.status.as_str(), |text| paint.status(step.status, text)),
        ],
        row("Attempt", &format!("{} of {}", step.attempt, step.max_attempts)),
        row("Visit", &step.visit.to_string()),
    ];
    if let Some(started) = step.started_at {
        rows.push(row("Started", &format!("{}, {}", moment(started), remarks(step, now))));
    }
    if !step.depends_on.is_empty() {
        rows.push(row("After", &step.depends_on.join(", ")));
    }
    let mut out = table(&["", ""], &rows, None);
    let json =
        |value: &Value| visible_lines(&serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()));
    out.push_str(&section("Inputs", &step.inputs.as_ref().map_or_else(String::new, json)));
    if !step.outputs.is_empty() {
        out.push_str(&section("Outputs", &json(&Value::Object(step.outputs.clone()))));
    }
    let mut bare = step.clone();
    bare.outputs.clear();
    out.push_str(&section("Remarks", &notes(&bare, paint)));
    out
}

fn row(name: &str, text: &str) -> Vec<Cell> {
    vec![name.into(), text.into()]
}

#[cfg(test)]
mod tests {
    use runwright::model::failure::FailureKind;

    use super::{
        super::fixture::{approval, step, view},
        *,
    };

    const NOW: Timestamp = Timestamp::from_millis(60_000);

    fn summarised(view: &ExecutionView) -> String {
        summary(view, NOW, Paint(false), &|rest| format!("runwright {rest}"))
    }

    #[test]
    fn a_wait_says_who_and_how() {
        let mut it = view(vec![step("ask", Status::Waiting, 1)], vec![approval("ask", 1)]);
        it.status = Status::Waiting;
        assert_eq!(
            summarised(&it),
            "Waiting  r  x  1 min\n  \
             ask: waits for approval by bob, carol (1 of 2) until 1970-01-01 00:02:00Z (in 1 min): May it?\n    \
             runwright approve x\n    runwright reject x\n"
        );
    }

    #[test]
    fn several_waits_name_their_steps() {
        let signal = WaitView {
            step: "hold".into(),
            reason: WaitReason::Signal { name: "Resume".into() },
            until: None,
        };
        let it = view(Vec::new(), vec![approval("ask", 0), signal]);
        assert_eq!(
            ways_on(&it),
            [
                "approve x --step ask",
                "reject x --step ask",
                "signal x Resume --step hold"
            ]
        );
        assert_eq!(ways_on(&view(Vec::new(), Vec::new())), ["resume x"]);
    }

    #[test]
    fn the_end_shows_outputs_and_failures_whole() {
        let mut it = view(Vec::new(), vec![approval("ask", 0)]);
        it.status = Status::Failed;
        it.ended_at = Some(Timestamp::from_millis(1_500));
        it.outputs.insert("a.Out".into(), "x\u{1b}[31m".into());
        it.failure = Some(Failure::new(FailureKind::Failed, "one\ntwo").with_code("RW-X001"));
        assert_eq!(
            summarised(&it),
            "Failed  r  x  1.5 s\n  a.Out = x␛[31m\n  failed RW-X001: one\n  two\n  `runwright explain RW-X001` says more\n    \
             runwright show x\n    runwright logs x\n"
        );
    }

    #[test]
    fn the_whole_lists_steps_in_line() {
        let mut failed = step("longer", Status::Failed, 2);
        failed.started_at = Some(Timestamp::from_millis(0));
        failed.ended_at = Some(Timestamp::from_millis(2_000));
        failed.failure = Some(Failure::new(FailureKind::Failed, "no"));
        let text = whole(
            &view(vec![step("a", Status::Pending, 0), failed], Vec::new()),
            NOW,
            Paint(false),
            &str::to_owned,
        );
        assert!(text.contains("  · a       aws:sleep  Pending\n"), "{text}");
        assert!(
            text.contains("  ✘ longer  aws:sleep  Failed  2.0 s, attempt 2 of 3\n      failed: no\n"),
            "{text}"
        );
    }
}
