//! A runbook on its way to a plan: every step lowered as well as it can be, and all that the checks look at.

use std::{cell::OnceCell, collections::HashMap};

use runwright_model::{
    action::is_of_aws,
    expression::Template,
    id::StepId,
    parameter::{Parameter, ParameterType},
    plan::Order,
    step::Step,
};

use crate::{
    Catalog, codes,
    condition::Comparison,
    constraint,
    document::Document,
    finding::{Finding, Findings},
    flow::Flow,
    lower,
    parameters::RawVariable,
    place::Spanned,
    step::RawStep,
    suggest::Suggest,
    template::{Reader, Use},
};

/// Where braces are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// In the inputs of a step.
    Inputs,
    /// In its `when`.
    When,
    /// In the inputs of its rollback.
    Rollback,
    /// In `assumeRole`.
    Role,
    /// In the default of a variable.
    Variable,
}

/// Braces, and who uses them.
#[derive(Debug, Clone)]
pub(crate) struct SiteUse {
    pub(crate) found: Use,
    pub(crate) site: Site,
    /// The step; `None` outside of steps.
    pub(crate) step: Option<usize>,
}

/// The draft.
pub(crate) struct Draft<'c> {
    pub(crate) text: &'c str,
    pub(crate) document: &'c Document,
    pub(crate) catalog: &'c Catalog,
    /// The step of each name: the first one, when there are several.
    pub(crate) names: HashMap<&'c str, usize>,
    pub(crate) parameters: HashMap<&'c str, &'c Parameter>,
    pub(crate) variables: HashMap<&'c str, &'c RawVariable>,
    pub(crate) order: Order,
    pub(crate) steps: Vec<Step>,
    pub(crate) uses: Vec<SiteUse>,
    pub(crate) comparisons: Vec<Comparison>,
    /// Whether every jump leads to a step there is. Otherwise nothing can be said about what is reached.
    pub(crate) jumps_known: bool,
    pub(crate) assume_role: Option<Template>,
    pub(crate) variable_defaults: Vec<Option<Template>>,
    pub(crate) suggest: Suggest,
    flow: OnceCell<Flow>,
}

impl<'c> Draft<'c> {
    /// Lowers everything. What cannot be lowered is reported and left out.
    pub(crate) fn new(text: &'c str, document: &'c Document, catalog: &'c Catalog, findings: &mut Findings) -> Self {
        let mut draft = Self {
            text,
            document,
            catalog,
            names: names(&document.steps, findings),
            parameters: document.parameters.read.iter().map(|p| (p.name.as_str(), p)).collect(),
            variables: document
                .variables
                .read
                .iter()
                .map(|v| (v.name.value.as_str(), v))
                .collect(),
            order: if document.is_graph() { Order::Graph } else { Order::List },
            steps: Vec::with_capacity(document.steps.len()),
            uses: Vec::with_capacity(document.steps.len() * 2),
            comparisons: Vec::new(),
            jumps_known: true,
            assume_role: None,
            variable_defaults: Vec::new(),
            suggest: Suggest::default(),
            flow: OnceCell::new(),
        };
        for (index, raw) in document.steps.iter().enumerate() {
            let step = lower::step(&mut draft, index, raw, findings);
            draft.steps.push(step);
        }
        draft.lower_rest();
        draft
    }

    fn lower_rest(&mut self) {
        let document = self.document;
        self.assume_role = document
            .assume_role
            .as_ref()
            .map(|node| self.read(Site::Role, None, |reader| reader.template(node)));
        for variable in &document.variables.read {
            let default = variable.default.as_ref().map(|node| {
                let template = self.read(Site::Variable, None, |reader| reader.template(node));
                in_type(template, variable.variable_type)
            });
            self.variable_defaults.push(default);
        }
    }

