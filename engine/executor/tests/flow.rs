//! What comes after what: SSM Automation's rules in list order, ours in graph order.

mod common;

use common::{document, line, run};

async fn check(steps: &str, expected: &str) {
    let (state, _) = run(&document(steps)).await;
    assert_eq!(line(&state), expected, "{steps}");
}

const FAILS: &str = "action: test:do\n  inputs: {Commands: ['false']}";
const WORKS: &str = "action: test:do\n  inputs: {Commands: [ok]}";

fn step(name: &str, body: &str, more: &str) -> String {
    let more: String = more
        .split(';')
        .filter(|m| !m.trim().is_empty())
        .map(|m| format!("  {}\n", m.trim()))
        .collect();
    format!("- name: {name}\n  {body}\n{more}")
}

fn steps(list: &[(&str, &str, &str)]) -> String {
    list.iter().map(|(name, body, more)| step(name, body, more)).collect()
}

/// Numbers are those of the conformance cases of the language's specification.
#[tokio::test(start_paused = true)]
async fn a_failure_ends_the_list_1() {
    check(
        &steps(&[("A", FAILS, ""), ("B", WORKS, "")]),
        "A Failed, B Pending | Failed",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn continue_goes_on_2_and_3() {
    check(
        &steps(&[("A", FAILS, "onFailure: Continue"), ("B", WORKS, "")]),
        "A Failed, B Success | Success",
    )
    .await;
    let critical = "onFailure: Continue; isCritical: true";
    check(
        &steps(&[("A", FAILS, critical), ("B", WORKS, "")]),
        "A Failed, B Success | Failed",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_jump_does_not_rescue_the_execution_4_and_5() {
    let jump = [("A", FAILS, "onFailure: step:C"), ("B", WORKS, ""), ("C", WORKS, "")];
    check(&steps(&jump), "A Failed, B Pending, C Success | Failed").await;
    let jump = [
        ("A", FAILS, "onFailure: step:C; isCritical: false"),
        ("B", WORKS, ""),
        ("C", WORKS, ""),
    ];
    check(&steps(&jump), "A Failed, B Pending, C Success | Success").await;
}

#[tokio::test(start_paused = true)]
async fn is_end_ends_and_a_failure_jump_outranks_it_6_and_7() {
    check(
        &steps(&[("A", WORKS, "isEnd: true"), ("B", WORKS, "")]),
        "A Success, B Pending | Success",
    )
    .await;
    let jump = [
        ("A", FAILS, "isEnd: true; onFailure: step:C"),
        ("B", WORKS, ""),
        ("C", WORKS, ""),
    ];
    check(&steps(&jump), "A Failed, B Pending, C Success | Failed").await;
}

#[tokio::test(start_paused = true)]
async fn attempts_are_tried_within_one_visit_8() {
    let flaky = "action: test:flaky\n  inputs: {Until: 3}";
    let (state, world) = run(&document(&step("A", flaky, "maxAttempts: 3"))).await;
    assert_eq!(line(&state), "A Success | Success");
    assert_eq!(state.visit_number(runwright_model::id::StepId(0)), 1);
    assert_eq!(world.effects(), ["flaky 1", "flaky 2", "flaky 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_time_is_over_is_timed_out_9() {
    let long = "action: test:sleep\n  inputs: {Ms: 60000}";
    check(&step("A", long, "timeoutSeconds: 5"), "A TimedOut | TimedOut").await;
    check(
        &step("A", long, "timeoutSeconds: 5; isCritical: false"),
        "A TimedOut | Success",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_branch_goes_where_its_condition_leads_10_and_11() {
    let branch = |choice: &str, more: &str| {
        let choices = format!("{{Choices: [{{NextStep: C, Variable: '{{{{ A.Done }}}}', StringEquals: '{choice}'}}]}}");
        steps(&[
            ("A", WORKS, ""),
            ("Branch", &format!("action: aws:branch\n  inputs: {choices}"), more),
            ("B", WORKS, ""),
            ("C", WORKS, ""),
        ])
    };
    check(
        &branch("yes", ""),
        "A Success, Branch Success, B Pending, C Success | Success",
    )
    .await;
    check(
        &branch("no", ""),
        "A Success, Branch Success, B Success, C Success | Success",
    )
    .await;
    check(
        &branch("no", "isEnd: true"),
        "A Success, Branch Success, B Pending, C Pending | Success",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_jumps_ends_at_its_limit() {
    let text = document(&steps(&[
        ("A", "action: test:pure\n  inputs: {}", ""),
        (
            "B",
            "action: aws:branch\n  inputs: {Choices: [{NextStep: A, Variable: '{{ A.X }}', StringEquals: x}], Default: End}",
            "",
        ),
        ("End", WORKS, ""),
    ]));
    let text = text.replace("inputs: {}", "inputs: {X: x}");
    let (state, _) = run(&text).await;
    assert_eq!(line(&state), "A Failed, B Success, End Pending | Failed");
    let failure = state.ended.unwrap().failure.unwrap();
    assert_eq!(failure.code.as_deref(), Some("RW-X006"));
}

#[tokio::test(start_paused = true)]
async fn steps_that_do_not_depend_on_each_other_run_at_the_same_time() {
    let sleep = "action: test:sleep\n  inputs: {Ms: 3000}";
    let (state, _) = run(&document(&steps(&[
        ("A", sleep, ""),
        ("B", sleep, ""),
        ("C", WORKS, "dependsOn: [A, B]"),
    ])))
    .await;
    assert_eq!(line(&state), "A Success, B Success, C Success | Success");
    let took = state.ended.unwrap().at.since(state.started_at);
    assert!(took.as_millis() < 4_000, "both slept at once: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn max_concurrency_holds_steps_back() {
    let sleep = "action: test:sleep\n  inputs: {Ms: 3000}";
    let text = document(&steps(&[
        ("A", sleep, ""),
        ("B", sleep, ""),
        ("C", WORKS, "dependsOn: [A, B]"),
    ]));
    let (state, _) = run(&text.replace("mainSteps", "maxConcurrency: 1\nmainSteps")).await;
    let took = state.ended.unwrap().at.since(state.started_at);
    assert!(took.as_millis() >= 6_000, "one slept after the other: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn in_graph_order_a_failure_stops_what_depends_on_it() {
    let graph = [("A", FAILS, ""), ("B", WORKS, "dependsOn: [A]"), ("C", WORKS, "")];
    let (state, _) = run(&document(&steps(&graph))).await;
    assert_eq!(common::statuses(&state)[1].1.as_str(), "Pending");
    assert_eq!(state.status().as_str(), "Failed");
    let graph = [("A", FAILS, "onFailure: Continue"), ("B", WORKS, "dependsOn: [A]")];
    check(&steps(&graph), "A Failed, B Success | Success").await;
}

#[tokio::test(start_paused = true)]
async fn a_false_when_skips_and_lets_dependents_run() {
    let when = "when: {Variable: '{{ A.Done }}', StringEquals: never}";
    let graph = [
        ("A", WORKS, ""),
        ("B", WORKS, &format!("dependsOn: [A]; {when}")[..]),
        ("C", WORKS, "dependsOn: [B]"),
    ];
    check(&steps(&graph), "A Success, B Skipped, C Success | Success").await;
}

#[tokio::test(start_paused = true)]
async fn an_output_that_is_not_there_fails_the_step_that_wants_it_15() {
    let wants = "action: test:pure\n  inputs: {X: '{{ A.Nothing }}'}";
    let (state, _) = run(&document(&steps(&[("A", WORKS, ""), ("B", wants, "")]))).await;
    assert_eq!(line(&state), "A Success, B Failed | Failed");
    assert_eq!(state.ended.unwrap().failure.unwrap().code.as_deref(), Some("RW-X001"));
}
