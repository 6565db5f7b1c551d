//! What does one call of a plugin cost: compiled from bytes, mapped from the cache, and warm?

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use runwright_benches::{NoCalls, host, spec};
use runwright_host::Host;
use runwright_model::{
    action::ActionSpec,
    event::{Phase, Try},
    id::StepId,
    invocation::{Invocation, Invoked, Invoker},
};
use serde_json::json;

async fn call(host: &Host, spec: &ActionSpec) {
    let invocation = Invocation {
        component: spec.component,
        execution: "bench".parse().expect("an id"),
        step: "S".into(),
        action: "t:act".into(),
        globals: Vec::new(),
        of: Try {
            step: StepId(0),
            visit: 1,
            phase: Phase::Run,
            attempt: 1,
        },
        idempotency_key: "k".into(),
        deadline: None,
        inputs: json!({"Checks": [{"Value": "x", "Equals": "x"}]}),
        done: None,
        attachments: std::collections::BTreeMap::new(),
        trace_parent: None,
    };
    let invoked = host.invoke(invocation, Arc::new(NoCalls)).await;
    assert!(matches!(invoked, Invoked::Returned(_)), "{invoked:?}");
}

fn invoke(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("invoke");
    group.sample_size(10);
    group.bench_function("compiled from bytes", |bencher| {
        bencher.iter_with_large_drop(|| {
            let cache = tempfile::tempdir().expect("a folder");
            let host = host(cache.path());
            runtime.block_on(async { call(&host, &spec(&host, "rw:assert").await).await });
            (cache, host)
        });
    });
    let cache = tempfile::tempdir().expect("a folder");
    let warm = host(cache.path());
    let spec = runtime.block_on(spec(&warm, "rw:assert"));
    group.bench_function("mapped from the cache", |bencher| {
        bencher.iter_with_large_drop(|| {
            let host = host(cache.path());
            runtime.block_on(call(&host, &spec));
            host
        });
    });
    group.sample_size(100);
    group.bench_function("warm", |bencher| {
        bencher.iter(|| runtime.block_on(call(&warm, &spec)));
    });
}

criterion_group!(benches, invoke);
criterion_main!(benches);
