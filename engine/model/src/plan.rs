//! The compiled runbook: immutable, and named by its content.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    action::ActionSpec,
    digest::Digest,
    expression::Template,
    id::StepId,
    parameter::{Parameter, Variable},
    step::Step,
};

/// A plan. Two documents that mean the same (YAML or JSON, other comments) give equal plans, and equal
/// plans have the same digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The runbook's name: its file's name without the ending.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// How its steps follow each other.
    pub order: Order,
    /// Its parameters, in the order of the document.
    pub parameters: Vec<Parameter>,
    /// Its variables, in the order of the document.
    pub variables: Vec<Variable>,
    /// Its steps, in the order of the document.
    pub steps: Vec<Step>,
    /// Its outputs, in the order of the document.
    pub outputs: Vec<OutputReference>,
    /// The role it runs as.
    pub assume_role: Option<Template>,
    /// Whether a failed execution is rolled back.
    pub rollback_on_failure: bool,
    /// Steps running at the same time (graph order), at least 1.
    pub max_concurrency: u32,
    /// Every action a step names, by name.
    pub actions: BTreeMap<String, ActionSpec>,
    /// The digests of the attachments that its scripts name, by file name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<String, Digest>,
    /// What each step runs, when the steps are targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fan_out: Option<FanOut>,
    /// What is different when the steps are those of a Command document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandFlow>,
}

/// The flow of a Command document: list order, in which a step may ask for the end ([`CommandFlow::EXIT`]). Then the
/// steps behind it are skipped, but for one. A failed step whose `on_failure` is Abort asks for it too. The worst status
/// of the steps is that of the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandFlow {
    /// The last step, when it runs whatever was asked for (`finallyStep`).
    pub finally: Option<StepId>,
}

impl CommandFlow {
    /// The output, and the detail of a failure, by which a plugin asks for the end: true.
    pub const EXIT: &'static str = "Exit";
}

/// One runbook for many targets: each step of the plan is a target, and starts a child execution. The plan is in graph
/// order, and its `max_concurrency` is the ceiling of children that run at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FanOut {
    /// What each child runs.
    pub runbook: Box<Plan>,
    /// No child starts any more when more than so many have failed.
    pub max_errors: u32,
    /// One child runs first, then two, then four, up to the ceiling; otherwise as many as the ceiling from the start.
    pub ramp: bool,
}

impl FanOut {
    /// How many children may run at the same time when so many have ended, up to this ceiling.
    #[must_use]
    pub fn room(&self, ended: usize, ceiling: u32) -> u32 {
        if !self.ramp {
            return ceiling;
        }
        let wave = (ended + 1).checked_ilog2().unwrap_or_default();
        ceiling.min(1_u32.checked_shl(wave).unwrap_or(u32::MAX))
    }
}

/// How steps follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// One after the other, with jumps: SSM's own.
    List,
    /// Each when all it depends on have ended well.
    Graph,
}

/// An output of the runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputReference {
    /// The step.
    pub step: StepId,
    /// Its output.
    pub output: String,
}

impl Plan {
    /// The step with this id.
    ///
    /// # Panics
    ///
    /// When the id is of another plan.
    #[must_use]
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.index()]
    }

    /// The id of the step with this name.
    #[must_use]
    pub fn step_named(&self, name: &str) -> Option<StepId> {
        self.steps
            .iter()
            .position(|step| step.name == name)
            .map(StepId::from_index)
    }

    /// All ids, in the order of the document.
    pub fn step_ids(&self) -> impl Iterator<Item = StepId> + use<> {
        (0..self.steps.len()).map(StepId::from_index)
    }

    /// The plan's name by content: the SHA-256 of its JSON text, which is its canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_double_up_to_the_ceiling() {
        let plan = Plan {
            name: "x".into(),
            description: None,
            order: Order::List,
            parameters: Vec::new(),
            variables: Vec::new(),
            steps: Vec::new(),
            outputs: Vec::new(),
            assume_role: None,
            rollback_on_failure: false,
            max_concurrency: 1,
            actions: BTreeMap::new(),
            attachments: BTreeMap::new(),
            fan_out: None,
            command: None,
        };
        let mut fan_out = FanOut {
            runbook: Box::new(plan),
            max_errors: 0,
            ramp: true,
        };
        let rooms: Vec<u32> = (0..9).map(|ended| fan_out.room(ended, 5)).collect();
        assert_eq!(rooms, [1, 2, 2, 4, 4, 4, 4, 5, 5]);
        fan_out.ramp = false;
        assert_eq!(fan_out.room(0, 5), 5);
    }
}
