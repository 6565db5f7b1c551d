//! One runbook on many targets: children, rate control, and the conformance cases about them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{
    line,
    machine::{self, Machine},
};
use runwright_compiler::{Target, Targets, TargetsError, fan_out};
use runwright_executor::{Executor, repair::Repair, state::State};
use runwright_model::{
    digest::Digest,
    event::{Mode, Started},
    plan::Plan,
    status::Status,
};
use serde_json::{Map, Value, json};

const STEPS: &str = "- {name: A, action: 'sim:do', inputs: {Do: ['run {{ X }}', 'sleep 5000']}}\n";

fn values(values: &[String]) -> Targets {
    Targets {
        parameter: Some("X".into()),
        targets: vec![Target {
            key: "ParameterValues".into(),
            values: values.to_vec(),
        }],
        ..Targets::default()
    }
}

fn many(count: usize, name: &str) -> Vec<String> {
    (0..count).map(|number| format!("{name}-{number}")).collect()
}

fn rated(targets: Targets, concurrency: &str, errors: &str) -> Targets {
    Targets {
        max_concurrency: Some(concurrency.into()),
        max_errors: Some(errors.into()),
        ..targets
    }
}

fn fanned(targets: &Targets) -> Arc<Plan> {
    Arc::new(fan_out(&machine::plan("each", STEPS), &Map::new(), targets).unwrap())
}

async fn begin(engine: &Executor, plan: &Arc<Plan>) -> bool {
    let started = Started {
        plan: plan.digest(),
        runbook: plan.name.clone(),
        parameters: Map::new(),
        request: Digest::of(b"targets"),
        by: "kim".into(),
        globals: std::collections::BTreeMap::new(),
        parent: None,
        secrets: Vec::new(),
        rerun_of: None,
        mode: Mode::Auto,
    };
    engine.start(machine::id(), plan.clone(), started).await.is_ok()
}

async fn run(targets: &Targets) -> (State, Machine) {
    let machine = Machine::with(&[]);
    let engine = machine.engine(usize::MAX).await;
    assert!(begin(&engine, &fanned(targets)).await);
    engine.wait(&machine::id(), false).await.unwrap();
    (engine.state(&machine::id()).await.unwrap(), machine)
}

fn count(state: &State, status: Status) -> usize {
    let statuses = state.plan.step_ids().map(|id| state.step_status(id));
    statuses.filter(|found| *found == status).count()
}

