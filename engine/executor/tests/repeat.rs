//! `aws:loop`: its two modes, ways out of it, its limits, and what becomes of it when the engine stops.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{document, executor, id, line, plan, refused, run, run_with, started};
use runwright_executor::{
    Executor,
    repair::Repair,
    rollback,
    state::{Iteration, State},
};
use runwright_testkit::{Tape, World};
use serde_json::json;

/// A loop named L with these inputs besides its steps.
fn repeated(inputs: &str, body: &str, after: &str) -> String {
    let body: String = body.lines().map(|line| format!("    {}\n", line.trim())).collect();
    document(&format!(
        "- name: L\n  action: aws:loop\n  inputs:\n    {inputs}\n    Steps:\n{body}{after}"
    ))
}

async fn effects(text: &str) -> (String, Vec<String>) {
    let (state, world) = run(text).await;
    (line(&state), world.effects())
}

const EACH: &str = "- {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteratorValue }}']}}
- {name: B, action: 'test:do', inputs: {Commands: ['b {{ L.CurrentIteration }}']}}";

#[tokio::test(start_paused = true)]
async fn a_list_is_gone_through_in_order_and_outputs_keep_the_last_values() {
    let after = "- {name: C, action: 'test:do', inputs: {Commands: ['c {{ L.CurrentIteration }} {{ L.CurrentIteratorValue }}']}}
outputs: [L.CurrentIteratorValue, A.Done]
";
    let (state, world) = run(&repeated("Iterators: [x, 2, true]", EACH, after)).await;
    assert_eq!(line(&state), "L Success, A Success, B Success, C Success | Success");
    assert_eq!(
        world.effects(),
        ["a x", "b 1", "a 2", "b 2", "a true", "b 3", "c 3 true"]
    );
    let outputs = &state.ended.as_ref().unwrap().outputs;
    assert_eq!(
        outputs["L.CurrentIteratorValue"], "true",
        "items are texts unless the author says"
    );
    let iterations: Vec<_> = state.steps[1]
        .visits
        .iter()
        .map(|visit| visit.iteration.unwrap())
        .collect();
    let expected: Vec<_> = (1..=3).map(|number| Iteration { visit: 1, number }).collect();
    assert_eq!(iterations, expected);
}

