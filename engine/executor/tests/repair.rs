//! Going on after the end: resume from a step, with other values; what it runs again and what it keeps.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{document, executor, executor_over, id, line, plan, started};
use runwright_executor::{
    Error, Executor,
    repair::{Choice, Repair},
    rollback,
};
use runwright_testkit::{Tape, World};
use serde_json::{Map, Value, json};

/// Three steps; the second fails as often as its command says so, the last waits for a parameter.
const LIST: &str = "  - {name: A, action: 'test:do', inputs: {Commands: ['a {{ Zone }}']}}
  - {name: B, action: 'test:do', inputs: {Commands: ['{{ Word }} b']}}
  - {name: C, action: 'test:do', inputs: {Commands: ['c']}}
";

fn with_parameters(steps: &str) -> String {
    format!(
        "schemaVersion: '0.3'\nparameters:\n  Zone: {{type: String, default: x}}\n  Word: {{type: String, default: \
         'false'}}\nmainSteps:\n{steps}"
    )
}

fn parameters(word: &str, zone: &str) -> Map<String, Value> {
    Map::from_iter([("Zone".to_owned(), json!(zone)), ("Word".to_owned(), json!(word))])
}

/// An execution of this document that has ended.
async fn ended(text: &str) -> (Executor, World) {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(text);
    let mut begun = started(&plan);
    begun.parameters = parameters("false", "x");
    executor.start(id(), plan, begun).await.unwrap();
    executor.wait(&id(), false).await.unwrap();
    (executor, world)
}

async fn repair(executor: &Executor, repair: Repair) -> Result<String, Error> {
    let by = "kim".to_owned();
    executor.repair(&id(), Repair { by, ..repair }).await?;
    executor.wait(&id(), false).await?;
    Ok(line(&executor.state(&id()).await?))
}

#[tokio::test(start_paused = true)]
async fn a_failed_execution_goes_on_at_the_step_that_failed_with_another_value() {
    let (executor, world) = ended(&with_parameters(LIST)).await;
    let changed = Repair {
        parameters: parameters("true", "x"),
        ..Repair::default()
    };
    let after = repair(&executor, changed).await.unwrap();
    assert_eq!(after, "A Success, B Success, C Success | Success");
    assert_eq!(world.effects(), ["a x", "false b", "true b", "c"]);
    let state = executor.state(&id()).await.unwrap();
    let visits = &state.steps[1].visits;
    assert_eq!(visits.len(), 2, "the failed visit is kept beside the new one");
    assert!(visits[0].failure.is_some() && visits[1].failure.is_none());
}

