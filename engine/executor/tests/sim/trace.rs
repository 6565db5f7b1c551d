//! What happened in a simulation, one line each.

use runwright_model::{
    event::{Event, Phase, Try},
    time::Timestamp,
};

/// The lines so far.
#[derive(Default)]
pub(crate) struct Trace(Vec<String>);

impl Trace {
    pub(crate) fn line(&mut self, at: Timestamp, text: &str) {
        self.0
            .push(format!("{:>10} {text}", at.as_millis() - super::BEGIN.as_millis()));
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.0
    }
}

fn of(of: Try) -> String {
    let phase = match of.phase {
        Phase::Run => "",
        Phase::Rollback => " undo",
    };
    format!("S{}.{}{phase} attempt {}", of.step.0, of.visit, of.attempt)
}

/// An event in a few words.
pub(crate) fn words(event: &Event) -> String {
    match event {
        Event::Started(started) => format!("started {}", started.runbook),
        Event::StepStarted { of: it, .. } => format!("step started {}", of(*it)),
        Event::StepSucceeded { of: it, goto, .. } => match goto {
            Some(to) => format!("step succeeded {}, goes to S{}", of(*it), to.0),
            None => format!("step succeeded {}", of(*it)),
        },
        Event::AttemptFailed {
            of: it,
            failure,
            retry_at,
        } => format!(
            "attempt failed {}: {}, again at {}",
            of(*it),
            failure.kind.as_str(),
            retry_at.as_millis() - super::BEGIN.as_millis()
        ),
        Event::StepFailed {
            of: it,
            failure,
            status,
        } => format!("step {status} {}: {}", of(*it), failure.message),
        Event::StepSkipped { step, visit, .. } => format!("step skipped S{}.{visit}", step.0),
        Event::IterationStarted { of: it, iteration } => format!("iteration {iteration} of {}", of(*it)),
        Event::StepExited { of: it, to } => format!("loop exited {}, goes to S{}", of(*it), to.0),
        Event::VariableSet { name, value, .. } => format!("variable {name} = {value}"),
        Event::CallRequested {
            of: it, call, request, ..
        } => format!("call {call} of {}: {}", of(*it), request.function()),
        Event::CallProbed {
            of: it, call, probes, ..
        } => format!("call {call} of {} probed {probes} times", of(*it)),
        Event::CallCompleted {
            of: it, call, outcome, ..
        } => {
            let outcome = if let Err(error) = outcome {
                error.to_string()
            } else {
                "ok".to_owned()
            };
            format!("call {call} of {} answered: {outcome}", of(*it))
        }
        Event::Signalled(signal) => format!("signal {} by {} for {:?}", signal.name, signal.by, signal.step),
        Event::CancelRequested { by, .. } => format!("cancel requested by {by}"),
        Event::Paused(pause) => format!("paused by {} ({:?})", pause.by, pause.hold),
        Event::Unpaused { by } => format!("unpaused by {by}"),
        Event::Resumed(resumption) => format!("resumed: {:?} again, from {:?}", resumption.again, resumption.from),
        Event::RollbackStarted { reason, to } => format!("rollback started: {reason}, to {to:?}"),
        Event::RollbackStepSkipped { step, visit, .. } => format!("undo skipped S{}.{visit}", step.0),
        Event::RollbackStepStarted { of: it, .. } => format!("undoing {}", of(*it)),
        Event::RollbackStepSucceeded { of: it } => format!("undone {}", of(*it)),
        Event::RollbackStepFailed { of: it, failure } => format!("not undone {}: {}", of(*it), failure.message),
        Event::Ended { status, .. } => format!("ended {status}"),
    }
}
