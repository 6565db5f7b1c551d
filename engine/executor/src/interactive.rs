//! Interactive mode: a step begins when a person says so. Pure, like `decide.rs`.
//!
//! What may be started is what would start by itself otherwise, so every rule of the flow stands where it stood.

use runwright_model::{
    event::{Mode, Signal},
    id::StepId,
    step::StepKind,
};
use serde_json::{Map, Value};

use crate::{Error, state::State};

/// The member of a `StartStep` signal's payload with inputs that are put over the document's: an object.
pub const INPUTS: &str = "inputs";

impl State {
    /// Whether steps begin only when a person says so. What a cancel or a rollback starts begins by itself.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        self.started.mode == Mode::Interactive
            && self.cancel.is_none()
            && self.rollback.is_none()
            && self.ended.is_none()
            && self.completed_by.is_none()
    }

    /// Whether a step that comes next may begin.
    pub(crate) fn may_start(&self, step: StepId) -> bool {
        !self.is_by_hand() || self.chosen.contains(&step)
    }

    /// The steps that a person may start now, in the order of the document; none when steps begin by themselves.
    #[must_use]
    pub fn next_steps(&self) -> Vec<StepId> {
        if !self.is_by_hand() {
            return Vec::new();
        }
        let inside = self.loops.iter().filter(|id| !self.goes_on_in(**id)).filter_map(|id| {
            let looping = self.visit(*id)?.looping.as_ref()?;
            let goes_on = looping.exit.is_none() && looping.failed.is_none();
            looping.cursor.filter(|_| goes_on)
        });
        let quiet = self.open.is_empty() && self.loops.is_empty();
        let next = self.cursor.filter(|_| quiet && !self.is_graph());
        let ready = self.graph.ready().filter(|_| !self.aborted);
        let mut steps: Vec<StepId> = inside
            .chain(next)
            .chain(ready)
            .filter(|id| !self.chosen.contains(id))
            .collect();
        steps.sort_unstable();
        steps
    }

    /// Whether nothing goes on until a person starts a step.
    #[must_use]
    pub fn waits_for_choice(&self) -> bool {
        self.open.is_empty() && !self.next_steps().is_empty()
    }

    /// A `StartStep` or `Complete` that may be given now, with the step it is for.
    pub(crate) fn check_choice(&self, mut signal: Signal) -> Result<Signal, Error> {
        if self.started.mode != Mode::Interactive {
            return Err(self.refused("was not started in the mode Interactive, so its steps begin by themselves"));
        }
        if self.paused.is_some() {
            return Err(self.refused("is paused: let it go on first"));
        }
        if !self.is_by_hand() {
            return Err(self.refused(&format!("is {}, and waits for no step to be started", self.status())));
        }
        if signal.name == Signal::COMPLETE {
            return match self.open.iter().next() {
                None => Ok(signal),
                Some(step) => {
                    let name = &self.plan.step(*step).name;
                    Err(self.refused(&format!("cannot be completed while its step {name} is under way")))
                }
            };
        }
        let next = self.next_steps();
        let step = match (signal.step, next.as_slice()) {
            (None, [only]) => *only,
            (Some(step), next) if next.contains(&step) => step,
            (None | Some(_), _) => return Err(self.refused(&self.no_such_choice(signal.step, &next))),
        };
        overridden(&signal.payload).map_err(|why| self.refused(&format!("cannot start the step: {why}")))?;
        if signal.payload.get(INPUTS).is_some() && !matches!(self.plan.step(step).kind, StepKind::Action { .. }) {
            let name = &self.plan.step(step).name;
            return Err(self.refused(&format!("cannot start the step: {name} takes no inputs")));
        }
        signal.step = Some(step);
        Ok(signal)
    }

    fn no_such_choice(&self, wanted: Option<StepId>, next: &[StepId]) -> String {
        let names: Vec<&str> = next.iter().map(|id| self.plan.step(*id).name.as_str()).collect();
        let names = names.join(", ");
        match wanted {
            _ if next.is_empty() => "waits for no step to be started: another one is under way".to_owned(),
            Some(step) => {
                let wanted = &self.plan.step(step).name;
                format!("cannot start the step {wanted} now; it can start {names}")
            }
            None => format!("can go on with more than one step: name one of {names}"),
        }
    }

    fn refused(&self, why: &str) -> Error {
        Error::State(format!("execution {} {why}.", self.id))
    }

    /// Takes a choice into the state; answers whether the signal was one.
    pub(crate) fn chosen(&mut self, signal: &Signal) -> bool {
        if !self.is_by_hand() {
            return false;
        }
        if signal.name == Signal::COMPLETE {
            self.complete(&signal.by);
            return true;
        }
        let Some(step) = signal.step.filter(|_| signal.name == Signal::START_STEP) else {
            return false;
        };
        if let Ok(inputs) = overridden(&signal.payload)
            && !inputs.is_empty()
        {
            self.overrides.entry(step).or_default().extend(inputs);
        }
        self.chosen.insert(step);
        true
    }

    /// Nothing more begins: the execution ends as what ran says.
    fn complete(&mut self, by: &str) {
        self.completed_by = Some(by.to_owned());
        self.cursor = None;
        self.aborted = true;
    }
}

fn overridden(payload: &Value) -> Result<Map<String, Value>, String> {
    match payload.get(INPUTS) {
        None => Ok(Map::new()),
        Some(Value::Object(inputs)) => Ok(inputs.clone()),
        Some(_) => Err(format!("`{INPUTS}` of its payload is no object")),
    }
}