#[tokio::test(start_paused = true)]
async fn each_target_is_a_child_with_its_parameter() {
    let (state, machine) = run(&values(&["a".into(), "b".into(), "a".into()])).await;
    assert_eq!(line(&state), "a Success, b Success, a (2) Success | Success");
    let visit = state.visit(runwright_model::id::StepId(1)).unwrap();
    assert_eq!(visit.inputs, json!({"X": ["b"]}));
    assert_eq!(visit.outputs["Status"], "Success");
    assert_eq!(machine.world.effects(), ["a", "b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn maps_give_each_child_its_own_parameters() {
    let targets = Targets {
        maps: vec![
            [("X".to_owned(), vec!["a".to_owned()])].into(),
            [("X".to_owned(), vec!["b".to_owned()])].into(),
        ],
        ..Targets::default()
    };
    let (state, machine) = run(&targets).await;
    assert_eq!(line(&state), "X=a Success, X=b Success | Success");
    assert_eq!(machine.world.effects(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn case_23_the_first_error_stops_the_launches_when_none_may_be() {
    let mut targets = many(10, "ok");
    targets[0] = "false-0".into();
    let (state, machine) = run(&values(&targets)).await;
    assert_eq!((count(&state, Status::Failed), count(&state, Status::Pending)), (1, 9));
    assert_eq!(state.status(), Status::Failed);
    assert_eq!(machine.world.effects(), ["false-0"]);
    let failure = state.ended.unwrap().failure.unwrap();
    assert_eq!(failure.code.as_deref(), Some("RW-X013"));
    assert_eq!(failure.details.unwrap()["pending"], 9);
}

#[tokio::test(start_paused = true)]
async fn case_24_ten_percent_of_fifty_stop_after_the_sixth_error() {
    let (state, _) = run(&rated(values(&many(50, "false")), "1", "10%")).await;
    assert_eq!((count(&state, Status::Failed), count(&state, Status::Pending)), (6, 44));
    assert_eq!(state.status(), Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn errors_that_may_be_leave_a_success_and_running_children_end() {
    let mut targets = many(4, "ok");
    targets[1] = "false-1".into();
    let (state, _) = run(&rated(values(&targets), "1", "1")).await;
    assert_eq!((count(&state, Status::Failed), count(&state, Status::Success)), (1, 3));
    assert_eq!(state.status(), Status::Success);
    let at_once = Targets {
        at_once: true,
        ..rated(values(&targets), "4", "0")
    };
    let (state, _) = run(&at_once).await;
    assert_eq!((count(&state, Status::Failed), count(&state, Status::Success)), (1, 3));
    assert_eq!(state.status(), Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn children_begin_in_waves_that_double_up_to_the_ceiling() {
    let most = |state: &State| {
        let visits: Vec<_> = state.steps.iter().map(|step| &step.visits[0]).collect();
        let beside = |at| {
            visits
                .iter()
                .filter(|v| v.started_at <= at && v.ended_at.unwrap() > at)
                .count()
        };
        visits.iter().map(|visit| beside(visit.started_at)).max().unwrap()
    };
    let took = |state: &State| state.ended.as_ref().unwrap().at.since(state.started_at).as_secs();
    let (state, _) = run(&rated(values(&many(7, "ok")), "100%", "0")).await;
    assert_eq!(most(&state), 4, "one, two, four");
    assert!((15..20).contains(&took(&state)), "{}", took(&state));
    let (state, _) = run(&rated(values(&many(7, "ok")), "2", "0")).await;
    assert_eq!(most(&state), 2);
    let at_once = Targets {
        at_once: true,
        ..rated(values(&many(7, "ok")), "100%", "0")
    };
    let (state, _) = run(&at_once).await;
    assert_eq!(most(&state), 7);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_the_children_and_starts_no_other() {
    let machine = Machine::with(&[]);
    let engine = machine.engine(usize::MAX).await;
    let plan = fanned(&rated(values(&many(3, "ok")), "1", "0"));
    assert!(begin(&engine, &plan).await);
    let mut seen = 0;
    while engine
        .state(&machine::id())
        .await
        .unwrap()
        .awaited_children()
        .is_empty()
    {
        seen = engine.changed(&machine::id(), seen).await;
    }
    let (_, _, child) = engine.state(&machine::id()).await.unwrap().awaited_children()[0].clone();
    engine.cancel(&machine::id(), "kim".into(), None).await.unwrap();
    machine::end(&machine, &engine).await;
    let state = engine.state(&machine::id()).await.unwrap();
    assert_eq!(line(&state), "ok-0 Cancelled, ok-1 Pending, ok-2 Pending | Cancelled");
    assert_eq!(engine.state(&child).await.unwrap().status(), Status::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_failed_can_be_run_again() {
    let machine = Machine::with(&[]);
    let engine = machine.engine(usize::MAX).await;
    assert!(begin(&engine, &fanned(&values(&["false-0".into(), "ok-1".into()]))).await);
    engine.wait(&machine::id(), false).await.unwrap();
    let again = Repair {
        by: "kim".into(),
        from: Some("false-0".into()),
        ..Repair::default()
    };
    engine.repair(&machine::id(), again).await.unwrap();
    engine.wait(&machine::id(), false).await.unwrap();
    let state = engine.state(&machine::id()).await.unwrap();
    assert_eq!(line(&state), "false-0 Failed, ok-1 Pending | Failed");
    assert_eq!(machine.world.effects(), ["false-0", "false-0"]);
}

#[tokio::test(start_paused = true)]
async fn every_append_may_be_the_last() {
    let targets = ["ok-0", "false-1", "ok-2", "ok-3"].map(str::to_owned);
    let plan = fanned(&rated(values(&targets), "2", "1"));
    let expected = "ok-0 Success, false-1 Failed, ok-2 Success, ok-3 Success | Success";
    let budget = 1_000_000;
    let machine = Machine::with(&[]);
    let store = Arc::new(machine.tape.open(budget).await.unwrap());
    let engine = machine
        .engine_over(store.clone(), Arc::new(machine.world.clone()))
        .await;
    assert!(begin(&engine, &plan).await);
    machine::end(&machine, &engine).await;
    assert_eq!(line(&engine.state(&machine::id()).await.unwrap()), expected);
    engine.close().await.unwrap();
    let appends = budget - store.left();
    for crash in 0..=appends {
        let machine = Machine::with(&[]);
        let engine = machine.engine(crash).await;
        if begin(&engine, &plan).await {
            let _ = tokio::time::timeout(Duration::from_secs(60), engine.wait(&machine::id(), false)).await;
        }
        let _ = engine.close().await;
        machine.tape.power_cut();
        let engine = machine.engine(usize::MAX).await;
        assert!(begin(&engine, &plan).await);
        machine::end(&machine, &engine).await;
        let found = line(&engine.state(&machine::id()).await.unwrap());
        assert_eq!(found, expected, "stopped after {crash} of {appends} appends");
        let mut effects = machine.world.effects();
        effects.sort();
        assert_eq!(effects, ["false-1", "ok-0", "ok-2", "ok-3"], "stopped after {crash}");
        assert_eq!(machine.world.begun_twice(), [""; 0], "stopped after {crash}");
    }
}

#[test]
fn targets_that_cannot_be_are_refused() {
    let plan = machine::plan("each", STEPS);
    let refused = |targets: &Targets, given: Value| {
        let Value::Object(given) = given else {
            panic!("an object")
        };
        fan_out(&plan, &given, targets).unwrap_err().to_string()
    };
    let one = values(&["a".into()]);
    let by = |parameter: Option<&str>, key: &str| Targets {
        parameter: parameter.map(str::to_owned),
        targets: vec![Target {
            key: key.into(),
            values: vec!["a".into()],
        }],
        ..Targets::default()
    };
    for (targets, part) in [
        (Targets::default(), "there are no targets"),
        (values(&[]), "list of values is empty"),
        (by(None, "ParameterValues"), "TargetParameterName, which is missing"),
        (by(Some("Y"), "ParameterValues"), "has no parameter `Y`"),
        (
            by(Some("AutomationAssumeRole"), "ParameterValues"),
            "cannot be the TargetParameterName",
        ),
        (by(Some("X"), "tag:Name"), "found in an AWS account"),
        (rated(one.clone(), "0", "0"), "MaxConcurrency must be"),
        (rated(one.clone(), "1", "101%"), "MaxErrors must be"),
        (
            Targets {
                maps: vec![[("X".to_owned(), vec![])].into()],
                ..one.clone()
            },
            "TargetMaps go without Targets",
        ),
    ] {
        let message = refused(&targets, json!({}));
        assert!(message.contains(part), "{message}");
    }
    let error = fan_out(&plan, &Map::from_iter([("Z".to_owned(), json!(1))]), &one).unwrap_err();
    assert!(
        matches!(&error, TargetsError::Parameters { target, .. } if target == "a"),
        "{error}"
    );
}
