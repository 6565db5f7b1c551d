//! Many targets: the plan that runs a runbook once for each.
//!
//! The rules are those of SSM's start of an automation on targets. Targets that only an account knows (tags, resource
//! groups, every instance) are refused.

use std::collections::BTreeMap;

use runwright_model::{
    plan::{FanOut, Order, Plan},
    step::{OnFailure, Retry, RollbackSpec, Step, StepKind},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{BindError, bind, limits::TARGETS_MAX};

/// The concurrency of a start on targets that names none.
const MAX_CONCURRENCY: &str = "10";
/// The errors it allows.
const MAX_ERRORS: &str = "0";
/// The parameter that no target may be put in: each child would run as another role.
const ROLE_PARAMETER: &str = "AutomationAssumeRole";

/// What a runbook is to run on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// The parameter that each target is put in.
    pub parameter: Option<String>,
    /// Which targets; at most one entry.
    pub targets: Vec<Target>,
    /// Parameters of each child, instead of the two above: name to values.
    pub maps: Vec<BTreeMap<String, Vec<String>>>,
    /// How many run at the same time: a number, or a percentage of the targets. 10 when absent.
    pub max_concurrency: Option<String>,
    /// After how many errors no other begins: a number, or a percentage of the targets. 0 when absent.
    pub max_errors: Option<String>,
    /// Whether as many as allowed begin at once, instead of one, two, four and so on.
    pub at_once: bool,
}

/// One entry of `Targets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    /// `ParameterValues`.
    pub key: String,
    /// The targets.
    pub values: Vec<String>,
}

/// Why a runbook cannot run on these targets. Nothing is started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetsError {
    /// The targets themselves.
    #[error("{0}")]
    Targets(String),
    /// The parameters of a child.
    #[error("target {target}: {}", .errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Parameters {
        /// The target.
        target: String,
        /// What is wrong.
        errors: Vec<BindError>,
    },
}

/// The plan that runs a runbook with these parameters once for each target.
///
/// # Errors
///
/// When there are no targets, they are given in a way that cannot be, or a child's parameters are not accepted.
pub fn fan_out(plan: &Plan, given: &Map<String, Value>, targets: &Targets) -> Result<Plan, TargetsError> {
    let each = children(plan, targets)?;
    let count = each.len();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut steps = Vec::with_capacity(count);
    for (target, inputs) in each {
        let mut all = given.clone();
        all.extend(inputs.clone());
        let parameters = bind(plan, &all).map_err(|errors| TargetsError::Parameters {
            target: target.clone(),
            errors,
        })?;
        let seen = names.entry(target.clone()).or_default();
        *seen += 1;
        let name = if *seen == 1 {
            target
        } else {
            format!("{target} ({seen})")
        };
        steps.push(step(name, inputs, parameters));
    }
    let concurrency = share(
        "MaxConcurrency",
        targets.max_concurrency.as_deref(),
        MAX_CONCURRENCY,
        count,
    )?
    .max(1);
    Ok(Plan {
        name: plan.name.clone(),
        description: plan.description.clone(),
        order: Order::Graph,
        parameters: Vec::new(),
        variables: Vec::new(),
        steps,
        outputs: Vec::new(),
        assume_role: None,
        rollback_on_failure: false,
        max_concurrency: concurrency,
        actions: plan.actions.clone(),
        attachments: plan.attachments.clone(),
        fan_out: Some(FanOut {
            runbook: Box::new(plan.clone()),
            max_errors: share("MaxErrors", targets.max_errors.as_deref(), MAX_ERRORS, count)?,
            ramp: !targets.at_once,
        }),
        command: None,
    })
}

fn step(name: String, inputs: Map<String, Value>, parameters: Map<String, Value>) -> Step {
    Step {
        name,
        parent: None,
        kind: StepKind::Target { inputs, parameters },
        outputs: Vec::new(),
        retry: Retry::default(),
        timeout_seconds: None,
        on_failure: OnFailure::Continue,
        on_cancel: None,
        is_end: false,
        next: None,
        is_critical: false,
        depends_on: Vec::new(),
        when: None,
        rollback: RollbackSpec::None,
    }
}

/// The name of a target, and the parameters that are its own.
type Child = (String, Map<String, Value>);

