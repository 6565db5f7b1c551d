//! The conformance cases of the runbook language, each with its number in the specification.
//!
//! The cases of rate control (23 and 24) are in `targets.rs`; those of the actions themselves (27 and 28: `aws:sleep`)
//! in their plugins' tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{
    FAILS, WORKS, document, executor, id, line, machine::Machine, plan, refused, run, run_with, started, step, steps,
};
use runwright_executor::decide::NO_OUTPUT;
use runwright_model::{event::Signal, id::StepId, status::Status};
use runwright_testkit::{Tape, World};
use serde_json::json;

async fn check(list: &[(&str, &str, &str)], expected: &str) {
    let steps = steps(list);
    let (state, _) = run(&document(&steps)).await;
    assert_eq!(line(&state), expected, "{steps}");
}

#[tokio::test(start_paused = true)]
async fn case_01_a_failure_ends_the_list() {
    let text = document(&steps(&[("A", FAILS, ""), ("B", WORKS, "")])) + "outputs: [B.Done]\n";
    let (state, _) = run(&text).await;
    assert_eq!(line(&state), "A Failed, B Pending | Failed");
    assert_eq!(state.ended.unwrap().outputs["B.Done"], NO_OUTPUT);
}

#[tokio::test(start_paused = true)]
async fn case_02_continue_goes_on() {
    let list = [("A", FAILS, "onFailure: Continue"), ("B", WORKS, "")];
    check(&list, "A Failed, B Success | Success").await;
}

#[tokio::test(start_paused = true)]
async fn case_03_a_critical_failure_counts_although_the_flow_goes_on() {
    let list = [("A", FAILS, "onFailure: Continue; isCritical: true"), ("B", WORKS, "")];
    check(&list, "A Failed, B Success | Failed").await;
}

#[tokio::test(start_paused = true)]
async fn case_04_a_jump_does_not_rescue_the_execution() {
    let list = [("A", FAILS, "onFailure: step:C"), ("B", WORKS, ""), ("C", WORKS, "")];
    check(&list, "A Failed, B Pending, C Success | Failed").await;
}

#[tokio::test(start_paused = true)]
async fn case_05_a_jump_after_what_is_not_critical_is_a_success() {
    let list = [
        ("A", FAILS, "onFailure: step:C; isCritical: false"),
        ("B", WORKS, ""),
        ("C", WORKS, ""),
    ];
    check(&list, "A Failed, B Pending, C Success | Success").await;
}

#[tokio::test(start_paused = true)]
async fn case_06_is_end_ends() {
    let list = [("A", WORKS, "isEnd: true"), ("B", WORKS, "")];
    check(&list, "A Success, B Pending | Success").await;
}

#[tokio::test(start_paused = true)]
async fn case_07_a_failure_jump_outranks_is_end() {
    let list = [
        ("A", FAILS, "isEnd: true; onFailure: step:C"),
        ("B", WORKS, ""),
        ("C", WORKS, ""),
    ];
    check(&list, "A Failed, B Pending, C Success | Failed").await;
}

#[tokio::test(start_paused = true)]
async fn case_08_attempts_are_tried_within_one_visit() {
    let flaky = "action: test:flaky\n  inputs: {Until: 3}";
    let (state, world) = run(&document(&step("A", flaky, "maxAttempts: 3"))).await;
    assert_eq!(line(&state), "A Success | Success");
    assert_eq!(state.visit_number(StepId(0)), 1);
    assert_eq!(world.effects(), ["flaky 1", "flaky 2", "flaky 3"]);
}

#[tokio::test(start_paused = true)]
async fn case_09_a_step_whose_time_is_over_is_timed_out() {
    let long = "action: test:sleep\n  inputs: {Ms: 60000}";
    check(&[("A", long, "timeoutSeconds: 5")], "A TimedOut | TimedOut").await;
    let list = [("A", long, "timeoutSeconds: 5; isCritical: false")];
    check(&list, "A TimedOut | Success").await;
}

/// The time is that of each attempt.
#[tokio::test(start_paused = true)]
async fn case_09_each_attempt_has_its_own_time() {
    let long = "action: test:sleep\n  inputs: {Ms: 60000}";
    let (state, _) = run(&document(&step("A", long, "timeoutSeconds: 5; maxAttempts: 3"))).await;
    assert_eq!(line(&state), "A TimedOut | TimedOut");
    let took = state.ended.unwrap().at.since(state.started_at);
    assert!((15..17).contains(&took.as_secs()), "{took:?}");
}

/// A branch with one choice, which leads to C; the next listed step is B.
async fn branched(choice: &str, more: &str) -> String {
    let choices = format!("{{Choices: [{{NextStep: C, Variable: '{{{{ A.Done }}}}', StringEquals: '{choice}'}}]}}");
    let branch = format!("action: aws:branch\n  inputs: {choices}");
    let list = [
        ("A", WORKS, ""),
        ("Go", &branch, more),
        ("B", WORKS, ""),
        ("C", WORKS, ""),
    ];
    let (state, _) = run(&document(&steps(&list))).await;
    line(&state)
}

