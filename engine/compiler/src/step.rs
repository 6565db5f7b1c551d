//! The shape of one step: its keys and their types. What they refer to is resolved later.

use runwright_model::{parameter::ParameterType, step::Retry};

use crate::{
    codes, duration,
    fields::{self, Fields, missing, wrong_type},
    finding::{Finding, Findings},
    known, parameters,
    place::{Place, Spanned},
    suggest::{listed, nearest},
    syntax::{Entry, Node, Shape},
};

/// The keys of a step: those of Systems Manager, then ours.
const KEYS: [&str; 16] = [
    "name",
    "action",
    "description",
    "inputs",
    "outputs",
    "maxAttempts",
    "timeoutSeconds",
    "onFailure",
    "onCancel",
    "isEnd",
    "nextStep",
    "isCritical",
    "dependsOn",
    "when",
    "retry",
    "rollback",
];

/// A step whose shape has been read. Its name is empty when it has none.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawStep {
    pub(crate) place: Place,
    /// The loop in whose body it is, by its place in the document's list.
    pub(crate) parent: Option<usize>,
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) action: Option<Spanned<String>>,
    pub(crate) inputs: Vec<Entry>,
    /// Where `inputs` stands, or the step's beginning.
    pub(crate) inputs_place: Place,
    pub(crate) outputs: Vec<RawOutput>,
    pub(crate) retry: Retry,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) on_failure: Option<Spanned<Policy>>,
    pub(crate) on_cancel: Option<Spanned<Policy>>,
    pub(crate) is_end: Option<Spanned<bool>>,
    pub(crate) next: Option<Spanned<String>>,
    pub(crate) is_critical: Option<bool>,
    pub(crate) depends_on: Option<Vec<Spanned<String>>>,
    pub(crate) when: Option<Node>,
    pub(crate) rollback: RawRollback,
}

/// What happens after a failure or a cancellation, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Policy {
    Abort,
    Continue,
    Rollback,
    Goto(String),
}

/// `rollback`, as written.
#[derive(Debug, Clone, Default)]
pub(crate) enum RawRollback {
    #[default]
    Absent,
    None,
    Inputs(Place, Vec<Entry>),
}

/// One of the author's own outputs.
#[derive(Debug, Clone)]
pub(crate) struct RawOutput {
    pub(crate) name: Spanned<String>,
    pub(crate) selector: Spanned<String>,
    pub(crate) output_type: ParameterType,
}

impl RawStep {
    pub(crate) fn name(&self) -> &str {
        self.name.as_ref().map_or("", |name| &name.value)
    }

    pub(crate) fn action(&self) -> &str {
        self.action.as_ref().map_or("", |action| &action.value)
    }

    /// Where the step begins: up to its name, for messages about the whole step.
    pub(crate) fn head(&self) -> Place {
        match &self.name {
            Some(name) => name.place,
            None => Place {
                start: self.place.start,
                end: self.place.start.saturating_add(1).min(self.place.end),
            },
        }
    }
}

pub(crate) fn read(node: Node, additions: &mut Vec<Spanned<String>>, findings: &mut Findings) -> RawStep {
    let place = node.place;
    let mut step = RawStep {
        place,
        inputs_place: Place {
            end: place.start,
            ..place
        },
        ..RawStep::default()
    };
    let Some(mut fields) = Fields::of(node, "a step", findings) else {
        return step;
    };
    step.name = fields.require("name", findings).and_then(|e| name(e.value, findings));
    step.action = fields
        .require("action", findings)
        .and_then(|e| fields::text(e.value, "`action`", findings));
    drop(
        fields
            .take("description")
            .and_then(|entry| crate::document::description(entry, findings)),
    );
    step.inputs_place = step.head();
    inputs(&mut fields, &mut step, findings);
    name_power_shell(&mut step, findings);
    if let Some((_, nodes)) = fields.list("outputs", findings) {
        step.outputs = nodes.into_iter().filter_map(|node| output(node, findings)).collect();
    }
    step.timeout_seconds = fields
        .whole("timeoutSeconds", 1, u64::from(u32::MAX), findings)
        .map(|t| t.value);
    step.on_failure = policy(
        &mut fields,
        "onFailure",
        &["Abort", "Continue", "Rollback", "step:<name>"],
        findings,
    );
    step.on_cancel = policy(&mut fields, "onCancel", &["Abort", "step:<name>"], findings);
    step.is_end = fields.boolean("isEnd", findings);
    step.next = fields.text("nextStep", findings);
    step.is_critical = fields.boolean("isCritical", findings).map(|flag| flag.value);
    retry(&mut fields, &mut step, additions, findings);
    ours(&mut fields, &mut step, additions, findings);
    fields.finish(&KEYS, findings);
    check_end(&step, findings);
    step
}

