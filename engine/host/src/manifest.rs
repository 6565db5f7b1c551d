//! What a plugin says of itself, checked.

use std::collections::BTreeSet;

use runwright_model::{
    action::{Impact, Manifest, Want},
    capability::Capability,
    schema::{Kind, Schema},
};

use serde::{Deserialize, Serialize};

use crate::{Error, trap};

/// The longest action name, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// How many mistakes are told.
const PROBLEMS_MAX: usize = 16;
/// How many alternatives (`anyOf`) a schema may have in all: a value is tried against each.
const ALTERNATIVES_MAX: usize = 64;

/// What a plugin said of itself, through whatever version of the contract. Nothing of it is checked: it is kept like
/// this, so that a later engine, or one with other limits, reads it by its own rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    pub(crate) action: String,
    pub(crate) version: String,
    pub(crate) description: String,
    /// JSON Schema, as text.
    pub(crate) inputs: String,
    /// JSON Schema, as text.
    pub(crate) outputs: String,
    /// Names of capabilities, and why each is wanted.
    pub(crate) capabilities: Vec<(String, String)>,
    pub(crate) rollback: bool,
    pub(crate) impact: Impact,
}

/// The model's manifest, or every mistake of the plugin's.
pub(crate) fn read(said: Said, bytes_max: u64) -> Result<Manifest, Error> {
    let mut problems = Vec::new();
    let bytes = size(&said);
    if bytes > bytes_max {
        // Nothing else is looked at: what is too large is not to be read.
        let problem =
            format!("limit `manifest-bytes` exceeded: its texts have {bytes} bytes where {bytes_max} are allowed");
        return Err(Error::Manifest {
            problems: vec![problem],
        });
    }
    if !is_action_name(&said.action) {
        problems.push(format!(
            "the action is called {:?}: use a namespace, a colon and a name, as in `acme:drain`, out of letters, digits \
             and `-`, beginning with a letter",
            said.action
        ));
    }
    if let Err(error) = semver::Version::parse(&said.version) {
        problems.push(format!(
            "version {:?} is no semantic version as `1.2.3` is: {error}",
            said.version
        ));
    }
    if said.description.trim().is_empty() {
        problems.push("the description is empty: say in one sentence what a step with this action does".into());
    }
    let inputs = schema("inputs", &said.inputs, &mut problems);
    let outputs = schema("outputs", &said.outputs, &mut problems);
    let capabilities = wants(said.capabilities, &mut problems);
    if !problems.is_empty() {
        return Err(Error::Manifest {
            problems: few(problems),
        });
    }
    Ok(Manifest {
        action: said.action,
        version: said.version,
        description: said.description,
        inputs,
        outputs,
        capabilities,
        rollback: said.rollback,
        impact: said.impact,
    })
}

/// The first of the problems, each not too long: a plugin can make as many as it likes.
fn few(mut problems: Vec<String>) -> Vec<String> {
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    for problem in &mut problems {
        *problem = trap::short(problem);
    }
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    problems
}

fn size(said: &Said) -> u64 {
    let wants = said.capabilities.iter().map(|(name, why)| name.len() + why.len());
    let texts = [
        &said.action,
        &said.version,
        &said.description,
        &said.inputs,
        &said.outputs,
    ];
    (texts.map(String::len).iter().sum::<usize>() + wants.sum::<usize>()) as u64
}

fn is_action_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    name.len() <= NAME_BYTES_MAX
        && name
            .split_once(':')
            .is_some_and(|(space, name)| is_part(space) && is_part(name))
}

