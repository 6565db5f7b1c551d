//! Whether a journal fits another version of its runbook.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{document, executor, id, plan, started};
use runwright_executor::{migrate, state::State};
use runwright_testkit::{Tape, World};

/// The state of an execution that waits in its second step.
async fn waiting(steps: &str) -> State {
    let (tape, world) = (Tape::default(), World::default());
    let (executor, _) = executor(&tape, &world, usize::MAX).await;
    let plan = plan(&document(steps));
    let begun = started(&plan);
    executor.start(id(), plan, begun).await.unwrap();
    executor.wait(&id(), true).await.unwrap();
    executor.state(&id()).await.unwrap()
}

const LIST: &str = "  - {name: A, action: 'test:do', inputs: {Commands: ['a']}}
  - {name: Ask, action: 'test:ask', inputs: {}}
  - {name: B, action: 'test:do', inputs: {Commands: ['b']}}
";

fn whys(state: &State, steps: &str) -> Vec<String> {
    let found = migrate::misfits(state, &plan(&document(steps)));
    found.into_iter().map(|misfit| misfit.why).collect()
}

#[tokio::test(start_paused = true)]
async fn what_has_not_begun_may_change() {
    let state = waiting(LIST).await;
    assert!(whys(&state, LIST).is_empty());
    let other = LIST.replace("['b']", "['other']") + "  - {name: C, action: 'test:pure', inputs: {}}\n";
    assert!(whys(&state, &other).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_has_begun_must_be_the_same() {
    let state = waiting(LIST).await;
    let inputs = whys(&state, &LIST.replace("['a']", "['other']"));
    assert_eq!(
        inputs,
        ["step A has begun, and its `inputs` is another in the new version"]
    );
    let gone = whys(&state, &LIST.replace("name: A,", "name: First,"));
    assert_eq!(gone, ["step A has begun, and the new version has no step of that name"]);
    let action = whys(&state, &LIST.replace("test:ask", "test:pause"));
    assert_eq!(
        action,
        ["step Ask has begun, and its action is another in the new version"]
    );
    let between = LIST.replace(
        "  - {name: Ask",
        "  - {name: New, action: 'test:pure', inputs: {}}\n  - {name: Ask",
    );
    let between = whys(&state, &between);
    assert_eq!(
        between,
        ["step A was followed by Ask, and in the new version is followed by New"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_graph_may_not_gain_a_dependency_that_was_not_met() {
    let graph = "  - {name: A, action: 'test:ask', inputs: {}, dependsOn: []}
  - {name: B, action: 'test:pure', inputs: {}, dependsOn: [A]}
  - {name: C, action: 'test:ask', inputs: {}, dependsOn: []}
";
    let state = waiting(graph).await;
    assert!(whys(&state, graph).is_empty());
    let tangled = graph.replace(
        "name: C, action: 'test:ask', inputs: {}, dependsOn: []",
        "name: C, action: 'test:ask', inputs: {}, dependsOn: [A]",
    );
    assert_eq!(
        whys(&state, &tangled),
        ["step C has begun, and now depends on A, which has not ended well"]
    );
}