/// A script in PowerShell cannot run where the others run, in the sandbox, so it is another action with other grants. An
/// attachment, which Systems Manager lets it have, does not get there.
fn name_power_shell(step: &mut RawStep, findings: &mut Findings) {
    let is_power_shell = |entry: &Entry| match &entry.value.shape {
        Shape::Text(runtime) if entry.key == "Runtime" => runtime.to_ascii_lowercase().starts_with("powershell"),
        _ => false,
    };
    if step.action() == known::EXECUTE_SCRIPT
        && step.inputs.iter().any(is_power_shell)
        && let Some(action) = &mut step.action
    {
        action.value = known::POWER_SHELL.to_owned();
        if let Some(at) = step.inputs.iter().position(|entry| entry.key == "Attachment") {
            let attachment = step.inputs.remove(at);
            let message = "a script in PowerShell runs without its attachment here";
            findings.push(
                Finding::warning(codes::UNKNOWN_INPUT, attachment.key_place, message)
                    .help("put what it needs into the script, or fetch it there"),
            );
        }
    }
}

fn name(node: Node, findings: &mut Findings) -> Option<Spanned<String>> {
    let name = fields::text(node, "`name`", findings)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.value.is_empty() || !name.value.chars().all(legal) {
        let fixed: String = name.value.chars().map(|c| if legal(c) { c } else { '_' }).collect();
        let message = format!("`{}` is not a step name: use letters, digits and _", name.value);
        let finding = Finding::error(codes::BAD_NAME, name.place, message);
        findings.push(if fixed.is_empty() { finding } else { finding.fix(fixed) });
    }
    Some(name)
}

/// Actions of Systems Manager need the key even when it is empty; its service says so.
fn inputs(fields: &mut Fields, step: &mut RawStep, findings: &mut Findings) {
    let Some(entry) = fields.take("inputs") else {
        if step.action().starts_with("aws:") {
            findings.push(missing("a step", "inputs", step.head()).help("add `inputs: {}` if it has none"));
        }
        return;
    };
    step.inputs_place = entry.key_place;
    match entry.value.shape {
        Shape::Map(entries) => step.inputs = entries,
        Shape::Null => {}
        Shape::Boolean(_) | Shape::Number(_) | Shape::Text(_) | Shape::List(_) => {
            findings.push(wrong_type(&entry.value, "`inputs` must be a map"));
        }
    }
}

fn output(node: Node, findings: &mut Findings) -> Option<RawOutput> {
    const BASIC: &str = "String, StringList, Integer, Boolean, MapList, StringMap";
    let mut fields = Fields::of(node, "an output", findings)?;
    let name = fields
        .require("Name", findings)
        .and_then(|e| fields::text(e.value, "`Name`", findings));
    let selector = fields
        .require("Selector", findings)
        .and_then(|e| fields::text(e.value, "`Selector`", findings));
    let output_type = match fields.text("Type", findings) {
        None => ParameterType::String,
        Some(text) => parameters::basic_type(&text, &format!("outputs have {BASIC}"), findings)?,
    };
    fields.finish(&["Name", "Selector", "Type"], findings);
    Some(RawOutput {
        name: name?,
        selector: selector?,
        output_type,
    })
}

fn policy(fields: &mut Fields, key: &str, words: &[&str], findings: &mut Findings) -> Option<Spanned<Policy>> {
    let text = fields.text(key, findings)?;
    let value = match text.value.as_str() {
        "Abort" => Policy::Abort,
        "Continue" if words.contains(&"Continue") => Policy::Continue,
        "Rollback" if words.contains(&"Rollback") => Policy::Rollback,
        other => match other.strip_prefix("step:") {
            Some(step) => Policy::Goto(step.trim().to_owned()),
            None => {
                findings.push(wrong_word(key, other, text.place, words));
                return None;
            }
        },
    };
    Some(Spanned {
        value,
        place: text.place,
    })
}

/// A value that is none of the words allowed.
pub(crate) fn wrong_word(key: &str, word: &str, place: Place, words: &[&str]) -> Finding {
    let finding = Finding::error(codes::WRONG_WORD, place, format!("`{key}` cannot be `{word}`"));
    match nearest(word, words.iter().copied()) {
        Some(near) => finding.did_you_mean(Some(near)),
        None => finding.help(format!("it can be {}", listed(words.iter().copied()))),
    }
}

