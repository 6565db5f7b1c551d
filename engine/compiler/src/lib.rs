//! Compiles a runbook's or a Command document's text to a plan, or to diagnostics.
//!
//! Two steps, because a document names the plugins its actions come from: [`parse`] reads the text and says
//! which ([`Parsed::plugins`]); [`Parsed::compile`] takes what is known of all actions and returns the plan, if
//! there can be one, with every diagnostic. [`bind()`] turns the parameters given to an execution into its own.
//!
//! ```
//! use runwright_compiler::{Catalog, Source, parse};
//!
//! let text = "schemaVersion: '0.3'\nmainSteps:\n- name: wait\n  action: aws:slep\n  inputs: {}\n";
//! let source = Source { name: "example".into(), origin: "example.yaml".into(), text: text.into() };
//! let compiled = parse(&source).compile(&Catalog::default());
//! assert!(compiled.plan.is_none());
//! let first = &compiled.diagnostics[0];
//! assert_eq!((first.code, first.span.line, first.span.column), ("RW-C021", 4, 11));
//! assert_eq!(first.help.as_deref(), Some("did you mean `aws:sleep`?"));
//! ```
//!
//! # What this crate does not do
//!
//! It opens no file, runs nothing, and resolves no reference: it says whether a reference can have a value. It does
//! not print: whoever has a terminal renders [`Diagnostic`]s.
//!
//! # Where to start
//!
//! The text becomes a tree (`syntax`), the tree a document (`document`, `step`), the document a draft of a plan
//! (`draft`, `lower`), and the draft is checked (`check`, one file per rule). Command documents are another language, read
//! by `command`.

use std::collections::{BTreeMap, BTreeSet};

use runwright_model::{
    action::ActionSpec,
    digest::Digest,
    expression::Template,
    grant::Grants,
    id::StepId,
    parameter::Variable,
    plan::{Order, OutputReference, Plan},
    step::{Step, StepKind},
};
use serde::Serialize;

mod bind;
mod check;
mod codes;
mod command;
mod condition;
mod constraint;
mod diagnostic;
mod document;
mod draft;
mod duration;
mod fields;
mod finding;
mod flow;
mod json;
mod known;
pub mod limits;
mod lower;
mod parameters;
mod pattern;
mod place;
mod plugins;
mod scalar;
mod schema;
mod step;
mod suggest;
mod syntax;
mod targets;
mod template;
mod tree;
mod yaml;

pub use bind::{BindError, bind, ssm_default};
pub use codes::CODES;
pub use command::is_plugin as is_command_plugin;
pub use diagnostic::{Diagnostic, Severity, Span};
pub use duration::parse as duration_ms;
pub use flow::{Edge, EdgeKind, edges};
pub use schema::schema;
pub use targets::{Target, Targets, TargetsError, fan_out};
pub use tree::{Tree, escaped, tree};

use document::Document;
use draft::Draft;
use finding::{Finding, Findings};
use place::Lines;

/// The code of an action that neither the catalog nor Systems Manager knows.
pub const UNKNOWN_ACTION: &str = codes::UNKNOWN_ACTION;

/// A document to compile.
#[derive(Debug, Clone)]
pub struct Source {
    /// The runbook's name: the file's name without its ending.
    pub name: String,
    /// How messages call the place it came from: a path, or `<stdin>`.
    pub origin: String,
    /// The text. YAML or JSON.
    pub text: String,
}

/// A plugin a document brings along: one entry of its `plugins:` block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PluginBinding {
    /// The action it provides.
    pub action: String,
    /// Where its component is.
    #[serde(flatten)]
    pub source: PluginSource,
    /// The digest it must have.
    pub sha256: Option<String>,
    /// What the document grants it.
    pub grants: Grants,
    /// Where it is written.
    pub span: Span,
}

/// Where the component of a plugin is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginSource {
    /// In a file, relative to the document.
    Path(String),
    /// In a registry, as in `registry.example/acme/drain:1.0.0`. It is not read here.
    #[serde(rename = "oci")]
    Registry(String),
}

