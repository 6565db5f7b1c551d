//! How long one call takes: cold, from the cache, and warm. Run it with `--release`.
//!
//! The guest is the tests' misbehaving one, half a megabyte of Rust with serde_json in it; a plugin of one
//! function is faster. With files as arguments (`target/behaviours/*.wasm`) the guests are those, and the call is the case
//! `absent` of the behaviour suite, which only reads its inputs.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::unwrap_used, reason = "an example")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use runwright_host::{Components, Host, Options};
use runwright_model::{
    capability::{Answer, Request, blobs},
    digest::Digest,
    event::{Phase, Try},
    id::StepId,
    invocation::{Called, Calls, Invocation, Invoked, Invoker},
    log::{Level, Stream},
    time::Timestamp,
};
use runwright_testguest::COMPONENT;
use serde_json::{Value, json};

const CALLS: usize = 2_000;

struct Bytes(Vec<u8>);

#[async_trait::async_trait]
impl Components for Bytes {
    async fn bytes(&self, _: &Digest) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }
}

struct Ready;

#[async_trait::async_trait]
impl Calls for Ready {
    async fn call(&self, _: Request) -> Called {
        Called::Answered(Ok(Answer::Blobs(blobs::Answer::Size(1))))
    }

    fn log(&self, _: Level, _: Stream, _: &str) {}

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        let mix = [
            ("warm: one call", json!({"do": "progress"})),
            (
                "warm: one call with 100 host calls",
                json!({"do": "many-calls", "times": 100}),
            ),
            ("warm: echo of 1 KiB", json!({"do": "echo", "text": "x".repeat(1024)})),
        ];
        measure(COMPONENT, &mix).await;
    }
    for file in files {
        let component = std::fs::read(&file).unwrap();
        println!("{file}: {} bytes", component.len());
        measure(&component, &[("warm: one call", json!({"Case": "absent"}))]).await;
    }
}

async fn measure(component: &[u8], mix: &[(&str, Value)]) {
    let digest = Digest::of(component);
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        cache_dir: Some(folder.path().join("cache")),
        ..Options::new(Arc::new(Bytes(component.to_vec())))
    };
    for name in ["cold: start, compile, keep, call", "from the cache: start, map, call"] {
        let start = Instant::now();
        let host = Host::new(options.clone()).unwrap();
        let started = start.elapsed();
        once(&host, digest, mix[0].1.clone()).await;
        println!("{name:<40} {:>10.1?} (of it start {started:.1?})", start.elapsed());
    }
    let host = Host::new(options).unwrap();
    for (name, inputs) in mix {
        let mut times = Vec::new();
        for _ in 0..CALLS {
            let start = Instant::now();
            once(&host, digest, inputs.clone()).await;
            times.push(start.elapsed());
        }
        times.sort();
        let at = |hundredth: usize| -> Duration { times[CALLS * hundredth / 100] };
        println!("{name:<40} p50 {:>9.1?}  p99 {:>9.1?}", at(50), at(99));
    }
}

async fn once(host: &Host, component: Digest, inputs: Value) {
    let invocation = Invocation {
        component,
        execution: "e-1".parse().unwrap(),
        step: "s".into(),
        action: "t:act".into(),
        globals: vec![("REGION".into(), "eu-north-1".into())],
        of: Try {
            step: StepId(0),
            visit: 1,
            phase: Phase::Run,
            attempt: 1,
        },
        idempotency_key: "k".into(),
        deadline: None,
        inputs,
        done: None,
        attachments: std::collections::BTreeMap::new(),
        trace_parent: None,
    };
    let invoked = host.invoke(invocation, Arc::new(Ready)).await;
    assert!(matches!(invoked, Invoked::Returned(_)), "{invoked:?}");
}