fn retry(fields: &mut Fields, step: &mut RawStep, additions: &mut Vec<Spanned<String>>, findings: &mut Findings) {
    let attempts = fields.whole("maxAttempts", 1, u64::from(u32::MAX), findings);
    if let Some(attempts) = &attempts {
        step.retry.max_attempts = u32::try_from(attempts.value).unwrap_or(u32::MAX);
    }
    let Some(entry) = fields.take("retry") else { return };
    additions.push(Spanned {
        value: "retry".into(),
        place: entry.key_place,
    });
    let Some(mut inner) = Fields::of(entry.value, "`retry`", findings) else {
        return;
    };
    let given = inner.has("maxAttempts");
    let own = inner.whole("maxAttempts", 1, u64::from(u32::MAX), findings);
    match (&attempts, &own) {
        (Some(first), Some(second)) => findings.push(
            Finding::error(
                codes::TWO_ATTEMPT_COUNTS,
                second.place,
                "the number of attempts is given twice",
            )
            .related(first.place, "here as well")
            .help("keep the one in `retry`, and remove `maxAttempts` beside it"),
        ),
        (None, Some(own)) => step.retry.max_attempts = u32::try_from(own.value).unwrap_or(u32::MAX),
        (Some(_), None) => {}
        (None, None) if given => {}
        (None, None) => findings.push(missing("`retry`", "maxAttempts", entry.key_place)),
    }
    if let Some(millis) = duration(&mut inner, "backoff", findings) {
        step.retry.backoff_ms = millis;
    }
    if let Some(millis) = duration(&mut inner, "maxBackoff", findings) {
        step.retry.max_backoff_ms = millis;
    }
    if let Some(jitter) = inner.boolean("jitter", findings) {
        step.retry.jitter = jitter.value;
    }
    inner.finish(&["maxAttempts", "backoff", "maxBackoff", "jitter"], findings);
}

fn duration(fields: &mut Fields, key: &str, findings: &mut Findings) -> Option<u64> {
    let entry = fields.take(key)?;
    let millis = duration::millis(&entry.value);
    if millis.is_none() {
        findings.push(
            Finding::error(
                codes::WRONG_TYPE,
                entry.value.place,
                format!("`{key}` must be a duration"),
            )
            .help("write it like 500ms, 5s, 1m30s or 2h, or as a number of seconds"),
        );
    }
    millis
}

/// The keys that Systems Manager does not know, but for `retry`.
fn ours(fields: &mut Fields, step: &mut RawStep, additions: &mut Vec<Spanned<String>>, findings: &mut Findings) {
    let mut added = |key: &str, place| {
        additions.push(Spanned {
            value: key.to_owned(),
            place,
        })
    };
    if let Some(policy) = step
        .on_failure
        .as_ref()
        .filter(|policy| policy.value == Policy::Rollback)
    {
        added("onFailure: Rollback", policy.place);
    }
    if let Some(entry) = fields.take("dependsOn") {
        added("dependsOn", entry.key_place);
        step.depends_on = Some(depends_on(entry.value, findings));
    }
    if let Some(entry) = fields.take("when") {
        added("when", entry.key_place);
        step.when = Some(entry.value);
    }
    if let Some(entry) = fields.take("rollback") {
        added("rollback", entry.key_place);
        step.rollback = rollback(entry, findings);
    }
}

/// A list of names, or one name.
fn depends_on(node: Node, findings: &mut Findings) -> Vec<Spanned<String>> {
    match node.shape {
        Shape::List(items) => items
            .into_iter()
            .filter_map(|item| fields::text(item, "an item of `dependsOn`", findings))
            .collect(),
        Shape::Text(value) => vec![Spanned {
            value,
            place: node.place,
        }],
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::Map(_) => {
            findings.push(wrong_type(&node, "`dependsOn` must be a list of step names"));
            Vec::new()
        }
    }
}

fn rollback(entry: Entry, findings: &mut Findings) -> RawRollback {
    match entry.value.shape {
        Shape::Map(entries) => RawRollback::Inputs(entry.key_place, entries),
        Shape::Text(ref text) if text == "none" => RawRollback::None,
        Shape::Text(_) | Shape::Null | Shape::Boolean(_) | Shape::Number(_) | Shape::List(_) => {
            findings.push(wrong_type(&entry.value, "`rollback` must be a map of inputs or `none`"));
            RawRollback::Absent
        }
    }
}

/// A branch may have both: they say what happens when no choice holds.
fn check_end(step: &RawStep, findings: &mut Findings) {
    let (Some(end), Some(next)) = (&step.is_end, &step.next) else {
        return;
    };
    if end.value && step.action() != "aws:branch" {
        findings.push(
            Finding::error(codes::END_AND_NEXT, next.place, "a step with `isEnd` has no next step")
                .related(end.place, "ends here")
                .help("remove `isEnd` or `nextStep`"),
        );
    }
}
