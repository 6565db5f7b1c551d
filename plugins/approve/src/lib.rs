//! `aws:approve`: asks people, and waits until enough of them have approved or one has rejected.

use runwright_sdk::{Action, Context, Decision, Failure, Host, Impact, Level, Manifest, Question, Vote, schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The action.
pub struct Approve;

/// How long people may take when the step has no limit: seven days, in milliseconds.
const TIMEOUT_MS_DEFAULT: u64 = 604_800_000;
const APPROVERS_MAX: u64 = 10;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    notification_arn: Option<String>,
    message: Option<String>,
    min_required_approvals: Option<u32>,
    #[serde(default)]
    approvers: Vec<String>,
    enhanced_approvals: Option<Enhanced>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Enhanced {
    approvers: Vec<EnhancedApprover>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnhancedApprover {
    approver: String,
    #[serde(rename = "type")]
    kind: String,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    approval_status: &'static str,
    approver_decisions: Vec<Value>,
}

impl Action for Approve {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = schema::object()
            .optional(
                "Message",
                schema::string("What is to be approved, for the people who decide.").at_most(4_096),
            )
            .optional(
                "Approvers",
                schema::list(
                    "Who may decide: user names or ARNs; `*` for everyone who may use this engine.",
                    schema::string("A user."),
                )
                .at_least(1)
                .at_most(APPROVERS_MAX),
            )
            .optional(
                "MinRequiredApprovals",
                schema::integer("How many of them must approve. One rejection decides at once.")
                    .at_least(1)
                    .default(1),
            )
            .optional(
                "NotificationArn",
                schema::string("An SNS topic. Accepted; nothing is sent."),
            )
            .optional(
                "EnhancedApprovals",
                schema::any("Approvers as change templates name them. Users only, and each of them must approve."),
            );
        let decision = schema::object()
            .required("Approver", schema::string("Who."))
            .required("Decision", schema::string("`Approved` or `Rejected`."))
            .required("DecisionTime", schema::integer("When, in milliseconds since 1970."))
            .optional("Comment", schema::string("What they said with it."));
        let outputs = schema::object()
            .required(
                "ApprovalStatus",
                schema::string("`Approved`. A rejection ends the step."),
            )
            .required(
                "ApproverDecisions",
                schema::list("Who decided what, in order.", decision),
            );
        Manifest::new(
            "aws:approve",
            env!("CARGO_PKG_VERSION"),
            "Waits until people have approved; fails when one rejects.",
        )
        .impact(Impact::NonMutating)
        .inputs(inputs)
        .outputs(outputs)
        .wants("approvals", "Asks the approvers.")
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        if inputs.notification_arn.is_some() {
            host.log(Level::Warn, "no notification is sent: the engine has no SNS");
        }
        let (approvers, quorum) = inputs.electorate()?;
        let question = Question {
            message: inputs
                .message
                .unwrap_or_else(|| format!("Step `{}` waits for approval.", context.step)),
            approvers,
            quorum,
            deadline: Some(
                context
                    .deadline
                    .unwrap_or_else(|| host.now().saturating_add(TIMEOUT_MS_DEFAULT)),
            ),
        };
        conclude(&host.ask(&question)?)
    }
}

impl Inputs {
    /// Who may decide, and how many must approve.
    fn electorate(&self) -> Result<(Vec<String>, u32), Failure> {
        let (approvers, quorum) = match &self.enhanced_approvals {
            Some(enhanced) => (
                enhanced.users()?,
                u32::try_from(enhanced.approvers.len()).unwrap_or(u32::MAX),
            ),
            None => (self.approvers.clone(), self.min_required_approvals.unwrap_or(1)),
        };
        if approvers.is_empty() {
            return Err(Failure::invalid(
                "input `Approvers` is needed: the users who may decide, or `*` for everyone",
            ));
        }
        let everyone = approvers.iter().any(|approver| approver == "*");
        let distinct = approvers.iter().collect::<std::collections::BTreeSet<_>>().len();
        if quorum == 0 || (!everyone && quorum as usize > distinct) {
            return Err(Failure::invalid(format!(
                "input `MinRequiredApprovals` is {quorum}: it must be from 1 to the number of approvers, {distinct}"
            )));
        }
        Ok((approvers, quorum))
    }
}

impl Enhanced {
    fn users(&self) -> Result<Vec<String>, Failure> {
        if let Some(other) = self
            .approvers
            .iter()
            .find(|a| !["IamUser", "SSOUser"].contains(&a.kind.as_str()))
        {
            return Err(Failure::invalid(format!(
                "input `EnhancedApprovals` names `{}` of type {}: the engine knows users only; list them in `Approvers`",
                other.approver, other.kind
            )));
        }
        Ok(self.approvers.iter().map(|a| a.approver.clone()).collect())
    }
}

fn conclude(decision: &Decision) -> Result<Outputs, Failure> {
    let approver_decisions: Vec<Value> = decision.votes.iter().map(vote).collect();
    if decision.approved {
        return Ok(Outputs {
            approval_status: "Approved",
            approver_decisions,
        });
    }
    let by = decision
        .votes
        .iter()
        .find(|vote| !vote.approved)
        .map_or_else(String::new, |vote| {
            let comment = vote
                .comment
                .as_deref()
                .filter(|c| !c.is_empty())
                .map_or_else(String::new, |c| format!(": {c}"));
            format!(" by {}{comment}", vote.approver)
        });
    let details = json!({"ApprovalStatus": "Rejected", "ApproverDecisions": approver_decisions});
    Err(Failure::rejected(format!("rejected{by}")).with_details(&details))
}

fn vote(vote: &Vote) -> Value {
    let decision = if vote.approved { "Approved" } else { "Rejected" };
    let mut shown = json!({"Approver": vote.approver, "Decision": decision, "DecisionTime": vote.at});
    if let Some(comment) = &vote.comment {
        shown["Comment"] = Value::from(comment.as_str());
    }
    shown
}

runwright_sdk::plugin!(Approve);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error, FailureKind,
        testing::{FakeHost, check_manifest, context, run, run_in},
    };

    use super::*;

    fn decided(approved: bool) -> Result<Decision, Error> {
        let vote = Vote {
            approver: "ada".into(),
            approved,
            comment: Some("looks odd".into()),
            at: 7,
        };
        Ok(Decision {
            approved,
            votes: vec![vote],
        })
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<Approve>();
    }

    #[test]
    fn an_approval_lists_who_decided() {
        let host = FakeHost::new().decision(decided(true));
        let outputs = run::<Approve>(
            &host,
            json!({"Approvers": ["ada", "bob"], "NotificationArn": "arn:aws:sns:::Automation"}),
        );
        let decisions = json!([{"Approver": "ada", "Decision": "Approved", "DecisionTime": 7, "Comment": "looks odd"}]);
        assert_eq!(
            outputs,
            Ok(json!({"ApprovalStatus": "Approved", "ApproverDecisions": decisions}))
        );
        assert_eq!(host.lines(), ["no notification is sent: the engine has no SNS"]);
    }

    #[test]
    fn a_rejection_fails_with_the_comment() {
        let host = FakeHost::new().decision(decided(false));
        let failure = run::<Approve>(&host, json!({"Approvers": ["*"], "MinRequiredApprovals": 3})).unwrap_err();
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (FailureKind::Rejected, "rejected by ada: looks odd")
        );
        assert!(failure.details.unwrap().contains("\"ApprovalStatus\":\"Rejected\""));
    }

    #[test]
    fn the_deadline_is_the_steps_or_seven_days() {
        let host = FakeHost::new().decision(decided(true)).decision(decided(true));
        run::<Approve>(&host, json!({"Approvers": ["ada"]})).unwrap();
        let limited = Context {
            deadline: Some(42),
            ..context()
        };
        run_in::<Approve>(&host, &limited, &json!({"Approvers": ["ada"]})).unwrap();
        let asked: Vec<Value> = host
            .done(None)
            .calls
            .iter()
            .map(|call| serde_json::from_str::<Value>(&call.request).unwrap())
            .collect();
        assert_eq!(asked[0]["approvals"]["deadline"], FakeHost::START + 604_800_000);
        assert_eq!(asked[1]["approvals"]["deadline"], 42);
        assert_eq!(asked[0]["approvals"]["message"], "Step `step` waits for approval.");
    }

    #[test]
    fn a_quorum_that_cannot_be_reached_is_refused() {
        for inputs in [
            json!({}),
            json!({"Approvers": ["ada", "ada"], "MinRequiredApprovals": 2}),
            json!({"Approvers": ["ada"], "MinRequiredApprovals": 0}),
            json!({"EnhancedApprovals": {"Approvers": [{"approver": "ops", "type": "IamGroup", "minRequiredApprovals": 1}]}}),
        ] {
            let host = FakeHost::new();
            assert_eq!(
                run::<Approve>(&host, inputs).unwrap_err().kind,
                FailureKind::InvalidInput
            );
            assert!(host.functions().is_empty());
        }
    }
}
