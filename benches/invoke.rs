//! What does one call of a plugin cost: compiled from bytes, mapped from the cache, and warm?

use criterion::{Criterion, criterion_group, criterion_main};
use runwright_benches::{host, invoke_once, spec};
use runwright_host::Host;
use runwright_model::action::ActionSpec;
use serde_json::json;

async fn call(host: &Host, spec: &ActionSpec) {
    let inputs = json!({"Checks": [{"Value": "x", "Equals": "x"}]});
    invoke_once(host, spec.component, "t:act", inputs).await;
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