#[tokio::test(start_paused = true)]
async fn finished_steps_that_read_a_changed_value_make_one_choose() {
    let (executor, world) = ended(&with_parameters(LIST)).await;
    let changed = |affected| Repair {
        parameters: parameters("true", "y"),
        affected,
        ..Repair::default()
    };
    let refused = repair(&executor, changed(Choice::Ask)).await.unwrap_err();
    let Error::Choose { affected, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(affected.len(), 1);
    assert_eq!(
        (affected[0].step.as_str(), affected[0].reads.as_slice()),
        ("A", ["Zone".to_owned()].as_slice())
    );
    assert!(refused.to_string().contains("A (reads Zone)"), "{refused}");
    assert_eq!(world.effects(), ["a x", "false b"], "nothing was done");

    let after = repair(&executor, changed(Choice::Again)).await.unwrap();
    assert_eq!(after, "A Success, B Success, C Success | Success");
    assert_eq!(world.effects(), ["a x", "false b", "a y", "true b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn kept_results_stand() {
    let (executor, world) = ended(&with_parameters(LIST)).await;
    let changed = Repair {
        parameters: parameters("true", "y"),
        affected: Choice::Keep,
        ..Repair::default()
    };
    repair(&executor, changed).await.unwrap();
    assert_eq!(world.effects(), ["a x", "false b", "true b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn an_input_can_be_put_over_the_documents() {
    let (executor, world) = ended(&with_parameters(LIST)).await;
    let changed = Repair {
        inputs: vec![("B".into(), "Commands".into(), json!(["other b"]))],
        ..Repair::default()
    };
    let after = repair(&executor, changed).await.unwrap();
    assert_eq!(after, "A Success, B Success, C Success | Success");
    assert_eq!(world.effects(), ["a x", "false b", "other b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn from_a_step_the_flow_runs_again_from_there() {
    let (executor, world) = ended(&with_parameters(&LIST.replace("{{ Word }} b", "b"))).await;
    let from = Repair {
        from: Some("B".into()),
        ..Repair::default()
    };
    let after = repair(&executor, from).await.unwrap();
    assert_eq!(after, "A Success, B Success, C Success | Success");
    assert_eq!(world.effects(), ["a x", "b", "c", "b", "c"]);
    let unknown = Repair {
        from: Some("Z".into()),
        ..Repair::default()
    };
    let refused = repair(&executor, unknown).await.unwrap_err().to_string();
    assert!(refused.contains("no step `Z`; it has A, B, C"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_ended_well_has_no_place_to_go_on() {
    let (executor, _) = ended(&document("  - {name: A, action: 'test:pure', inputs: {}}\n")).await;
    let refused = repair(&executor, Repair::default()).await.unwrap_err().to_string();
    assert!(
        refused.contains("--from STEP") && refused.contains("rerun"),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_graph_runs_again_what_depends_on_the_step() {
    let steps = "  - {name: A, action: 'test:do', inputs: {Commands: ['a']}, dependsOn: []}
  - {name: B, action: 'test:do', inputs: {Commands: ['b {{ Zone }}']}, dependsOn: [A]}
  - {name: C, action: 'test:do', inputs: {Commands: ['c']}, dependsOn: [B]}
  - {name: D, action: 'test:do', inputs: {Commands: ['d']}, dependsOn: [A]}
";
    let (executor, world) = ended(&with_parameters(steps)).await;
    let changed = Repair {
        parameters: parameters("false", "y"),
        affected: Choice::Again,
        ..Repair::default()
    };
    let after = repair(&executor, changed).await.unwrap();
    assert_eq!(after, "A Success, B Success, C Success, D Success | Success");
    let effects = world.effects();
    assert_eq!(effects[4..], ["b y", "c"], "{effects:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_a_step_and_a_resume_go_on_after_it() {
    let (executor, world) = ended(&with_parameters(&LIST.replace("{{ Word }} b", "b"))).await;
    let back = rollback::Request {
        by: "kim".into(),
        to: Some("A".into()),
        skip: None,
    };
    executor.rollback(&id(), back).await.unwrap();
    executor.wait(&id(), false).await.unwrap();
    assert_eq!(world.effects(), ["a x", "b", "c", "undo c", "undo b"]);
    let after = repair(&executor, Repair::default()).await.unwrap();
    assert_eq!(after, "A Success, B Success, C Success | Success");
    assert_eq!(world.effects()[5..], ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_repair_survives_a_crash_at_every_append() {
    let text = with_parameters(LIST);
    let mut stopped = 0;
    for appends in 0..40 {
        let (tape, world) = (Tape::default(), World::default());
        let (first, _) = executor(&tape, &world, usize::MAX).await;
        let plan = plan(&text);
        let mut begun = started(&plan);
        begun.parameters = parameters("false", "x");
        first.start(id(), plan, begun).await.unwrap();
        first.wait(&id(), false).await.unwrap();
        drop(first);
        let wanted = Repair {
            by: "kim".into(),
            parameters: parameters("true", "x"),
            ..Repair::default()
        };
        let (second, _) = executor(&tape, &world, appends).await;
        let asked = second.repair(&id(), wanted.clone()).await;
        let crashed = asked.is_err() || second.wait(&id(), false).await.is_err();
        drop(second);
        stopped += usize::from(crashed);
        tape.power_cut();
        let store = std::sync::Arc::new(tape.open(usize::MAX).await.unwrap());
        let (third, _) = executor_over(store, &world).await;
        if third.state(&id()).await.unwrap().status().is_final() && asked.is_err() {
            third.repair(&id(), wanted).await.unwrap();
        }
        third.resume(&id()).await.unwrap();
        third.wait(&id(), false).await.unwrap();
        let after = line(&third.state(&id()).await.unwrap());
        assert_eq!(after, "A Success, B Success, C Success | Success", "after {appends}");
        assert_eq!(world.effects(), ["a x", "false b", "true b", "c"], "after {appends}");
        if !crashed {
            break;
        }
    }
    assert!(stopped > 3, "it was stopped {stopped} times");
}
