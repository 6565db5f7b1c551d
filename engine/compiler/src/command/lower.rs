//! From a Command document to a plan.

use std::collections::{BTreeMap, BTreeSet};

use runwright_model::{
    condition::Condition,
    expression::{Global, Reference, Template},
    id::StepId,
    plan::{CommandFlow, Order, OutputReference, Plan},
    step::{OnFailure, Retry, RollbackSpec, Step, StepKind},
};

use super::{
    Schema,
    document::Document,
    known::{self, Here, Plugin},
    precondition,
    script::variable,
    step::RawStep,
    substitution::Substitution,
};
use crate::{
    Catalog, codes,
    finding::{Finding, Findings},
    place::Place,
    suggest::{listed, nearest},
    syntax::{Entry, Shape},
};

/// The modifiers, which every plugin has. Their names are exact.
const MODIFIERS: [&str; 3] = ["onFailure", "onSuccess", "finallyStep"];
/// The input by which a script gets its environment.
const ENVIRONMENT: &str = "environment";
const REGION: &str = "AWS_SSM_REGION_NAME";
/// The output that a step shows to whoever started the document.
const OUTPUT: &str = "Output";

/// The plan of a document. Worth something only when nothing is found.
pub(crate) fn plan(name: &str, text: &str, document: &Document, catalog: &Catalog, findings: &mut Findings) -> Plan {
    let lowering = Lowering {
        document,
        catalog,
        substitution: Substitution::new(text, document),
    };
    check_names(&document.steps, findings);
    let steps: Vec<Step> = document.steps.iter().map(|raw| lowering.step(raw, findings)).collect();
    let used: BTreeSet<&str> = steps.iter().map(|step| step.kind.action()).collect();
    let actions: BTreeMap<_, _> = used
        .into_iter()
        .filter_map(|action| catalog.actions.get_key_value(action))
        .map(|(name, spec)| (name.clone(), spec.clone()))
        .collect();
    let shows = |step: &Step| {
        let outputs = actions.get(step.kind.action()).map(|spec| &spec.manifest.outputs);
        outputs.is_some_and(|outputs| outputs.properties.contains_key(OUTPUT))
    };
    let outputs = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| shows(step))
        .map(|(index, _)| OutputReference {
            step: StepId::from_index(index),
            output: OUTPUT.to_owned(),
        })
        .collect();
    Plan {
        name: name.to_owned(),
        description: document.description.clone(),
        order: Order::List,
        parameters: document.parameters.read.clone(),
        variables: Vec::new(),
        outputs,
        assume_role: None,
        rollback_on_failure: false,
        max_concurrency: 1,
        actions,
        steps,
        attachments: BTreeMap::new(),
        fan_out: None,
        command: Some(CommandFlow {
            finally: finally(&document.steps, findings),
        }),
    }
}

fn check_names(steps: &[RawStep], findings: &mut Findings) {
    let mut names: BTreeMap<&str, Place> = BTreeMap::new();
    for step in steps {
        if let Some(first) = names.insert(&step.name.value, step.name.place) {
            let message = format!("there are two steps `{}`", step.name.value);
            findings.push(
                Finding::error(codes::DUPLICATE_STEP, step.name.place, message)
                    .label("again here")
                    .related(first, "first here")
                    .help("give one of them another name"),
            );
        }
    }
}

/// The last step, when it says that it runs in any case. On others the word has no effect.
fn finally(steps: &[RawStep], findings: &mut Findings) -> Option<StepId> {
    let mut found = None;
    for (index, step) in steps.iter().enumerate() {
        let Some(entry) = step.inputs.iter().find(|entry| entry.key == "finallyStep") else {
            continue;
        };
        let says = match &entry.value.shape {
            Shape::Boolean(flag) => *flag,
            Shape::Text(text) => text == "true",
            Shape::Null | Shape::Number(_) | Shape::List(_) | Shape::Map(_) => false,
        };
        if says && index + 1 == steps.len() {
            found = Some(StepId::from_index(index));
        } else if says {
            let message = "`finallyStep` has an effect on the last step only";
            findings.push(Finding::warning(codes::UNKNOWN_INPUT, entry.key_place, message));
        }
    }
    found
}

struct Lowering<'d> {
    document: &'d Document,
    catalog: &'d Catalog,
    substitution: Substitution<'d>,
}