fn refused<T>(why: impl Into<String>) -> Result<T, TargetsError> {
    Err(TargetsError::Targets(why.into()))
}

fn children(plan: &Plan, targets: &Targets) -> Result<Vec<Child>, TargetsError> {
    let found = match (&targets.parameter, targets.targets.as_slice(), targets.maps.as_slice()) {
        (None, [], maps @ [_, ..]) => maps.iter().map(of_map).collect(),
        (_, _, [_, ..]) => return refused("TargetMaps go without Targets and without TargetParameterName"),
        (Some(parameter), [target], []) => of_target(plan, parameter, target)?,
        (Some(_), [], []) => return refused("TargetParameterName goes with Targets, which are missing"),
        (None, [_], []) => return refused("Targets go with TargetParameterName, which is missing"),
        (_, [_, _, ..], []) => return refused("Targets has one entry; give all values in it"),
        (None, [], []) => return refused("there are no targets"),
    };
    match found.len() {
        0 => refused("there are no targets: the list of values is empty"),
        count if count > TARGETS_MAX => refused(format!(
            "there are {count} targets, more than the {TARGETS_MAX} of the limit `targets`"
        )),
        _ => Ok(found),
    }
}

fn of_map(map: &BTreeMap<String, Vec<String>>) -> Child {
    let words: Vec<String> = map
        .iter()
        .map(|(name, values)| format!("{name}={}", values.join(",")))
        .collect();
    let inputs = map
        .iter()
        .map(|(name, values)| (name.clone(), Value::from(values.clone())));
    (words.join(" "), inputs.collect())
}

fn of_target(plan: &Plan, parameter: &str, target: &Target) -> Result<Vec<Child>, TargetsError> {
    if target.key != "ParameterValues" {
        return refused(format!(
            "targets by `{}` are found in an AWS account, which is not asked yet; name them: \
             Key=ParameterValues,Values=a,b",
            target.key
        ));
    }
    if parameter == ROLE_PARAMETER {
        return refused(format!("`{ROLE_PARAMETER}` cannot be the TargetParameterName"));
    }
    let Some(declared) = plan.parameters.iter().find(|declared| declared.name == parameter) else {
        return refused(format!(
            "the runbook has no parameter `{parameter}`, which TargetParameterName names"
        ));
    };
    let takes_text = declared.parameter_type.is_string() || declared.parameter_type.is_string_list();
    if !takes_text {
        let kind = declared.parameter_type.name();
        return refused(format!(
            "the parameter `{parameter}` is of type {kind}, and a target is a text"
        ));
    }
    let child = |value: &String| {
        let inputs = Map::from_iter([(parameter.to_owned(), Value::from(vec![value.clone()]))]);
        (value.clone(), inputs)
    };
    Ok(target.values.iter().map(child).collect())
}

/// A number, or a percentage of the targets, rounded down.
fn share(what: &str, given: Option<&str>, default: &str, targets: usize) -> Result<u32, TargetsError> {
    let text = given.unwrap_or(default);
    let (digits, percent) = text.strip_suffix('%').map_or((text, false), |digits| (digits, true));
    let legal = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let number: Option<u32> = digits.parse().ok().filter(|_| legal);
    let least = u32::from(what == "MaxConcurrency");
    match number.filter(|number| *number >= least && !(percent && *number > 100)) {
        Some(number) if percent => {
            let part = targets as u64 * u64::from(number) / 100;
            Ok(u32::try_from(part).unwrap_or(u32::MAX))
        }
        Some(number) => Ok(number),
        None => refused(format!(
            "{what} must be a number from {least}, or a percentage up to 100%, and is `{text}`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_numbers_or_percentages() {
        let errors = |text| share("MaxErrors", Some(text), "", 50).ok();
        assert_eq!(errors("10%"), Some(5));
        assert_eq!(errors("0"), Some(0));
        assert_eq!(errors("7"), Some(7));
        assert_eq!(errors("1%"), Some(0));
        for bad in ["", "-1", "01", "101%", "x", "5.5%", "%", "+5"] {
            assert_eq!(errors(bad), None, "{bad}");
        }
        assert!(share("MaxConcurrency", Some("0"), "", 50).is_err());
    }
}