/// What is known of actions.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// By name. Plugins that come with the engine, and those the document binds.
    pub actions: BTreeMap<String, ActionSpec>,
    /// Names of further actions there are, for suggestions: a plugin need not be loaded to be named.
    pub names: BTreeSet<String>,
}

/// The result of a compilation.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The plan, unless an error was found.
    pub plan: Option<Plan>,
    /// Everything found, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Where each step of the plan begins, in the order of its steps.
    pub steps: Vec<Span>,
}

/// A document that has been read. Errors of its shape are kept until it is compiled.
#[derive(Debug, Clone)]
pub struct Parsed {
    source: Source,
    lines: Lines,
    content: Content,
    plugins: Vec<PluginBinding>,
    findings: Findings,
}

/// What a document is.
#[derive(Debug, Clone)]
enum Content {
    /// A runbook.
    Runbook(Document),
    /// A Command document.
    Command(command::Document),
    /// Nothing that can be read.
    Nothing,
}

impl Content {
    fn read(root: syntax::Node, findings: &mut Findings) -> Self {
        match command::schema(&root) {
            Some(schema) => command::read(root, schema, findings).map_or(Self::Nothing, Self::Command),
            None => document::read(root, findings).map_or(Self::Nothing, Self::Runbook),
        }
    }

    fn runbook(&self) -> Option<&Document> {
        match self {
            Self::Runbook(document) => Some(document),
            Self::Command(_) | Self::Nothing => None,
        }
    }
}

/// Reads a document. Never fails: what is wrong comes out of [`Parsed::compile`].
#[must_use]
pub fn parse(source: &Source) -> Parsed {
    let mut findings = Findings::new();
    let root = syntax::read(&source.text, &mut findings);
    let content = root.map_or(Content::Nothing, |root| Content::read(root, &mut findings));
    let lines = Lines::new(&source.text);
    let plugins = content
        .runbook()
        .into_iter()
        .flat_map(|document| &document.plugins.bound)
        .map(|raw| PluginBinding {
            action: raw.action.clone(),
            source: raw.source.clone(),
            sha256: raw.sha256.clone(),
            grants: raw.grants.clone(),
            span: lines.span(&source.text, raw.place),
        });
    let plugins = plugins.collect();
    Parsed {
        source: source.clone(),
        lines,
        content,
        plugins,
        findings,
    }
}

impl Parsed {
    /// The plugins the document binds, in its order.
    #[must_use]
    pub fn plugins(&self) -> &[PluginBinding] {
        &self.plugins
    }

    /// The actions its steps name, known or not, without those that are part of the engine (`aws:branch`,
    /// `aws:loop`, `aws:updateVariable`): what a catalog should hold.
    #[must_use]
    pub fn actions(&self) -> BTreeSet<String> {
        match &self.content {
            Content::Runbook(document) => {
                let named = document.steps.iter().map(step::RawStep::action);
                let named = named.filter(|action| !action.is_empty() && !known::is_built_in(action));
                named.map(str::to_owned).collect()
            }
            Content::Command(document) => document.steps.iter().map(|step| step.plugin.value.clone()).collect(),
            Content::Nothing => BTreeSet::new(),
        }
    }

    /// One diagnostic for each use of a key that Systems Manager does not have: such a document runs here only.
    #[must_use]
    pub fn additions(&self) -> Vec<Diagnostic> {
        let uses = self
            .content
            .runbook()
            .into_iter()
            .flat_map(|document| &document.additions);
        let finding = |used: &place::Spanned<String>| {
            let message = format!(
                "`{}` is an addition of Runwright, which AWS Systems Manager refuses",
                used.value
            );
            Finding::error(codes::NOT_AWS, used.place, message)
        };
        self.finish(uses.map(finding).collect())
    }

