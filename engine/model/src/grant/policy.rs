//! What an operator allows plugins at most, whatever runbooks grant them.

use serde::{Deserialize, Serialize};

use super::{Grants, matches};
use crate::capability::Capability;

/// The operator's policies: each that there is must allow what a plugin does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy(Vec<(String, Vec<Rule>)>);

/// What plugins of some actions may do at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The actions, in which `*` stands for any text.
    pub action: String,
    /// Whether they may do all that runbooks grant them.
    #[serde(default)]
    pub everything: bool,
    /// What they may do.
    #[serde(default)]
    pub grants: Grants,
}

impl Policy {
    /// One more policy: where it is written, and its rules, of which the first that fits counts.
    #[must_use]
    pub fn with(mut self, origin: impl Into<String>, rules: Vec<Rule>) -> Self {
        self.0.push((origin.into(), rules));
        self
    }

    /// What each policy allows the plugins of an action, with the place where it is written.
    pub fn allows(&self, action: &str) -> impl Iterator<Item = (String, Grants)> {
        self.0.iter().map(move |(origin, rules)| {
            let rule = rules.iter().find(|rule| matches(&rule.action, action));
            let grants = match rule {
                Some(rule) if rule.everything => Grants::everything(),
                Some(rule) => rule.grants.clone(),
                None => Grants::default(),
            };
            (origin.clone(), grants)
        })
    }
}

impl Grants {
    fn everything() -> Self {
        let mut all = Self::all_of(&Capability::ALL);
        all.parameters.reveal = vec!["*".to_owned()];
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{Error, Request, commands, waits};

    fn run(words: &str) -> Request {
        Request::Commands(commands::Request::Run {
            on: None,
            command: commands::Command {
                arguments: words.split(' ').map(str::to_owned).collect(),
                ..commands::Command::default()
            },
        })
    }

    fn policy(origin: &str, rules: &str) -> Policy {
        Policy::default().with(origin, serde_json::from_str(rules).unwrap())
    }

    fn asked() -> Grants {
        serde_json::from_str(r#"{"commands": ["systemctl"], "waits": true}"#).unwrap()
    }

    #[test]
    fn both_are_asked_and_the_one_that_refuses_is_named() {
        let policy = policy(
            "/etc/p.toml",
            r#"[{"action": "acme:*", "grants": {"commands": ["systemctl restart *", "id"]}}]"#,
        );
        let grants = asked().under(&policy, "acme:drain");
        assert_eq!(grants.check(&run("systemctl restart web")), Ok(()));
        let missing = |request: &Request| match grants.check(request) {
            Err(Error::Denied { missing, .. }) => missing,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(&run("id")), "commands: [id]", "the runbook does not grant it");
        assert_eq!(
            missing(&run("systemctl stop web")),
            "commands: [systemctl stop web] in the operator's policy /etc/p.toml"
        );
        let sleep = Request::Waits(waits::Request::Sleep { duration_ms: 1 });
        assert_eq!(missing(&sleep), "waits: true in the operator's policy /etc/p.toml");
    }

    #[test]
    fn every_policy_counts_and_what_none_names_may_do_nothing() {
        let both = policy("a", r#"[{"action": "acme:*", "everything": true}]"#);
        let both = both.with(
            "b",
            serde_json::from_str(r#"[{"action": "acme:x", "everything": true}]"#).unwrap(),
        );
        assert_eq!(asked().under(&both, "acme:x").check(&run("systemctl stop web")), Ok(()));
        for action in ["acme:y", "rw:shell"] {
            assert!(
                asked().under(&both, action).check(&run("systemctl stop web")).is_err(),
                "{action}"
            );
        }
        assert_eq!(
            asked().under(&Policy::default(), "acme:y").check(&run("systemctl")),
            Ok(())
        );
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = r#"[{"action": "acme:bad"}, {"action": "*", "everything": true}]"#;
        assert!(
            asked()
                .under(&policy("p", rules), "acme:bad")
                .check(&run("systemctl"))
                .is_err()
        );
        assert!(
            asked()
                .under(&policy("p", rules), "acme:good")
                .check(&run("systemctl"))
                .is_ok()
        );
    }
}
