//! `wit/approvals.wit`: asking people.

use runwright_model::capability::{Answer, Request, approvals as model};

use super::types::{millis, moment};
use crate::{
    bindings::{approvals, types::Error},
    state::State,
};

impl approvals::Host for State {
    async fn request(&mut self, question: approvals::Question) -> wasmtime::Result<Result<approvals::Decision, Error>> {
        let approvals::Question {
            message,
            approvers,
            quorum,
            deadline,
        } = question;
        let request = model::Request {
            message,
            approvers,
            quorum,
            deadline: deadline.map(moment),
        };
        self.ask(Request::Approvals(request), |answer| match answer {
            Answer::Approvals(decision) => Some(decision_to_wit(decision)),
            _ => None,
        })
        .await
    }
}

fn decision_to_wit(decision: model::Decision) -> approvals::Decision {
    let votes = decision.votes.into_iter().map(|vote| approvals::Vote {
        approver: vote.approver,
        approved: vote.approved,
        comment: vote.comment,
        at: millis(vote.at),
    });
    approvals::Decision {
        approved: decision.approved,
        votes: votes.collect(),
    }
}