    /// The plan, if there can be one, and everything found.
    #[must_use]
    pub fn compile(&self, catalog: &Catalog) -> Compiled {
        let (name, text) = (&self.source.name, &self.source.text);
        let mut findings = self.findings.clone();
        let (plan, heads) = match &self.content {
            Content::Nothing => (None, Vec::new()),
            Content::Command(document) => {
                let plan = command::plan(name, text, document, catalog, &mut findings);
                let heads = document.steps.iter().map(|step| step.name.place).collect();
                (is_sound(&findings).then_some(plan), heads)
            }
            Content::Runbook(document) => {
                let draft = Draft::new(text, document, catalog, &mut findings);
                for rule in check::RULES {
                    rule(&draft, &mut findings);
                }
                let heads: Vec<_> = document.steps.iter().map(step::RawStep::head).collect();
                (is_sound(&findings).then(|| plan(name, draft)), heads)
            }
        };
        let steps = heads.into_iter().map(|head| self.lines.span(text, head)).collect();
        Compiled {
            plan,
            diagnostics: self.finish(findings),
            steps,
        }
    }

    fn finish(&self, mut findings: Findings) -> Vec<Diagnostic> {
        findings.sort_by_key(|finding| (finding.place.start, finding.code));
        findings.dedup();
        findings
            .into_iter()
            .map(|finding| finding.into_diagnostic(&self.source.text, &self.lines))
            .collect()
    }
}

fn is_sound(findings: &Findings) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Error)
}

/// The plan of a draft without errors.
fn plan(name: &str, draft: Draft<'_>) -> Plan {
    let document = draft.document;
    let used: BTreeSet<&str> = draft.steps.iter().map(|step| step.kind.action()).collect();
    let actions = used
        .into_iter()
        .filter_map(|action| draft.catalog.actions.get_key_value(action));
    let outputs = document.outputs.iter().filter_map(|output| {
        let (step, output) = output.value.split_once('.')?;
        Some(OutputReference {
            step: StepId::from_index(*draft.names.get(step)?),
            output: output.to_owned(),
        })
    });
    let variables = document
        .variables
        .read
        .iter()
        .zip(draft.variable_defaults)
        .map(|(raw, default)| Variable {
            name: raw.name.value.clone(),
            variable_type: raw.variable_type,
            default,
            description: raw.description.clone(),
        });
    let concurrency = match draft.order {
        Order::List => 1,
        Order::Graph => limits::CONCURRENCY_DEFAULT,
    };
    Plan {
        name: name.to_owned(),
        description: document.description.clone(),
        order: draft.order,
        parameters: parameters::with_templates(&document.parameters.read),
        variables: variables.collect(),
        outputs: outputs.collect(),
        assume_role: draft.assume_role.filter(|role| *role != empty_text()),
        rollback_on_failure: document.rollback_on_failure,
        max_concurrency: document.max_concurrency.unwrap_or(concurrency),
        actions: actions
            .map(|(name, spec)| (name.clone(), document.plugins.granting(spec)))
            .collect(),
        attachments: attachments(document, &draft.steps),
        steps: draft.steps,
        fan_out: None,
        command: None,
    }
}

/// The attachments that steps name: whoever starts the runbook must have these, and needs no other.
fn attachments(document: &Document, steps: &[Step]) -> BTreeMap<String, Digest> {
    let named = |name: &str| {
        steps.iter().any(|step| {
            let StepKind::Action { action, inputs } = &step.kind else {
                return false;
            };
            let is_it = |input: &Template| match input {
                Template::Literal(value) => value == name,
                Template::Text(_) | Template::Reference(_) | Template::List(_) | Template::Map(_) => true,
            };
            action == known::EXECUTE_SCRIPT
                && inputs
                    .iter()
                    .any(|(input, value)| input == "Attachment" && is_it(value))
        })
    };
    let mut files = document.files.clone();
    files.retain(|name, _| named(name));
    files
}

/// An empty `assumeRole` means none.
fn empty_text() -> Template {
    Template::Literal(serde_json::Value::String(String::new()))
}
