//! Approvals, rejections and signals: which waiting call they are for, and whether they may be given.

use runwright_model::{
    capability::{Request, waits},
    event::{Signal, Try},
};

use crate::{
    Error,
    state::{Call, State},
};

impl State {
    /// The call a signal is for: of the step it names, else of the first step that waits for it.
    pub(crate) fn signal_target(&self, signal: &Signal) -> Option<(Try, u32)> {
        let fits_step = |of: &Try| signal.step.is_none_or(|step| step == of.step);
        self.open_tries().into_iter().filter(fits_step).find_map(|of| {
            let (number, call) = self.waiting_call(of)?;
            takes(call, signal).then_some((of, number))
        })
    }

    /// Whether a signal may be given now, with the reason when it may not.
    pub(crate) fn check_signal(&self, signal: &Signal) -> Result<(), Error> {
        let waiting: Vec<(Try, &Call)> = self
            .open_tries()
            .into_iter()
            .filter_map(|of| self.waiting_call(of).map(|(_, call)| (of, call)))
            .filter(|(of, call)| takes(call, signal) && signal.step.is_none_or(|step| step == of.step))
            .collect();
        match waiting.as_slice() {
            [] => Err(self.nothing_waits(signal)),
            [(_, call)] => self.check_approver(call, signal),
            [..] => Err(Error::State(format!(
                "execution {}: more than one step waits for {}: {}. Name one with --step.",
                self.id,
                signal.name,
                waiting
                    .iter()
                    .map(|(of, _)| self.plan.step(of.step).name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    fn nothing_waits(&self, signal: &Signal) -> Error {
        let place = match signal.step {
            Some(step) => format!("step {}", self.plan.step(step).name),
            None => "no step".to_owned(),
        };
        let verb = if signal.step.is_some() {
            "does not wait"
        } else {
            "waits"
        };
        Error::State(format!(
            "execution {} is {}: {place} {verb} for {}. `runwright show {}` says what it waits for.",
            self.id,
            self.status(),
            describe(signal),
            self.id
        ))
    }

    fn check_approver(&self, call: &Call, signal: &Signal) -> Result<(), Error> {
        let Request::Approvals(question) = &call.request else {
            return Ok(());
        };
        if !question
            .approvers
            .iter()
            .any(|approver| is_approver(approver, &signal.by))
        {
            return Err(Error::State(format!(
                "execution {}: {} is not an approver of this step; approvers are {}.",
                self.id,
                signal.by,
                question.approvers.join(", ")
            )));
        }
        if call.votes.iter().any(|vote| vote.approver == signal.by) {
            return Err(Error::State(format!(
                "execution {}: {} has decided already.",
                self.id, signal.by
            )));
        }
        Ok(())
    }
}

fn takes(call: &Call, signal: &Signal) -> bool {
    match &call.request {
        Request::Approvals(_) => signal.name == Signal::APPROVE || signal.name == Signal::REJECT,
        Request::Waits(waits::Request::Signal { name, .. }) => *name == signal.name && call.signal.is_none(),
        Request::Waits(_)
        | Request::Commands(_)
        | Request::Files(_)
        | Request::Http(_)
        | Request::Aws(_)
        | Request::Parameters(_)
        | Request::Blobs(_)
        | Request::Executions(_) => false,
    }
}

fn describe(signal: &Signal) -> String {
    match signal.name.as_str() {
        Signal::APPROVE | Signal::REJECT => "an approval".to_owned(),
        name => format!("the signal {name}"),
    }
}

/// `*` is everybody; an ARN stands for the user name at its end, so that a document written for the
/// cloud works for people of that name here.
fn is_approver(approver: &str, by: &str) -> bool {
    approver == "*" || approver == by || (approver.starts_with("arn:") && approver.rsplit('/').next() == Some(by))
}

#[cfg(test)]
mod tests {
    use super::is_approver;

    #[test]
    fn approvers_are_names_arns_or_everybody() {
        assert!(is_approver("*", "kim"));
        assert!(is_approver("kim", "kim"));
        assert!(is_approver("arn:aws:iam::123456789012:user/kim", "kim"));
        assert!(!is_approver("arn:aws:iam::123456789012:user/kim", "user"));
        assert!(!is_approver("kim2", "kim"));
    }
}