impl Lowering<'_> {
    fn step(&self, raw: &RawStep, findings: &mut Findings) -> Step {
        let plugin = known::find(&raw.plugin.value);
        let mut when = None;
        let mut inputs = Vec::new();
        match plugin {
            None => findings.push(unknown(raw)),
            Some(plugin) => {
                self.check(plugin, raw, findings);
                when = self.when(plugin, raw, findings);
                inputs = self.inputs(plugin, raw, findings);
            }
        }
        Step {
            name: raw.name.value.clone(),
            parent: None,
            kind: StepKind::Action {
                action: raw.plugin.value.clone(),
                inputs,
            },
            outputs: Vec::new(),
            retry: Retry::default(),
            timeout_seconds: None,
            on_failure: on_failure(raw, findings),
            on_cancel: None,
            is_end: false,
            next: None,
            is_critical: true,
            depends_on: Vec::new(),
            when,
            rollback: RollbackSpec::None,
        }
    }

    /// Whether the plugin is one of this schema, and does its work here. One that does not fails when it is its turn.
    fn check(&self, plugin: &Plugin, raw: &RawStep, findings: &mut Findings) {
        let (name, place) = (plugin.name, raw.plugin.place);
        if self.document.schema < plugin.since {
            let message = format!("`{name}` needs schema 2.0 or 2.2");
            findings.push(Finding::error(codes::UNKNOWN_ACTION, place, message));
        }
        match plugin.here {
            Here::Provided if self.catalog.actions.contains_key(name) => {}
            Here::Provided => {
                let message = format!("the plugin `{name}` of Command documents is not there");
                findings.push(Finding::error(codes::ACTION_NOT_PROVIDED, place, message));
            }
            Here::WindowsOnly => {
                let becomes = if self.document.schema == Schema::V2_2 {
                    "is skipped"
                } else {
                    "fails"
                };
                let message = format!("`{name}` exists on Windows only; elsewhere its step {becomes}");
                findings.push(Finding::warning(codes::PLUGIN_NOT_HERE, place, message));
            }
            Here::Refused(reason) => {
                let message = format!("a step with `{name}` fails here: {reason}");
                findings.push(Finding::warning(codes::PLUGIN_NOT_HERE, place, message));
            }
        }
    }

    /// A plugin of another platform is skipped in schema 2.2, as one whose precondition is not met.
    fn when(&self, plugin: &Plugin, raw: &RawStep, findings: &mut Findings) -> Option<Condition> {
        let written = raw
            .precondition
            .as_ref()
            .and_then(|entry| precondition::condition(entry, &self.substitution, findings));
        if plugin.here != Here::WindowsOnly || self.document.schema < Schema::V2_2 {
            return written;
        }
        let windows = precondition::is_platform("Windows");
        Some(match written {
            Some(written) => Condition::And(vec![windows, written]),
            None => windows,
        })
    }

    /// The inputs under the names that the plugin has; what it has not is not looked at.
    fn inputs(&self, plugin: &Plugin, raw: &RawStep, findings: &mut Findings) -> Vec<(String, Template)> {
        let mut inputs: Vec<(String, Template)> = Vec::new();
        for entry in &raw.inputs {
            let exact = MODIFIERS.iter().find(|name| **name == entry.key);
            let known = plugin.inputs.iter().find(|name| name.eq_ignore_ascii_case(&entry.key));
            let Some(name) = exact.or(known) else {
                findings.push(not_looked_at(plugin, entry));
                continue;
            };
            if inputs.iter().any(|(taken, _)| taken == name) {
                let message = format!("the input `{name}` is given twice");
                findings.push(Finding::error(codes::DUPLICATE_KEY, entry.key_place, message));
                continue;
            }
            let script = plugin.shell.filter(|_| *name == "runCommand");
            let template = self.substitution.template(&entry.value, script, findings);
            inputs.push(((*name).to_owned(), template));
        }
        for name in &plugin.inputs[..plugin.required] {
            if !inputs.iter().any(|(given, _)| given == name) {
                let message = format!("`{}` needs the input `{name}`", plugin.name);
                findings.push(Finding::error(codes::MISSING_INPUT, raw.inputs_place, message));
            }
        }
        if plugin.shell.is_some() {
            inputs.push((ENVIRONMENT.to_owned(), self.environment()));
        }
        inputs
    }

    /// What a script has as variables: where it runs, and the parameters that are none of its text.
    fn environment(&self) -> Template {
        let region = Template::Reference(Reference::Global(Global::Region));
        let exported = self.document.exported.iter().map(|name| {
            let reference = Template::Reference(Reference::Parameter(name.clone()));
            (variable(name), reference)
        });
        Template::Map(std::iter::once((REGION.to_owned(), region)).chain(exported).collect())
    }
}

/// What follows a failure that no plugin could tell of: the plugin itself looks at its modifiers.
fn on_failure(raw: &RawStep, findings: &mut Findings) -> OnFailure {
    let written = |key: &str| {
        let entry = raw.inputs.iter().find(|entry| entry.key == key)?;
        Some((entry.value.place, entry.value.as_text()?))
    };
    for (key, words) in [("onFailure", &["exit", "successAndExit"][..]), ("onSuccess", &["exit"])] {
        if let Some((place, word)) = written(key).filter(|(_, word)| !words.contains(word) && !word.contains("{{")) {
            let message = format!("`{key}: {word}` has no effect");
            let help = format!("it can be {}", listed(words.iter().copied()));
            findings.push(Finding::warning(codes::WRONG_WORD, place, message).help(help));
        }
    }
    match written("onFailure") {
        Some((_, "exit" | "successAndExit")) => OnFailure::Abort,
        Some(_) | None => OnFailure::Continue,
    }
}

fn unknown(raw: &RawStep) -> Finding {
    let name = raw.plugin.value.as_str();
    let message = format!("Command documents have no plugin `{name}`");
    let finding = Finding::error(codes::UNKNOWN_ACTION, raw.plugin.place, message);
    match nearest(name, known::PLUGINS.iter().map(|plugin| plugin.name)) {
        Some(near) => finding.did_you_mean(Some(near)),
        None => finding.help("scripts are run by `aws:runShellScript` and `aws:runPowerShellScript`"),
    }
}

fn not_looked_at(plugin: &Plugin, entry: &Entry) -> Finding {
    let message = format!("`{}` does not look at the input `{}`", plugin.name, entry.key);
    let finding = Finding::warning(codes::UNKNOWN_INPUT, entry.key_place, message);
    match nearest(&entry.key, plugin.inputs.iter().copied()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    }
}
