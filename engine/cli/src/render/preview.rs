//! What a run would do, for people.

use runwright::{
    model::{action::Impact, plan::Order},
    preview::{Preview, PreviewCondition, PreviewStep, PreviewTargets, Way},
};

use super::{
    execution::section,
    paint::Paint,
    plugin::impact,
    table::{Cell, table},
    text::{count, shortened, value, visible},
};

/// Values are cut at so many columns: `--output json` has them whole.
const VALUE_COLUMNS: usize = 100;

/// The whole of it.
pub(crate) fn text(plan: &Preview, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.bold(&visible(&plan.runbook)));
    if let Some(description) = &plan.description {
        out.push_str(&format!("{}\n", visible(description)));
    }
    out.push('\n');
    out.push_str(&table(&["", ""], &heads(plan), None));
    out.push_str(&section("Parameters", &parameters(plan)));
    if let Some(targets) = &plan.targets {
        out.push_str(&section("Targets", &on_targets(targets)));
    }
    out.push_str("\nSteps\n");
    for (step, number) in plan.steps.iter().zip(1..) {
        let following = plan.steps.get(number).map(|next| next.name.as_str());
        out.push_str(&one(step, number, following, paint));
    }
    out.push_str(&section("Outputs", &plan.outputs.join("\n")));
    out
}

fn heads(plan: &Preview) -> Vec<Vec<Cell>> {
    let mut rows: Vec<[String; 2]> = vec![["Plan".into(), plan.plan.clone()]];
    let order = match plan.order {
        Order::List => "one step after the other".to_owned(),
        Order::Graph => format!("steps side by side, at most {}", plan.max_concurrency),
    };
    rows.push(["Order".into(), order]);
    let numbers = [
        (plan.impact.mutating, Impact::Mutating),
        (plan.impact.undetermined, Impact::Undetermined),
        (plan.impact.non_mutating, Impact::NonMutating),
    ];
    let numbers: Vec<String> = numbers
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, of)| format!("{number} {}", impact(*of)))
        .collect();
    rows.push(["Impact".into(), numbers.join(", ")]);
    if !plan.approvals.is_empty() {
        rows.push(["Approvals".into(), plan.approvals.join(", ")]);
    }
    if let Some(role) = &plan.assume_role {
        rows.push(["Role".into(), value(role)]);
    }
    if plan.rollback_on_failure {
        rows.push(["Failure".into(), "what was done is undone".into()]);
    }
    let cells = |row: &[String; 2]| row.iter().map(Cell::from).collect();
    rows.iter().map(cells).collect()
}

fn parameters(plan: &Preview) -> String {
    let row = |parameter: &runwright::preview::PreviewParameter| {
        let origin = if parameter.given { "" } else { "default" };
        let shown = shortened(&value(&parameter.value), VALUE_COLUMNS);
        vec![Cell::from(&parameter.name), origin.into(), shown.into()]
    };
    let rows: Vec<Vec<Cell>> = plan.parameters.iter().map(row).collect();
    table(&["", "", ""], &rows, None).trim_end().to_owned()
}

fn on_targets(targets: &PreviewTargets) -> String {
    let begins = if targets.ramp {
        "one at first, then two, then four"
    } else {
        "as many as may run at once"
    };
    let mut out = format!(
        "{}, at most {} at a time ({begins}); none begins after more than {}\n",
        count(targets.targets.len(), "target"),
        targets.max_concurrency,
        count(usize::try_from(targets.max_errors).unwrap_or(usize::MAX), "error")
    );
    for target in &targets.targets {
        let own: Vec<String> = target
            .parameters
            .iter()
            .map(|(name, it)| format!("{name} = {}", value(it)))
            .collect();
        out.push_str(&format!("{}\n", shortened(&own.join(", "), VALUE_COLUMNS)));
    }
    out.trim_end().to_owned()
}