#[tokio::test(start_paused = true)]
async fn case_10_a_branch_without_a_match_ends_with_is_end() {
    let found = branched("no", "isEnd: true").await;
    assert_eq!(found, "A Success, Go Success, B Pending, C Pending | Success");
    let found = branched("yes", "isEnd: true").await;
    assert_eq!(found, "A Success, Go Success, B Pending, C Success | Success");
}

#[tokio::test(start_paused = true)]
async fn case_11_a_branch_without_a_match_goes_on_with_the_next_step() {
    let found = branched("no", "").await;
    assert_eq!(found, "A Success, Go Success, B Success, C Success | Success");
}

#[tokio::test(start_paused = true)]
async fn case_12_a_reference_to_a_list_is_flattened_into_a_list() {
    let text = "schemaVersion: '0.3'\nparameters: {L: {type: StringList}}\nmainSteps:\n\
                - {name: A, action: 'test:list', inputs: {Items: ['{{ L }}', c]}}\noutputs: [A.Items]\n";
    let (state, _) = run_with(text, json!({"L": ["a", "b"]})).await;
    assert_eq!(state.ended.unwrap().outputs["A.Items"], json!(["a", "b", "c"]));
}

#[tokio::test(start_paused = true)]
async fn case_13_a_text_where_a_list_is_wanted_is_a_list_of_one() {
    let text = "schemaVersion: '0.3'\nparameters: {S: {type: String}}\nmainSteps:\n\
                - {name: A, action: 'test:list', inputs: {Items: '{{ S }}'}}\noutputs: [A.Items]\n";
    let (state, _) = run_with(text, json!({"S": "a"})).await;
    assert_eq!(state.ended.unwrap().outputs["A.Items"], json!(["a"]));
}

#[test]
fn case_14_an_unknown_name_is_refused() {
    let text = document("- {name: A, action: 'test:pure', inputs: {X: '{{ unknown }}'}}\n");
    assert_eq!(refused(&text), ["RW-C027"]);
}

#[tokio::test(start_paused = true)]
async fn case_15_an_output_that_is_not_there_fails_the_step_that_wants_it() {
    let wants = "action: test:pure\n  inputs: {X: '{{ A.Nothing }}'}";
    let (state, _) = run(&document(&steps(&[("A", WORKS, ""), ("B", wants, "")]))).await;
    assert_eq!(line(&state), "A Success, B Failed | Failed");
    let failure = state.ended.unwrap().failure.unwrap();
    assert_eq!(failure.code.as_deref(), Some("RW-X001"));
    assert_eq!(failure.details.unwrap()["stage"], "InputValidation");
}

#[tokio::test(start_paused = true)]
async fn case_16_a_filter_with_one_hit_is_unwrapped_into_a_text() {
    let steps = "- name: A
  action: test:pure
  inputs: {Tags: [{Key: a, Value: x}, {Key: b, Value: y}]}
  outputs: [{Name: B, Selector: \"$.Tags[?(@.Key == 'b')].Value\", Type: String}]
";
    let (state, _) = run(&(document(steps) + "outputs: [A.B]\n")).await;
    assert_eq!(state.ended.unwrap().outputs["A.B"], "y");
}

#[tokio::test(start_paused = true)]
async fn case_17_a_text_of_digits_becomes_an_integer() {
    let steps = "- name: A
  action: test:pure
  inputs: {N: '5'}
  outputs: [{Name: I, Selector: $.N, Type: Integer}]
";
    let (state, _) = run(&(document(steps) + "outputs: [A.I]\n")).await;
    assert_eq!(state.ended.unwrap().outputs["A.I"], 5);
}

#[test]
fn case_18_a_text_is_no_default_of_a_boolean() {
    let text = document("- {name: A, action: 'test:pure', inputs: {}}\n");
    let text = text.replace(
        "mainSteps",
        "parameters: {Flag: {type: Boolean, default: 'true'}}\nmainSteps",
    );
    assert_eq!(refused(&text), ["RW-C016"]);
}

#[test]
fn case_19_a_parameter_has_no_underscore() {
    let text = document("- {name: A, action: 'test:pure', inputs: {}}\n");
    let text = text.replace("mainSteps", "parameters: {my_param: {type: String}}\nmainSteps");
    assert_eq!(refused(&text), ["RW-C014"]);
}

#[tokio::test(start_paused = true)]
async fn case_20_is_end_cuts_one_iteration_short() {
    let body = "- name: L
  action: aws:loop
  inputs:
    Iterators: [one, two, three]
    Steps:
    - {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteratorValue }}']}}
    - name: Two
      action: aws:branch
      isEnd: false
      inputs:
        Choices: [{NextStep: Stop, Variable: '{{ L.CurrentIteration }}', NumericEquals: 2}]
        Default: B
    - {name: Stop, action: 'test:do', inputs: {Commands: [stop]}, isEnd: true}
    - {name: B, action: 'test:do', inputs: {Commands: ['b {{ L.CurrentIteration }}']}}
";
    let (state, world) = run(&document(body)).await;
    let expected = "L Success, A Success, Two Success, Stop Success, B Success | Success";
    assert_eq!(line(&state), expected);
    assert_eq!(world.effects(), ["a one", "b 1", "a two", "stop", "a three", "b 3"]);
}

#[tokio::test(start_paused = true)]
async fn case_21_a_condition_that_is_false_after_the_first_pass_ends_the_loop() {
    let body = "- name: L
  action: aws:loop
  inputs:
    LoopCondition: {Variable: '{{ A.Done }}', StringEquals: never}
    MaxIterations: 5
    Steps:
    - {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteration }}']}}
";
    let (state, world) = run(&document(body)).await;
    assert_eq!(line(&state), "L Success, A Success | Success");
    assert_eq!(world.effects(), ["a 1"]);
}

