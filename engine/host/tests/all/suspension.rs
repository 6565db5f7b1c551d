//! Calls that wait or are stopped: the instance ends at once, and a second invocation goes on from the answers.

use runwright_host::{Host, Limits, Options};
use runwright_model::{
    capability::{Answer, Error, Request, blobs, waits},
    failure::{Failure, FailureKind},
    invocation::{Called, Invoked, Invoker},
};
use serde_json::json;

use crate::common::{Script, call, failure, host, invocation, options, outputs, run};

fn size() -> Request {
    Request::Blobs(blobs::Request::Size { name: "n".into() })
}

fn sleep(duration_ms: u64) -> Request {
    Request::Waits(waits::Request::Sleep { duration_ms })
}

#[tokio::test]
async fn a_wait_suspends_and_the_answer_resumes() {
    let host = host();
    let inputs = json!({"do": "sequence", "requests": [size(), sleep(5), size()]});
    let answer = Called::Answered(Ok(Answer::Blobs(blobs::Answer::Size(1))));
    let (first, second) = (answer.clone(), answer);
    let waiting = Script::new(move |request| match request {
        Request::Waits(_) => Called::Suspended,
        _ => first.clone(),
    });
    assert_eq!(run(&host, &waiting, inputs.clone()).await, Invoked::Suspended);
    assert_eq!(
        waiting.requests(),
        [size(), sleep(5)],
        "nothing is called after the wait"
    );
    let resumed = Script::new(move |request| match request {
        Request::Waits(_) => Called::Answered(Ok(Answer::Done)),
        _ => second.clone(),
    });
    outputs(run(&host, &resumed, inputs).await);
    assert_eq!(resumed.requests(), [size(), sleep(5), size()]);
}

#[tokio::test]
async fn a_stopped_call_ends_with_its_failure() {
    let stop = Failure::new(FailureKind::NonDeterminism, "another call than before").with_code("RW-X005");
    let given = stop.clone();
    let calls = Script::new(move |_| Called::Stopped(given.clone()));
    assert_eq!(
        failure(run(&host(), &calls, json!({"do": "sequence", "requests": [size(), size()]})).await),
        stop
    );
    assert_eq!(calls.requests().len(), 1);
}

#[tokio::test]
async fn a_sleep_of_the_standard_library_is_a_durable_wait() {
    let host = host();
    let inputs = json!({"do": "sleep", "ms": 5_000});
    let waiting = Script::new(|_| Called::Suspended);
    assert_eq!(run(&host, &waiting, inputs.clone()).await, Invoked::Suspended);
    assert_eq!(waiting.requests(), [sleep(5_000)]);
    let resumed = Script::done();
    let slept = outputs(run(&host, &resumed, inputs).await);
    assert_eq!(resumed.requests(), [sleep(5_000)]);
    assert_eq!(
        slept["monotonic-ms"], 5_000,
        "the steady clock shows at least what was slept"
    );
}

#[tokio::test]
async fn a_denied_sleep_says_what_to_grant() {
    let denied = Error::Denied {
        capability: runwright_model::capability::Capability::Waits,
        missing: "waits: true".into(),
    };
    let failure = failure(run(&host(), &Script::always(Err(denied)), json!({"do": "sleep", "ms": 1})).await);
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Denied, Some("RW-H019"))
    );
    assert!(
        failure.message.contains("waits: true") && failure.message.contains("waits.sleep"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn dropping_the_future_ends_the_instance() {
    let host = Host::new(Options {
        instances: 4,
        ..options(Limits::default())
    })
    .unwrap();
    outputs(run(&host, &Script::done(), json!({"do": "echo"})).await);
    // More than there are places: those dropped must have given theirs back.
    for _ in 0..12 {
        let looping = host.invoke(invocation(json!({"do": "loop"})), Script::done());
        tokio::select! {
            biased;
            invoked = looping => panic!("{invoked:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    outputs(
        run(
            &host,
            &Script::always(Ok(Answer::Blobs(blobs::Answer::Size(1)))),
            call(&size()),
        )
        .await,
    );
}