fn one(step: &PreviewStep, number: usize, following: Option<&str>, paint: Paint) -> String {
    let shown = impact(step.impact);
    let shown = match step.impact {
        Impact::Mutating => paint.yellow(shown),
        Impact::Undetermined => paint.cyan(shown),
        Impact::NonMutating => paint.dim(shown),
    };
    let inside = step
        .in_loop
        .as_ref()
        .map_or_else(String::new, |of| format!(", in {of}"));
    let head = format!("{}  {}{inside}  {shown}", paint.bold(&step.name), step.action);
    let rows: Vec<Vec<Cell>> = details(step, following)
        .into_iter()
        .map(|(name, text)| vec![Cell::from(name), shortened(&text, VALUE_COLUMNS).into()])
        .collect();
    let body = table(&["", ""], &rows, None);
    let body = super::text::indented(&body, 7);
    format!("{number:>4}  {head}\n{body}{}", if body.is_empty() { "" } else { "\n" })
}

/// What of a capability there is, after a word that says whose word it is.
fn grants(word: &str, those: &[String]) -> String {
    match those {
        [] => format!("not {word}"),
        [only] if only == "true" => word.to_owned(),
        several => format!("{word}: {}", several.join("; ")),
    }
}

/// What there is to say of a step, each with a word before it.
fn details(step: &PreviewStep, following: Option<&str>) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, text: String| rows.push((name.to_owned(), text));
    if let Some(when) = &step.when {
        row("when", condition(when, "so it is skipped"));
    }
    if !step.depends_on.is_empty() {
        row("after", step.depends_on.join(", "));
    }
    if let Some(holds) = &step.repeats_while {
        row("while", condition(holds, "so it runs once"));
    }
    for (name, it) in &step.inputs {
        row(name, value(it));
    }
    if step.approval {
        row("approval", "asks people, and waits for them".to_owned());
    }
    for permission in &step.permissions {
        let granted = grants("granted", &permission.granted);
        row(
            "may",
            format!("{} ({granted}): {}", permission.capability, permission.why),
        );
        for bound in &permission.at_most {
            row(
                "at most",
                format!("{} by {}", grants("allowed", &bound.allowed), bound.policy),
            );
        }
    }
    if step.max_attempts > 1 {
        row("tried", format!("{} times at most", step.max_attempts));
    }
    if let Some(seconds) = step.timeout_seconds {
        row("timeout", format!("{seconds} s"));
    }
    match step.on_failure.as_str() {
        "Abort" => {}
        "Continue" => row("failure", "the flow goes on".to_owned()),
        "Exit" => row("failure", "the steps behind it are skipped".to_owned()),
        "Rollback" => row("failure", "what was done is undone".to_owned()),
        jump => row("failure", format!("goes on at {}", jump.trim_start_matches("step:"))),
    }
    if step.rollback {
        row("rollback", "its plugin undoes it".to_owned());
    }
    let usual = [following, step.in_loop.as_deref()];
    for way in step.ways.iter().filter(|way| is_told(way, &usual)) {
        row("then", to(way));
    }
    if step.is_end {
        row("then", "the end".to_owned());
    }
    rows
}

/// A condition, and what is known of it.
fn condition(condition: &PreviewCondition, when_false: &str) -> String {
    match condition.holds {
        Some(true) => format!("{} (holds)", condition.text),
        Some(false) => format!("{} (does not hold, {when_false})", condition.text),
        None => condition.text.clone(),
    }
}

/// The usual way needs no words, and a failure's has its own.
fn is_told(way: &Way, usual: &[Option<&str>]) -> bool {
    use runwright::EdgeKind as E;
    match way.kind {
        E::Choice | E::Default | E::Cancel => true,
        E::Next => !usual.contains(&Some(way.to.as_str())),
        E::Failure | E::Depends | E::Body => false,
    }
}

fn to(way: &Way) -> String {
    use runwright::EdgeKind as E;
    match (way.kind, &way.condition) {
        (E::Default, _) => format!("{} when no choice holds", way.to),
        (E::Cancel, _) => format!("{} when it is cancelled", way.to),
        (_, Some(choice)) => format!("{} when {}", way.to, condition(choice, "so it is not taken")),
        (_, None) => way.to.clone(),
    }
}
