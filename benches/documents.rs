//! How long do the largest runbooks of others take from text to plan, beside reading their YAML alone? And how long does a plan of
//! 1,000 steps take to be shown (`runwright plan`)?
//!
//! Documents of others are not part of this repository: where they are absent, a document of 75 steps stands in for them.

use std::{fs, path::Path};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runwright::{Library, PlanRequest, Runbook, Source};
use runwright_benches::{document, source};

/// How many of the documents of others.
const LARGEST: usize = 5;
/// Steps of the largest runbooks that are published.
const STEPS: usize = 75;

/// The documents with most steps, and the one that stands in for them.
fn sources() -> Vec<(usize, Source)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/automation");
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(usize, Source)> = files
        .filter_map(|file| {
            let text = fs::read_to_string(file.path()).ok()?;
            let name = file.file_name().to_string_lossy().into_owned();
            // A step has one action, in YAML and in JSON.
            let steps = text.matches("action").count();
            let origin = name.clone();
            Some((steps, Source { name, origin, text }))
        })
        .collect();
    found.sort_by_key(|(steps, _)| std::cmp::Reverse(*steps));
    found.truncate(LARGEST);
    found.push((STEPS, source(document(STEPS, false))));
    found
}

#[expect(clippy::print_stdout, reason = "which documents they were is part of the result")]
fn documents(criterion: &mut Criterion) {
    let state = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let library = Library::open(state.path().to_owned(), Vec::new()).expect("a library");
    let mut group = criterion.benchmark_group("documents");
    for (steps, source) in sources() {
        // The first time, plugins are compiled.
        let first = runtime.block_on(library.compile(&source, Path::new(".")));
        println!(
            "{}: {} bytes, about {steps} steps, {} findings",
            source.name,
            source.text.len(),
            first.diagnostics.len()
        );
        group.throughput(Throughput::Bytes(source.text.len() as u64));
        let name: String = source
            .name
            .chars()
            .rev()
            .take(40)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        group.bench_with_input(BenchmarkId::new("compile", &name), &source, |bencher, source| {
            bencher.iter(|| runtime.block_on(library.compile(source, Path::new("."))));
        });
        group.bench_with_input(BenchmarkId::new("yaml_alone", &name), &source, |bencher, source| {
            bencher.iter(|| serde_yaml::from_str::<serde_yaml::Value>(&source.text).is_ok());
        });
    }
    group.finish();
    let source = source(document(1_000, true));
    let compiled = runtime.block_on(library.compile(&source, Path::new(".")));
    let request = PlanRequest {
        runbook: Runbook {
            source,
            path: None,
            compiled,
        },
        parameters: Default::default(),
        targets: None,
        aws: false,
    };
    criterion.bench_function("plan/1000", |bencher| {
        bencher.iter(|| library.plan(request.clone()).expect("a plan"));
    });
}

criterion_group!(benches, documents);
criterion_main!(benches);
