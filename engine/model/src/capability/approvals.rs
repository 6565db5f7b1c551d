//! Asking people: `wit/approvals.wit`.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What is to be approved.
    pub message: String,
    /// Who may decide: user names, or `*`.
    pub approvers: Vec<String>,
    /// How many must approve, at least 1.
    pub quorum: u32,
    /// Until when.
    pub deadline: Option<Timestamp>,
}

/// One person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who.
    pub approver: String,
    /// Yes or no.
    pub approved: bool,
    /// What they said with it.
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether the quorum approved.
    pub approved: bool,
    /// All votes, in order.
    pub votes: Vec<Vote>,
}

/// The longest message.
pub const MESSAGE_CHARS_MAX: usize = 4_096;
