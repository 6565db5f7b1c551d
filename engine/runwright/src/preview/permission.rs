//! What the plugin of a step may do: what it asks for, what the runbook grants, what the operator allows.

use runwright_model::{action::ActionSpec, capability::Capability, grant::Policy};
use serde::Serialize;

/// A capability that a plugin asks for.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// Which.
    pub capability: Capability,
    /// Why, in the words of the plugin's author.
    pub why: String,
    /// What of it the runbook grants, as it writes it; nothing when empty.
    pub granted: Vec<String>,
    /// What of that the operator's policies allow at most: the grant must be in each of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at_most: Vec<AtMost>,
}

/// What one policy allows.
#[derive(Debug, Clone, Serialize)]
pub struct AtMost {
    /// Where it is written.
    pub policy: String,
    /// What it allows, as a runbook would write it; nothing when empty.
    pub allowed: Vec<String>,
}

pub(super) fn of(spec: &ActionSpec, policy: &Policy) -> Vec<Permission> {
    let wanted = spec.manifest.capabilities.iter();
    wanted
        .map(|want| Permission {
            capability: want.capability,
            why: want.why.clone(),
            granted: spec.grants.of(want.capability),
            at_most: policy
                .allows(&spec.manifest.action)
                .map(|(policy, grants)| AtMost {
                    policy,
                    allowed: grants.of(want.capability),
                })
                .collect(),
        })
        .collect()
}

pub(super) fn asks_people(spec: &ActionSpec) -> bool {
    let mut wanted = spec.manifest.capabilities.iter();
    wanted.any(|want| want.capability == Capability::Approvals)
}
