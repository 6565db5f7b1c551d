//! How long does it take to compile a document of 10, 1,000 and 10,000 steps?

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runwright_benches::{document, host, source, spec};
use runwright_compiler::Catalog;

fn compile(criterion: &mut Criterion) {
    let cache = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let spec = runtime.block_on(spec(&host(cache.path()), "rw:assert"));
    let catalog = Catalog {
        actions: [("rw:assert".to_owned(), spec)].into(),
        ..Catalog::default()
    };
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for steps in [10, 1_000, 10_000] {
        for (order, graph) in [("list", false), ("graph", true)] {
            let source = source(document(steps, graph));
            group.throughput(Throughput::Elements(steps as u64));
            group.bench_with_input(BenchmarkId::new(order, steps), &source, |bencher, source| {
                bencher.iter(|| {
                    let compiled = runwright_compiler::parse(source).compile(&catalog);
                    assert!(compiled.plan.is_some(), "{:?}", compiled.diagnostics.first());
                });
            });
        }
    }
}

criterion_group!(benches, compile);
criterion_main!(benches);
