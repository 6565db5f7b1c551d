//! What comes after what, beside the conformance cases: jumps back, and graph order.

mod common;

use common::{FAILS, WORKS, document, line, run, steps};

async fn check(steps: &str, expected: &str) {
    let (state, _) = run(&document(steps)).await;
    assert_eq!(line(&state), expected, "{steps}");
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
