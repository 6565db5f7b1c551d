//! Many calls at once.

use std::time::{Duration, Instant};

use runwright_host::{Host, Limits};
use runwright_model::capability::{Answer, blobs};
use serde_json::json;

use crate::common::{Script, assert_limit, host, host_with, options, outputs, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_do_not_mix() {
    let host = host();
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let host = host.clone();
            tokio::spawn(async move {
                let calls = Script::always(Ok(Answer::Blobs(blobs::Answer::Size(number))));
                let echoed = outputs(run(&host, &calls, json!({"do": "echo", "number": number})).await);
                assert_eq!(echoed["inputs"]["number"], number);
                let many = outputs(run(&host, &calls, json!({"do": "many-calls", "times": 10})).await);
                assert_eq!(many["answered"], 10);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn more_calls_than_instances_take_turns() {
    let host = Host::new(runwright_host::Options {
        instances: 2,
        ..options(Limits::default())
    })
    .unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let host = host.clone();
        calls.spawn(async move {
            let calls = Script::always(Ok(Answer::Blobs(blobs::Answer::Size(1))));
            outputs(run(&host, &calls, json!({"do": "many-calls", "times": 3})).await)
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}

#[tokio::test]
async fn a_looping_plugin_leaves_others_unaffected() {
    // One thread for all: the loop must give it back at every tick.
    let host = host_with(Limits {
        call_cpu_ms: 3_000,
        ..Limits::default()
    });
    outputs(run(&host, &Script::done(), json!({"do": "echo"})).await);
    let looping = tokio::spawn({
        let host = host.clone();
        async move { run(&host, &Script::done(), json!({"do": "loop"})).await }
    });
    tokio::task::yield_now().await;
    let start = Instant::now();
    for _ in 0..5 {
        outputs(run(&host, &Script::done(), json!({"do": "echo"})).await);
    }
    assert!(
        !looping.is_finished(),
        "the others had to wait for it: {:?}",
        start.elapsed()
    );
    assert_limit(looping.await.unwrap(), "call-cpu-ms", 3_000);
}

#[tokio::test]
async fn waiting_is_not_computing() {
    struct Slow(std::sync::Arc<Script>);
    #[async_trait::async_trait]
    impl runwright_model::invocation::Calls for Slow {
        async fn call(&self, request: runwright_model::capability::Request) -> runwright_model::invocation::Called {
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.0.call(request).await
        }
        fn log(&self, level: runwright_model::log::Level, stream: runwright_model::log::Stream, text: &str) {
            self.0.log(level, stream, text);
        }
        fn now(&self) -> runwright_model::time::Timestamp {
            self.0.now()
        }
    }
    use runwright_model::invocation::Invoker as _;
    let host = host_with(Limits {
        call_cpu_ms: 150,
        ..Limits::default()
    });
    let calls = std::sync::Arc::new(Slow(Script::always(Ok(Answer::Blobs(blobs::Answer::Size(1))))));
    let inputs = json!({"do": "many-calls", "times": 2});
    assert_eq!(
        outputs(host.invoke(crate::common::invocation(inputs), calls).await),
        json!({"answered": 2})
    );
}
