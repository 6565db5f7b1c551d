//! What references are worth when their output was not found, and what defaults that refer to something become.

mod common;

use common::{WORKS, document, line, run, run_with, step, steps};
use serde_json::json;

/// Describes an instance that has no platform, which is what Linux looks like.
const DESCRIBE: &str = "action: test:pure
  inputs: {State: running}
  outputs:
  - {Name: Platform, Selector: $.Platform, Type: String}
  - {Name: Status, Selector: $.State, Type: String}";

#[tokio::test(start_paused = true)]
async fn a_selector_that_finds_nothing_leaves_its_output_out() {
    let text = document(&step("Describe", DESCRIBE, "")) + "outputs: [Describe.Platform, Describe.Status]\n";
    let (state, _) = run(&text).await;
    assert_eq!(line(&state), "Describe Success | Success");
    let outputs = state.ended.unwrap().outputs;
    assert_eq!(outputs["Describe.Status"], json!("running"));
    assert_eq!(
        outputs["Describe.Platform"],
        json!("No output available yet because the step is not successfully executed")
    );
}

#[tokio::test(start_paused = true)]
async fn who_needs_an_output_that_was_not_found_fails() {
    let needs = "action: test:do\n  inputs: {Commands: ['{{ Describe.Platform }}']}";
    let (state, _) = run(&document(&steps(&[("Describe", DESCRIBE, ""), ("Use", needs, "")]))).await;
    assert_eq!(line(&state), "Describe Success, Use Failed | Failed");
    let failure = state.ended.unwrap().failure.unwrap();
    assert_eq!(failure.code.as_deref(), Some("RW-X001"));
}

/// `aws:branch` that goes to `Yes` when this condition holds, and to `No` otherwise.
fn branch(condition: &str) -> String {
    document(&steps(&[
        ("Describe", DESCRIBE, ""),
        (
            "Which",
            &format!("action: aws:branch\n  inputs: {{Choices: [{{NextStep: Yes, {condition}}}], Default: No}}"),
            "",
        ),
        ("Yes", WORKS, "isEnd: true"),
        ("No", WORKS, "isEnd: true"),
    ]))
}

#[tokio::test(start_paused = true)]
async fn an_output_that_was_not_found_is_compared_as_its_reference() {
    let variable = "Variable: '{{Describe.Platform}}'";
    let cases = [
        ("StringEquals: windows", false),
        ("StringEquals: ''", false),
        ("Contains: Describe.Platform", true),
        ("BooleanEquals: true", false),
        ("NumericLesser: 1", false),
    ];
    for (comparison, holds) in cases {
        let (state, _) = run(&branch(&format!("{variable}, {comparison}"))).await;
        let (yes, no) = if holds {
            ("Success", "Pending")
        } else {
            ("Pending", "Success")
        };
        let expected = format!("Describe Success, Which Success, Yes {yes}, No {no} | Success");
        assert_eq!(line(&state), expected, "{comparison}");
    }
}

/// A step of AWS that answers its inputs.
const SCRIPT: &str = "action: aws:executeScript
  inputs: {Runtime: python3.11, Handler: f, Script: 'def f(): pass', InputPayload: ";

#[tokio::test(start_paused = true)]
async fn an_action_of_aws_gets_the_reference_where_nothing_was_found() {
    let script = format!("{SCRIPT} {{Platform: '{{{{Describe.Platform}}}}', Of: ['{{{{ Describe.Status }}}}']}}}}");
    let text = document(&steps(&[("Describe", DESCRIBE, ""), ("Use", &script, "")])) + "outputs: [Use.InputPayload]\n";
    let (state, _) = run(&text).await;
    assert_eq!(line(&state), "Describe Success, Use Success | Success");
    let expected = json!({"Platform": "{{ Describe.Platform }}", "Of": ["running"]});
    assert_eq!(state.ended.unwrap().outputs["Use.InputPayload"], expected);
    // In the middle of a text nothing is guessed.
    let script = format!("{SCRIPT} {{Platform: 'on {{{{Describe.Platform}}}}'}}}}");
    let (state, _) = run(&document(&steps(&[("Describe", DESCRIBE, ""), ("Use", &script, "")]))).await;
    assert_eq!(line(&state), "Describe Success, Use Failed | Failed");
}

#[tokio::test(start_paused = true)]
async fn what_a_step_told_of_its_outputs_when_it_failed_is_there() {
    let fails = "action: test:told
  onFailure: Continue
  isCritical: false
  inputs: {Status: Failed, Id: child-1, Other: x}
  outputs: [{Name: Picked, Selector: $.Id, Type: String}]";
    let wants = "action: test:do\n  inputs: {Commands: ['{{ A.Status }} {{ A.Id }} {{ A.Picked }}']}";
    let text = document(&steps(&[("A", fails, ""), ("B", wants, "")])) + "outputs: [A.Status]\n";
    let (state, world) = run(&text).await;
    assert_eq!(line(&state), "A Failed, B Success | Success");
    assert_eq!(world.effects(), ["Failed child-1 child-1"]);
    let outputs = state.ended.unwrap().outputs;
    assert!(
        outputs["A.Status"]
            .as_str()
            .unwrap()
            .starts_with("No output available yet")
    );
}

#[tokio::test(start_paused = true)]
async fn defaults_refer_to_parameters_and_to_the_execution() {
    let text = "schemaVersion: '0.3'
parameters:
  Source: {type: String}
  Other: {type: String, default: '{{ Undeclared }}'}
  Name: {type: String, default: 'from_{{ Source }}_on_{{global:DATE}}'}
  Alias: {type: String, default: '{{Source}}'}
mainSteps:
- name: A
  action: test:do
  inputs: {Commands: ['{{ Name }}', 'as {{ Alias }}', '{{ Other }}']}
";
    let (state, world) = run_with(text, json!({"Source": "x{{ Alias }}"})).await;
    assert_eq!(line(&state), "A Success | Success");
    assert_eq!(
        world.effects(),
        ["from_x{{ Alias }}_on_1970-01-01", "as x{{ Alias }}", "{{ Undeclared }}"]
    );
    // What is given is data.
    let (_, world) = run_with(text, json!({"Source": "x", "Name": "{{ Source }}", "Alias": "a"})).await;
    assert_eq!(world.effects(), ["{{ Source }}", "as a", "{{ Undeclared }}"]);
}