#[tokio::test(start_paused = true)]
async fn case_22_a_step_that_leads_out_of_the_loop_ends_it_as_exited() {
    let body = "- name: L
  action: aws:loop
  inputs:
    Iterators: [1, 2, 3]
    Steps:
    - {name: A, action: 'test:do', inputs: {Commands: [a]}, nextStep: Out}
    - {name: B, action: 'test:do', inputs: {Commands: [b]}}
- {name: C, action: 'test:do', inputs: {Commands: [c]}}
- {name: Out, action: 'test:do', inputs: {Commands: ['out {{ L.CurrentIteration }}']}}
";
    let (state, world) = run(&document(body)).await;
    let expected = "L Exited, A Success, B Pending, C Pending, Out Success | Success";
    assert_eq!(line(&state), expected);
    assert_eq!(world.effects(), ["a", "out 1"]);
}

/// Cancels as soon as the first step is under way, and waits for the end.
async fn cancelled(text: &str) -> (runwright_executor::state::State, World) {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(text);
    executor.start(id(), plan.clone(), started(&plan)).await.unwrap();
    let mut seen = 0;
    while executor.state(&id()).await.unwrap().open.is_empty() {
        seen = executor.changed(&id(), seen).await;
    }
    executor.cancel(&id(), "kim".into(), None).await.unwrap();
    executor.wait(&id(), false).await.unwrap();
    (executor.state(&id()).await.unwrap(), world)
}

#[tokio::test(start_paused = true)]
async fn case_25_a_cancel_goes_on_with_on_cancel_for_two_minutes() {
    let waits = "action: test:sleep\n  inputs: {Ms: 600000}";
    let list = [("A", waits, "onCancel: step:C"), ("B", WORKS, ""), ("C", WORKS, "")];
    let (state, world) = cancelled(&document(&steps(&list))).await;
    assert_eq!(line(&state), "A Cancelled, B Pending, C Success | Cancelled");
    assert_eq!(world.effects(), ["ok"]);

    let list = [("A", waits, "onCancel: step:C"), ("B", WORKS, ""), ("C", waits, "")];
    let (state, _) = cancelled(&document(&steps(&list))).await;
    assert_eq!(line(&state), "A Cancelled, B Pending, C Cancelled | Cancelled");
    let took = state.ended.unwrap().at.since(state.cancel.unwrap().at);
    assert!((120..122).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn case_26_a_rejection_fails_step_and_execution() {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(&document("- {name: Ask, action: 'test:ask', inputs: {}}"));
    executor.start(id(), plan.clone(), started(&plan)).await.unwrap();
    executor.wait(&id(), true).await.unwrap();
    assert_eq!(executor.state(&id()).await.unwrap().status(), Status::Waiting);
    let reject = Signal {
        name: Signal::REJECT.into(),
        step: None,
        by: "kim".into(),
        payload: json!({"comment": "no"}),
    };
    executor.signal(&id(), reject).await.unwrap();
    executor.wait(&id(), false).await.unwrap();
    assert_eq!(line(&executor.state(&id()).await.unwrap()), "Ask Failed | Failed");
}

#[tokio::test(start_paused = true)]
async fn case_29_a_child_that_fails_fails_its_step_and_leaves_no_outputs() {
    let runbooks = [
        (
            "parent",
            "- {name: A, action: 'sim:do', inputs: {Do: ['child child x']}, onFailure: Continue}
- {name: B, action: 'sim:do', inputs: {Do: [], With: '{{ A.Value }}'}}",
        ),
        (
            "child",
            "- {name: A, action: 'sim:do', inputs: {Do: ['fail failed 9']}}",
        ),
    ];
    let machine = Machine::with(&runbooks);
    let engine = machine.engine(usize::MAX).await;
    machine.start(&engine, "parent").await.unwrap();
    common::machine::end(&machine, &engine).await;
    let state = engine.state(&common::machine::id()).await.unwrap();
    assert_eq!(line(&state), "A Failed, B Failed | Failed");
    assert!(state.visit(StepId(0)).unwrap().outputs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn case_30_three_braces_are_text() {
    let steps = "- {name: A, action: 'test:pure', inputs: {TemplateBody: 'a {{{x}}} b'}}\n";
    let (state, _) = run(&(document(steps) + "outputs: [A.TemplateBody]\n")).await;
    assert_eq!(state.ended.unwrap().outputs["A.TemplateBody"], "a {{{x}}} b");
}