    /// A finding about a reference that can have no value: a warning where it is passed on as its text. Systems Manager takes
    /// documents with such references, and lets the action say what it makes of the text.
    pub(crate) fn weighed(&self, used: &SiteUse, finding: Finding) -> Finding {
        let is_of_aws = |step: usize| is_of_aws(self.steps[step].kind.action());
        let alone = used.site == Site::Inputs && used.found.alone;
        if self.order == Order::List && alone && used.step.is_some_and(is_of_aws) {
            finding.into_warning()
        } else {
            finding
        }
    }

    /// The graph of the steps. Asked for when all steps are lowered.
    pub(crate) fn flow(&self) -> &Flow {
        self.flow.get_or_init(|| Flow::new(&self.steps, self.order))
    }

    /// Reads templates with `read`, and keeps what they use.
    pub(crate) fn read<T>(&mut self, site: Site, step: Option<usize>, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        let is_step = |name: &str| self.names.contains_key(name);
        let mut reader = Reader {
            is_step: &is_step,
            uses: Vec::new(),
        };
        let result = read(&mut reader);
        let uses = reader.uses;
        self.uses
            .extend(uses.into_iter().map(|found| SiteUse { found, site, step }));
        result
    }

    /// The step that a key of the flow of step `from` names; reported when there is none, or it is inside a loop that
    /// `from` is not in.
    pub(crate) fn target(&mut self, from: usize, name: &Spanned<String>, findings: &mut Findings) -> Option<StepId> {
        if let Some(index) = self.names.get(name.value.as_str()).copied() {
            let Some(around) = self.document.steps[index]
                .parent
                .filter(|around| !self.is_in(from, *around))
            else {
                return Some(StepId::from_index(index));
            };
            self.jumps_known = false;
            let message = format!(
                "the step `{}` is inside a loop, where no jump leads from outside",
                name.value
            );
            findings.push(
                Finding::error(codes::BAD_LOOP, name.place, message)
                    .related(self.document.steps[around].head(), "the loop it is in")
                    .help("let the flow go on at the loop"),
            );
            return None;
        }
        self.jumps_known = false;
        let message = format!("there is no step `{}`", name.value);
        let finding = Finding::error(codes::UNKNOWN_STEP, name.place, message);
        findings.push(if name.value.contains("{{") {
            finding.help("references are not resolved here; jump with aws:branch instead")
        } else {
            match self.nearest_step(&name.value) {
                // The place may hold more than the name (`step:x`), so there is help and no fix.
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding,
            }
        });
        None
    }

    /// Whether a step is inside a loop, directly or not.
    fn is_in(&self, step: usize, around: usize) -> bool {
        let steps = &self.document.steps;
        std::iter::successors(steps[step].parent, |parent| steps[*parent].parent).any(|parent| parent == around)
    }

    /// The step whose name is most like this one.
    pub(crate) fn nearest_step(&self, name: &str) -> Option<&'c str> {
        let names = self.document.steps.iter().filter_map(|step| step.name.as_ref());
        self.suggest.nearest(name, names.map(|name| name.value.as_str()))
    }
}

/// A literal default in the variable's type: a map may be written as its JSON text.
fn in_type(template: Template, wanted: ParameterType) -> Template {
    match template {
        Template::Literal(value) => Template::Literal(constraint::typed(wanted, &value).unwrap_or(value)),
        Template::Reference(_) | Template::Text(_) | Template::List(_) | Template::Map(_) => template,
    }
}

fn names<'c>(steps: &'c [RawStep], findings: &mut Findings) -> HashMap<&'c str, usize> {
    let mut names = HashMap::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let Some(name) = &step.name else { continue };
        match names.get(name.value.as_str()) {
            None => {
                names.insert(name.value.as_str(), index);
            }
            Some(first) => {
                let first_place = steps.get(*first).map_or(name.place, RawStep::head);
                findings.push(
                    Finding::error(
                        codes::DUPLICATE_STEP,
                        name.place,
                        format!("there are two steps `{}`", name.value),
                    )
                    .label("again here")
                    .related(first_place, "first here")
                    .help("give one of them another name"),
                );
            }
        }
    }
    names
}
