//! One node of a plan.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{condition::Condition, expression::Template, id::StepId, parameter::ParameterType};

/// One step. References to other steps are resolved; defaults are filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name, unique in the plan.
    pub name: String,
    /// The loop in whose body it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<StepId>,
    /// What it does.
    pub kind: StepKind,
    /// Outputs picked from the action's own by the author.
    pub outputs: Vec<OutputSpec>,
    /// How often it is tried.
    pub retry: Retry,
    /// Each attempt ends after so many seconds.
    pub timeout_seconds: Option<u64>,
    /// What happens when it has failed for good.
    pub on_failure: OnFailure,
    /// Where a cancelled execution goes on, within its budget.
    pub on_cancel: Option<StepId>,
    /// The flow ends after it (list order).
    pub is_end: bool,
    /// The step after it when it ended well, where that is not the next one (list order).
    pub next: Option<StepId>,
    /// Whether its failure makes the execution fail.
    pub is_critical: bool,
    /// The steps that must have ended well before (graph order).
    pub depends_on: Vec<StepId>,
    /// False means Skipped.
    pub when: Option<Condition>,
    /// How it is undone.
    pub rollback: RollbackSpec,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Calls a plugin.
    Action {
        /// The action's name: a key of [`crate::plan::Plan::actions`].
        action: String,
        /// Its inputs.
        inputs: Vec<(String, Template)>,
    },
    /// Goes to another step (`aws:branch`).
    Branch {
        /// Conditions in order, and where each leads.
        choices: Vec<Choice>,
        /// Where it goes when none holds.
        default: Option<StepId>,
    },
    /// Changes a variable (`aws:updateVariable`).
    UpdateVariable {
        /// The variable's name, without `variable:`.
        name: String,
        /// Its new value.
        value: Template,
    },
    /// Runs the steps of its body in rounds (`aws:loop`). They stand behind it in the plan and name it as their
    /// parent.
    Loop {
        /// How often.
        repeat: Repeat,
        /// Iterations at most: 1 to [`ITERATIONS_MAX`], which it is when absent.
        max_iterations: Option<Template>,
    },
    /// Runs the runbook of [`crate::plan::FanOut`] for one target, as a child execution.
    Target {
        /// The child's parameters that are this target's.
        inputs: Map<String, Value>,
        /// All parameters of the child, checked.
        parameters: Map<String, Value>,
    },
}

/// The most iterations of a loop (SSM Automation's limit).
pub const ITERATIONS_MAX: u32 = 100;

/// How often a loop runs its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// Once for each item of a list.
    Each {
        /// The list; a single value is a list of one.
        items: Template,
        /// The type of the items: String, Boolean, Integer or StringMap.
        item_type: ParameterType,
    },
    /// Once, and again as long as this holds after an iteration.
    While(Condition),
}

impl StepKind {
    /// The action's name in documents.
    #[must_use]
    pub fn action(&self) -> &str {
        match self {
            Self::Action { action, .. } => action,
            Self::Branch { .. } => "aws:branch",
            Self::UpdateVariable { .. } => "aws:updateVariable",
            Self::Loop { .. } => "aws:loop",
            Self::Target { .. } => "aws:executeAutomation",
        }
    }
}

/// The step behind this one in the same body, or at the top of the plan: where the flow goes on by itself.
///
/// Bodies stand behind their loops, so the steps between the two are those inside this one.
#[must_use]
pub fn following(steps: &[Step], id: StepId) -> Option<StepId> {
    let parent = steps[id.index()].parent;
    let behind = steps.iter().enumerate().skip(id.index() + 1);
    behind
        .take_while(|(_, step)| step.parent >= parent)
        .find(|(_, step)| step.parent == parent)
        .map(|(index, _)| StepId::from_index(index))
}

/// The loops a step is in, innermost first.
pub fn enclosing(steps: &[Step], id: StepId) -> impl Iterator<Item = StepId> + '_ {
    std::iter::successors(steps[id.index()].parent, |around| steps[around.index()].parent)
}

/// One way out of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// When it is taken.
    pub condition: Condition,
    /// Where it leads.
    pub next: StepId,
}

/// An output picked by the author.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// Its name.
    pub name: String,
    /// A JSONPath into the action's outputs. See [`crate::schema`] for the conversion.
    pub selector: String,
    /// Its type.
    pub output_type: ParameterType,
}

/// How often a step is tried, and when again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub max_attempts: u32,
    /// Pause before the second attempt, in milliseconds; doubled each time.
    pub backoff_ms: u64,
    /// The longest pause, in milliseconds.
    pub max_backoff_ms: u64,
    /// Whether a random part of up to half the pause is taken off it.
    pub jitter: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 1,
            backoff_ms: 0,
            max_backoff_ms: 300_000,
            jitter: false,
        }
    }
}

/// What happens when a step has failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The execution ends.
    Abort,
    /// The flow goes on.
    Continue,
    /// The flow goes on there (list order).
    Goto(StepId),
    /// The execution ends, and what it did is undone.
    Rollback,
}

/// How a step is undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackSpec {
    /// By the plugin, if it offers that.
    Plugin,
    /// By the plugin, with these inputs put over those of the run.
    PluginWith(Vec<(String, Template)>),
    /// Not at all.
    None,
}