#[tokio::test(start_paused = true)]
async fn items_have_the_type_that_is_asked_for() {
    let picked = "- {name: A, action: 'test:pure', inputs: {V: '{{ L.CurrentIteratorValue }}'}}";
    let last = |state: &State| state.visit(runwright_model::id::StepId(1)).unwrap().inputs["V"].clone();
    for (items, wanted, expected) in [
        ("['1', 2]", "Integer", json!(2)),
        ("[true, 'FALSE']", "Boolean", json!(false)),
        ("[{a: 1}, '{\"b\": 2}']", "StringMap", json!({"b": 2})),
        ("[1, {a: 1}]", "String", json!("{\"a\":1}")),
        ("only", "String", json!("only")),
    ] {
        let inputs = format!("Iterators: {items}\n    IteratorDataType: {wanted}");
        let (state, _) = run(&repeated(&inputs, picked, "")).await;
        assert_eq!(line(&state), "L Success, A Success | Success", "{items}");
        assert_eq!(last(&state), expected, "{items}");
    }
    let (state, _) = run(&repeated(
        "Iterators: [1, x]\n    IteratorDataType: Integer",
        picked,
        "",
    ))
    .await;
    assert_eq!(line(&state), "L Failed, A Pending | Failed");
    let message = state.ended.unwrap().failure.unwrap().message;
    assert!(message.contains("the item \"x\" is no Integer"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_runs_nothing_and_the_limit_drops_the_rest() {
    let (found, done) = effects(&repeated("Iterators: []", EACH, "")).await;
    assert_eq!(
        (found.as_str(), done.len()),
        ("L Success, A Pending, B Pending | Success", 0)
    );
    let (_, done) = effects(&repeated("Iterators: [x, y, z]\n    MaxIterations: '2'", EACH, "")).await;
    assert_eq!(done, ["a x", "b 1", "a y", "b 2"]);
}

#[tokio::test(start_paused = true)]
async fn lists_and_limits_may_be_references() {
    let body = "- {name: A, action: 'test:pure', inputs: {V: '{{ L.CurrentIteratorValue }}'}}";
    let text = repeated("Iterators: '{{ Names }}'\n    MaxIterations: '{{ Most }}'", body, "");
    let text = text.replace(
        "mainSteps",
        "parameters: {Names: {type: StringList}, Most: {type: Integer, default: 100}}\nmainSteps",
    );
    let (state, _) = run_with(&text, json!({"Names": ["a", "b", "c"], "Most": 2})).await;
    assert_eq!(state.steps[1].visits.len(), 2);
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let (state, _) = run_with(&text, json!({"Names": many})).await;
    assert_eq!(line(&state), "L Failed, A Pending | Failed");
    let message = state.ended.unwrap().failure.unwrap().message;
    assert!(message.contains("101 items"), "{message}");
    let (state, _) = run_with(&text, json!({"Names": ["a"], "Most": 0})).await;
    let message = state.ended.unwrap().failure.unwrap().message;
    assert!(message.contains("`MaxIterations` must be"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_condition_is_asked_after_each_iteration_and_the_limit_is_no_failure() {
    let body = "- {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteration }}']}}";
    let until = "LoopCondition: {Variable: '{{ L.CurrentIteration }}', NumericLesser: 3}\n    MaxIterations: 10";
    let (found, done) = effects(&repeated(until, body, "")).await;
    assert_eq!(found, "L Success, A Success | Success");
    assert_eq!(done, ["a 1", "a 2", "a 3"]);
    let (found, done) = effects(&repeated(&until.replace("10", "2"), body, "")).await;
    assert_eq!((found.as_str(), done.len()), ("L Success, A Success | Success", 2));
    let nothing = "LoopCondition: {Variable: '{{ A.Nothing }}', NumericEquals: 1}";
    let (found, done) = effects(&repeated(nothing, body, "")).await;
    assert_eq!((found.as_str(), done.len()), ("L Success, A Success | Success", 1));
    let broken = "LoopCondition: {Variable: '{{ A.X }}', BooleanEquals: true}";
    let body = "- {name: A, action: 'test:pure', inputs: {X: soon}}";
    let (found, _) = effects(&repeated(broken, body, "")).await;
    assert_eq!(found, "L Failed, A Success | Failed");
}

#[tokio::test(start_paused = true)]
async fn a_variable_can_end_a_loop() {
    let body = "- {name: A, action: 'test:pure', inputs: {X: '{{ variable:V }}x'}}
- {name: Set, action: 'aws:updateVariable', inputs: {Name: 'variable:V', Value: '{{ A.X }}'}}";
    let until = "LoopCondition: {Not: {Variable: '{{ variable:V }}', StringEquals: xxx}}";
    let text = repeated(until, body, "").replace("mainSteps", "variables: {V: {type: String, default: ''}}\nmainSteps");
    let (state, _) = run(&text).await;
    assert_eq!(line(&state), "L Success, A Success, Set Success | Success");
    assert_eq!(state.variables["V"], "xxx");
    assert_eq!(state.steps[1].visits.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn failures_inside_follow_their_own_step() {
    let fails = |policy: &str| {
        let body = format!(
            "- {{name: A, action: 'test:do', inputs: {{Commands: ['false']}}, {policy}}}
             - {{name: B, action: 'test:do', inputs: {{Commands: ['b']}}}}"
        );
        let after = "- {name: C, action: 'test:do', inputs: {Commands: [c]}}\n";
        repeated("Iterators: [1, 2]", &body, after)
    };
    for (policy, expected, count) in [
        ("isEnd: false", "L Failed, A Failed, B Pending, C Pending | Failed", 1),
        (
            "isCritical: false",
            "L Failed, A Failed, B Pending, C Pending | Success",
            1,
        ),
        (
            "onFailure: Continue",
            "L Success, A Failed, B Success, C Success | Success",
            5,
        ),
        (
            "onFailure: 'step:B'",
            "L Success, A Failed, B Success, C Success | Failed",
            5,
        ),
        (
            "onFailure: 'step:C'",
            "L Exited, A Failed, B Pending, C Success | Failed",
            2,
        ),
        (
            "onFailure: Rollback",
            "L Failed, A Failed, B Pending, C Pending | RolledBack",
            2,
        ),
    ] {
        let (found, done) = effects(&fails(policy)).await;
        assert_eq!((found.as_str(), done.len()), (expected, count), "{policy}: {done:?}");
    }
    // The loop's own policy is for the loop's own failures.
    let (found, _) =
        effects(&fails("isEnd: false").replace("action: aws:loop", "action: aws:loop\n  onFailure: Continue")).await;
    assert_eq!(found, "L Failed, A Failed, B Pending, C Pending | Failed");
    let own = fails("isEnd: false").replace("[1, 2]", "'{{ Z.X }}'");
    let own = own.replace(
        "mainSteps:\n",
        "mainSteps:\n- {name: Z, action: 'test:pure', inputs: {}}\n",
    );
    let own = own.replace("action: aws:loop", "action: aws:loop\n  onFailure: Continue");
    let (found, _) = effects(&own).await;
    assert_eq!(found, "Z Success, L Failed, A Pending, B Pending, C Success | Success");
}

#[tokio::test(start_paused = true)]
async fn loops_may_be_nested_and_left_at_once() {
    let body = "- name: M
  action: aws:loop
  inputs:
    Iterators: [x, y]
    Steps:
    - {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteratorValue }} {{ M.CurrentIteratorValue }}']}}
    - name: Leave
      action: aws:branch
      isEnd: true
      inputs:
        Choices: [{NextStep: Out, Variable: '{{ L.CurrentIteration }}', NumericEquals: 2}]
- {name: B, action: 'test:do', inputs: {Commands: ['b {{ M.CurrentIteration }}']}}";
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let text = document(&format!(
        "- name: L\n  action: aws:loop\n  inputs:\n    Iterators: ['1', '2', '3']\n    Steps:\n{body}\
         - {{name: C, action: 'test:do', inputs: {{Commands: [c]}}}}\n- {{name: Out, action: 'test:do', inputs: {{Commands: [out]}}}}\n"
    ));
    let (found, done) = effects(&text).await;
    let expected = "L Exited, M Exited, A Success, Leave Success, B Success, C Pending, Out Success | Success";
    assert_eq!(found, expected);
    assert_eq!(done, ["a 1 x", "a 1 y", "b 2", "a 2 x", "out"]);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_loop_is_that_of_all_its_iterations() {
    let body = "- {name: A, action: 'test:sleep', inputs: {Ms: 4000}, maxAttempts: 9, onFailure: Continue}";
    let after = "- {name: B, action: 'test:do', inputs: {Commands: [b]}}\n";
    let text = repeated("Iterators: [1, 2, 3, 4]", body, after);
    let text = text.replace(
        "action: aws:loop",
        "action: aws:loop\n  timeoutSeconds: 10\n  onFailure: Continue",
    );
    let (state, _) = run(&text).await;
    assert_eq!(line(&state), "L TimedOut, A Cancelled, B Success | Success");
    let took = state.ended.as_ref().unwrap().at.since(state.started_at);
    assert!((10..11).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_may_be_visited_a_thousand_times_in_each_iteration() {
    let body = "- {name: A, action: 'test:pure', inputs: {X: x}}
- {name: Back, action: 'aws:branch', inputs: {Choices: [{NextStep: A, Variable: '{{ A.X }}', StringEquals: x}], Default: End}}
- {name: End, action: 'test:pure', inputs: {}}";
    let (found, _) = effects(&repeated("Iterators: [1, 2]", body, "")).await;
    assert_eq!(found, "L Failed, A Failed, Back Success, End Pending | Failed");
}

#[tokio::test(start_paused = true)]
async fn in_graph_order_loops_run_beside_each_other_and_count_once() {
    let side = |name: &str| {
        format!(
            "- name: {name}\n  action: aws:loop\n  inputs:\n    Iterators: [1, 2]\n    Steps:\n    - {{name: {name}A, action: \
             'test:sleep', inputs: {{Ms: 2000}}}}\n    - {{name: {name}B, action: 'test:do', inputs: {{Commands: ['{name}']}}}}\n"
        )
    };
    let last =
        "- {name: End, action: 'test:do', inputs: {Commands: ['end {{ L.CurrentIteration }}']}, dependsOn: [L, M]}\n";
    let text = document(&format!("{}{}{last}", side("L"), side("M")));
    let (state, world) = run(&text).await;
    assert!(line(&state).ends_with("| Success"), "{}", line(&state));
    let took = state.ended.as_ref().unwrap().at.since(state.started_at);
    assert!((4..5).contains(&took.as_secs()), "both at once: {took:?}");
    assert_eq!(world.effects().last().unwrap(), "end 2");
    let (state, _) = run(&text.replace("mainSteps", "maxConcurrency: 1\nmainSteps")).await;
    let took = state.ended.as_ref().unwrap().at.since(state.started_at);
    assert!((8..9).contains(&took.as_secs()), "one after the other: {took:?}");
}

#[test]
fn what_cannot_be_a_loop_is_refused() {
    let body = "- {name: A, action: 'test:pure', inputs: {}}";
    for (inputs, code) in [
        (
            "Iterators: [1]\n    LoopCondition: {Variable: '{{ A.X }}', StringEquals: x}",
            "RW-C051",
        ),
        ("MaxIterations: 3", "RW-C037"),
        ("Iterators: [1]\n    MaxIterations: 101", "RW-C051"),
        ("Iterators: [1]\n    IteratorDataType: MapList", "RW-C051"),
        ("Iterators: {a: 1}", "RW-C012"),
        ("Iterators: [1]\n    Times: 3", "RW-C038"),
    ] {
        assert_eq!(refused(&repeated(inputs, body, "")), [code], "{inputs}");
    }
    let into = "- {name: B, action: 'test:pure', inputs: {}, nextStep: A}\n";
    assert_eq!(refused(&repeated("Iterators: [1]", body, into)), ["RW-C051"]);
    let needs = "- {name: A, action: 'test:pure', inputs: {}, dependsOn: [L]}";
    assert_eq!(refused(&repeated("Iterators: [1]", needs, "")), ["RW-C051"]);
    let elsewhere = "- {name: B, action: 'test:pure', inputs: {X: '{{ L.CurrentIteratorValue }}'}}\n";
    let value = "LoopCondition: {Variable: '{{ A.X }}', StringEquals: x}";
    assert_eq!(refused(&repeated(value, body, elsewhere)), ["RW-C029"]);
}

async fn under_way(text: &str) -> (Executor, World, Tape) {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(text);
    executor.start(id(), plan.clone(), started(&plan)).await.unwrap();
    (executor, world, tape)
}

async fn ended(executor: &Executor) -> String {
    executor.wait(&id(), false).await.unwrap();
    line(&executor.state(&id()).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_the_step_under_way_and_the_loop() {
    let cancelled = |policy: &str| {
        let body = format!(
            "- {{name: A, action: 'test:sleep', inputs: {{Ms: 600000}}{policy}}}
             - {{name: B, action: 'test:do', inputs: {{Commands: [b]}}}}"
        );
        repeated(
            "Iterators: [1, 2]",
            &body,
            "- {name: C, action: 'test:do', inputs: {Commands: [c]}}\n",
        )
    };
    for (policy, expected) in [
        ("", "L Cancelled, A Cancelled, B Pending, C Pending | Cancelled"),
        (
            ", onCancel: 'step:B'",
            "L Cancelled, A Cancelled, B Success, C Pending | Cancelled",
        ),
        (
            ", onCancel: 'step:C'",
            "L Exited, A Cancelled, B Pending, C Success | Cancelled",
        ),
    ] {
        let (executor, _, _) = under_way(&cancelled(policy)).await;
        let mut seen = 0;
        while executor.state(&id()).await.unwrap().open.is_empty() {
            seen = executor.changed(&id(), seen).await;
        }
        executor.cancel(&id(), "kim".into(), None).await.unwrap();
        assert_eq!(ended(&executor).await, expected, "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_iterations_did_is_undone_last_first() {
    let (executor, world, _) = under_way(&repeated("Iterators: [x, y]", EACH, "")).await;
    ended(&executor).await;
    let request = rollback::Request {
        by: "kim".into(),
        ..rollback::Request::default()
    };
    executor.rollback(&id(), request).await.unwrap();
    assert_eq!(ended(&executor).await, "L Success, A Success, B Success | RolledBack");
    assert_eq!(world.effects()[4..], ["undo b 2", "undo a y", "undo b 1", "undo a x"]);
    // Nothing stands, so a resume begins the loop anew.
    let again = Repair {
        by: "kim".into(),
        ..Repair::default()
    };
    executor.repair(&id(), again).await.unwrap();
    assert_eq!(ended(&executor).await, "L Success, A Success, B Success | Success");
    assert_eq!(world.effects()[8..], ["a x", "b 1", "a y", "b 2"]);
}

#[tokio::test(start_paused = true)]
async fn in_graph_order_what_a_loop_did_is_undone_before_what_it_depends_on() {
    let text = document(
        "- {name: First, action: 'test:do', inputs: {Commands: [first]}}
- name: L
  action: aws:loop
  dependsOn: [First]
  inputs:
    Iterators: [x, y]
    Steps:
    - {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteratorValue }}']}}
- {name: Last, action: 'test:do', inputs: {Commands: ['false']}, dependsOn: [L], onFailure: Rollback}
",
    );
    let (executor, world, _) = under_way(&text).await;
    assert_eq!(
        ended(&executor).await,
        "First Success, L Success, A Success, Last Failed | RolledBack"
    );
    assert_eq!(
        world.effects()[4..],
        ["undo false", "undo a y", "undo a x", "undo first"]
    );
}

/// Fails in the second iteration, and goes on there with another value.
async fn resumed(order: &str) {
    let body = "- {name: A, action: 'test:do', inputs: {Commands: ['a {{ L.CurrentIteratorValue }}']}}
- {name: B, action: 'test:do', inputs: {Commands: ['{{ Word }} {{ L.CurrentIteratorValue }}']}, when: {Variable: '{{ L.CurrentIteratorValue }}', StringEquals: y}}";
    let after = format!("- {{name: C, action: 'test:do', inputs: {{Commands: [c]}}{order}}}\n");
    let text = repeated("Iterators: [x, y, z]", body, &after);
    let text = text.replace(
        "mainSteps",
        "parameters: {Word: {type: String, default: 'false'}}\nmainSteps",
    );
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(&text);
    let mut begun = started(&plan);
    begun.parameters.insert("Word".into(), json!("false"));
    executor.start(id(), plan, begun).await.unwrap();
    assert_eq!(
        ended(&executor).await,
        "L Failed, A Success, B Failed, C Pending | Failed"
    );
    let repair = Repair {
        by: "kim".into(),
        parameters: serde_json::Map::from_iter([("Word".to_owned(), json!("true"))]),
        ..Repair::default()
    };
    executor.repair(&id(), repair).await.unwrap();
    assert_eq!(
        ended(&executor).await,
        "L Success, A Success, B Skipped, C Success | Success"
    );
    assert_eq!(world.effects(), ["a x", "a y", "false y", "true y", "a z", "c"]);
    assert_eq!(
        executor
            .state(&id())
            .await
            .unwrap()
            .visit_number(runwright_model::id::StepId(0)),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_resume_goes_on_in_the_iteration_that_failed() {
    resumed("").await;
    resumed(", dependsOn: [L]").await;
}

#[tokio::test(start_paused = true)]
async fn a_step_of_a_loop_that_never_began_is_no_place_to_begin() {
    let after = "- {name: C, action: 'test:do', inputs: {Commands: [c]}}\n";
    let text = repeated("Iterators: [x]", EACH, after).replace(
        "mainSteps:\n",
        "mainSteps:\n- {name: Z, action: 'test:do', inputs: {Commands: ['false']}}\n",
    );
    let (executor, _, _) = under_way(&text).await;
    ended(&executor).await;
    let repair = Repair {
        from: Some("A".into()),
        ..Repair::default()
    };
    let refused = executor.repair(&id(), repair).await.unwrap_err().to_string();
    assert!(refused.contains("--from L"), "{refused}");
}