fn schema(of: &str, text: &str, problems: &mut Vec<String>) -> Schema {
    match serde_json::from_str::<Schema>(text) {
        Ok(schema) if alternatives(&schema) > ALTERNATIVES_MAX => problems.push(format!(
            "the schema of the {of} has more than {ALTERNATIVES_MAX} alternatives under `anyOf`"
        )),
        Ok(schema) if schema.kind == Some(Kind::Object) => {
            let bad = schema
                .all()
                .filter_map(|schema| Some((schema.pattern.as_ref()?, schema.bad_pattern()?)));
            problems.extend(bad.map(|(pattern, why)| {
                format!("the schema of the {of} has the pattern {pattern:?}, which cannot be used: {why}")
            }));
            return schema;
        }
        Ok(_) => problems.push(format!(
            "the schema of the {of} must be that of an object: give it `\"type\": \"object\"`"
        )),
        Err(error) => problems.push(format!("the schema of the {of} cannot be read: {error}")),
    }
    Schema::default()
}

/// How many alternatives there are at all depths.
fn alternatives(schema: &Schema) -> usize {
    schema.all().map(|schema| schema.any_of.len()).sum()
}

fn wants(wants: Vec<(String, String)>, problems: &mut Vec<String>) -> Vec<Want> {
    let mut seen = BTreeSet::new();
    let mut known = Vec::new();
    for (name, why) in wants {
        let Some(capability) = Capability::from_name(&name) else {
            let all = Capability::ALL.map(Capability::as_str).join(", ");
            problems.push(format!("there is no capability {name:?}; there are {all}"));
            continue;
        };
        if !seen.insert(capability) {
            problems.push(format!("the capability `{capability}` is listed twice"));
        }
        known.push(Want { capability, why });
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Said {
        Said {
            action: "acme:drain".into(),
            version: "1.0.0".into(),
            description: "Drains.".into(),
            inputs: r#"{"type": "object"}"#.into(),
            outputs: r#"{"type": "object"}"#.into(),
            capabilities: vec![("files".into(), "To see.".into())],
            rollback: true,
            impact: Impact::Mutating,
        }
    }

    fn problems(change: impl FnOnce(&mut Said)) -> Vec<String> {
        let mut said = good();
        change(&mut said);
        match read(said, 1_000) {
            Ok(_) => Vec::new(),
            Err(Error::Manifest { problems }) => problems,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_good_one_is_read() {
        let manifest = read(good(), 1_000).unwrap();
        assert_eq!(
            manifest.capabilities,
            [Want {
                capability: Capability::Files,
                why: "To see.".into()
            }]
        );
        assert!(manifest.rollback);
    }

    #[test]
    fn every_mistake_is_named() {
        let found = problems(|m| {
            m.action = "drain".into();
            m.version = "1".into();
            m.description = " ".into();
            m.inputs = r#"{"type": "object", "format": "x"}"#.into();
            m.outputs = r#"{"type": "string"}"#.into();
            m.capabilities.push(("filez".into(), String::new()));
            m.capabilities.push(("files".into(), String::new()));
        });
        for part in [
            "\"drain\"",
            "\"1\"",
            "description",
            "unknown field `format`",
            "outputs",
            "\"filez\"",
            "twice",
        ] {
            assert!(found.iter().any(|problem| problem.contains(part)), "{part}: {found:#?}");
        }
        assert_eq!(found.len(), 7);
    }

    #[test]
    fn a_pattern_must_be_one() {
        let found = problems(|m| m.inputs = r#"{"type": "object", "properties": {"A": {"pattern": "("}}}"#.into());
        let wrong = "the schema of the inputs has the pattern \"(\", which cannot be used: ";
        assert!(found.len() == 1 && found[0].starts_with(wrong), "{found:#?}");
    }

    #[test]
    fn the_size_is_limited() {
        let room = 1_000 - size(&good()) as usize + "Drains.".len();
        assert_eq!(problems(|m| m.description = "x".repeat(room)), Vec::<String>::new());
        assert!(problems(|m| m.description = "x".repeat(room + 1))[0].contains("`manifest-bytes`"));
    }

    #[test]
    fn names_have_two_parts() {
        for good in ["aws:executeAwsApi", "a:b", "acme-2:x-1"] {
            assert!(is_action_name(good), "{good}");
        }
        for bad in ["", ":", "a:", ":b", "a:b:c", "1a:b", "a b:c", "a:é", "a:\u{1b}"] {
            assert!(!is_action_name(bad), "{bad:?}");
        }
    }
}
