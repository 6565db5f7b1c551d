//! Executions and steps for the tests of this folder.

use runwright::{
    model::{status::Status, time::Timestamp},
    view::{ExecutionView, StepView, WaitReason, WaitView},
};
use serde_json::Map;

/// A step in its first visit, or not begun when `attempt` is 0.
pub(crate) fn step(name: &str, status: Status, attempt: u32) -> StepView {
    StepView {
        name: name.into(),
        action: "aws:sleep".into(),
        status,
        depends_on: Vec::new(),
        attempt,
        max_attempts: 3,
        visit: u32::from(attempt > 0),
        started_at: None,
        ended_at: None,
        inputs: None,
        outputs: Map::new(),
        failure: None,
        skipped: None,
        earlier: Vec::new(),
        rollback_skipped: None,
        in_loop: None,
        iteration: None,
        rollback: None,
        rollback_failure: None,
    }
}

/// The execution `x` of the runbook `r`, under way.
pub(crate) fn view(steps: Vec<StepView>, waiting: Vec<WaitView>) -> ExecutionView {
    ExecutionView {
        id: "x".parse().unwrap(),
        runbook: "r".into(),
        plan: "sha256:0".into(),
        status: Status::InProgress,
        started_by: "alice".into(),
        started_at: Timestamp::from_millis(0),
        ended_at: None,
        parent: None,
        parameters: Map::new(),
        variables: Map::new(),
        steps,
        outputs: Map::new(),
        failure: None,
        paused: None,
        rerun_of: None,
        waiting,
    }
}

/// A step that asks bob and carol, of whom `approved` have said yes.
pub(crate) fn approval(step: &str, approved: u32) -> WaitView {
    let approvers = vec!["bob".into(), "carol".into()];
    let reason = WaitReason::Approval {
        message: "May it?".into(),
        approvers,
        quorum: 2,
        approved,
    };
    WaitView {
        step: step.into(),
        reason,
        until: Some(Timestamp::from_millis(120_000)),
    }
}
