//! Command documents: what they become in a plan.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use runwright_compiler::{bind, parse};
use runwright_model::{
    expression::{Reference, Scope},
    id::StepId,
    plan::Plan,
    step::{OnFailure, StepKind},
};
use serde_json::{Map, Value, json};
use support::{permissive, render, source};

const DOCUMENT: &str = include_str!("fixtures/command.yaml");
const DOCUMENT_JSON: &str = include_str!("fixtures/command.json");

fn plan(text: &str) -> Plan {
    let parsed = parse(&source("command.yaml", text));
    let compiled = parsed.compile(&permissive(&parsed));
    compiled
        .plan
        .unwrap_or_else(|| panic!("{}", render("command.yaml", &compiled.diagnostics)))
}

/// The parameters of an execution.
struct Parameters(Map<String, Value>);

impl Scope for Parameters {
    fn lookup(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Parameter(name) => self.0.get(name).cloned(),
            Reference::Global(_) => Some("Linux".into()),
            Reference::Output { .. } | Reference::Variable(_) | Reference::ExecutionId => None,
        }
    }
}

/// The inputs of a step with these parameters.
fn inputs(plan: &Plan, step: &str, given: &Value) -> Value {
    let scope = Parameters(bind(plan, given.as_object().unwrap()).unwrap());
    let StepKind::Action { inputs, .. } = &plan.step(plan.step_named(step).unwrap()).kind else {
        panic!("{step} is no action")
    };
    inputs
        .iter()
        .map(|(name, template)| (name.clone(), template.resolve(&scope).unwrap()))
        .collect()
}

#[test]
fn yaml_and_json_of_the_same_content_are_the_same_plan() {
    assert_eq!(plan(DOCUMENT).digest(), plan(DOCUMENT_JSON).digest());
}

#[test]
fn modifiers_and_preconditions_become_the_flow() {
    let plan = plan(DOCUMENT);
    let policies: Vec<OnFailure> = plan.steps.iter().map(|step| step.on_failure).collect();
    use OnFailure::{Abort, Continue};
    assert_eq!(policies, [Abort, Continue, Continue, Abort, Continue]);
    assert_eq!(plan.command.as_ref().unwrap().finally, Some(StepId::from_index(4)));
    let holds = |step: usize, action: &str| {
        let given = json!({ "Action": action });
        let scope = Parameters(bind(&plan, given.as_object().unwrap()).unwrap());
        plan.steps[step]
            .when
            .as_ref()
            .is_none_or(|when| when.holds(&scope).unwrap())
    };
    assert!(holds(0, "Install") && !holds(1, "Install") && holds(2, "Install") && !holds(2, "Uninstall"));
}

#[test]
fn references_are_replaced_in_values() {
    let plan = plan(DOCUMENT);
    let fetched = inputs(&plan, "fetch", &json!({"Action": "Uninstall"}));
    assert_eq!(
        fetched["sourceInfo"],
        json!({"url": "https://example.com/Uninstall.tgz", "username": "{{ssm-secure:user}}"})
    );
    let install = inputs(
        &plan,
        "install",
        &json!({"Lines": ["one", "two"], "Secretive": "$(rm)"}),
    );
    assert_eq!(install["timeoutSeconds"], 60);
    let last = "echo \"${SSM_Secretive}\" {\"k\":\"v\"} {{ other.thing }} {{ssm:/a}} {Install}";
    assert_eq!(install["runCommand"], json!(["set -eu", "one", "two", last]));
    assert_eq!(install["environment"]["SSM_Secretive"], "$(rm)");
    let windows = inputs(&plan, "on-windows", &json!({}));
    assert_eq!(windows["runCommand"], json!(["Write-Host \"${env:SSM_Secretive}\""]));
    assert_eq!(
        inputs(&plan, "more", &json!({}))["documentParameters"],
        json!({"k": "v"})
    );
}

#[test]
fn plugins_of_schema_1_2_are_steps() {
    let text = "schemaVersion: '1.2'\nruntimeConfig:\n  aws:runShellScript:\n    properties:\n    - {id: first, runCommand: [a]}\n    \
                - {runCommand: b}\n  aws:runPowerShellScript: {properties: {runCommand: [c]}}\n";
    let plan = plan(text);
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["first", "1.aws:runShellScript", "aws:runPowerShellScript"]);
    assert_eq!(inputs(&plan, "first", &json!({}))["runCommand"], json!(["a"]));
}

#[test]
fn a_plugin_of_windows_is_skipped_in_2_2_and_fails_in_older_schemas() {
    let text = |version: &str| {
        format!(
            "schemaVersion: '{version}'\nmainSteps:\n- {{name: a, action: 'aws:psModule', inputs: {{source: x}}}}\n"
        )
    };
    assert!(plan(&text("2.2")).steps[0].when.is_some());
    assert!(plan(&text("2.0")).steps[0].when.is_none());
}
