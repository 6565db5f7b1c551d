//! What does a whole execution of 100 steps cost, on memory and on sled, without effects and with one each?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use runwright::{Engine, Runbook, StartRequest, Until, model::status::Status};
use runwright_benches::{document, source};

const STEPS: usize = 100;

/// Steps with one journalled capability call each, durable before it is made.
fn with_effects(folder: &std::path::Path) -> String {
    let mut text = String::from("schemaVersion: '0.3'\nmainSteps:\n");
    for step in 0..STEPS {
        let path = folder.join("value").display().to_string();
        text.push_str(&format!(
            "  - {{name: S{step}, action: 'rw:putParameter', inputs: {{Name: /bench/{step}, Value: '{path}'}}}}\n"
        ));
    }
    text
}

async fn run(engine: &Engine, runbook: &Runbook) {
    let request = StartRequest {
        runbook: runbook.clone(),
        parameters: Default::default(),
        id: None,
        by: "bench".into(),
        mode: runwright::model::event::Mode::Auto,
    };
    let begun = engine.start(request).await.expect("a start");
    let view = engine.wait(&begun.id, Until::Ended).await.expect("an end");
    assert_eq!(view.status, Status::Success, "{:?}", view.failure);
}

fn execution(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("execution of 100 steps");
    group.sample_size(10);
    group.throughput(Throughput::Elements(STEPS as u64));
    for in_memory in [true, false] {
        let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the project, not in memory");
        let builder = Engine::builder().state_dir(folder.path());
        let builder = if in_memory { builder.in_memory() } else { builder };
        let engine = runtime.block_on(builder.open()).expect("an engine");
        let store = if in_memory { "memory" } else { "sled" };
        for (kind, text) in [
            ("pure", document(STEPS, false)),
            ("one effect each", with_effects(folder.path())),
        ] {
            let source = source(text);
            let compiled = runtime.block_on(engine.library().compile(&source, folder.path()));
            let runbook = Runbook {
                source,
                path: None,
                compiled,
            };
            group.bench_function(format!("{store}, {kind}"), |bencher| {
                bencher.iter(|| runtime.block_on(run(&engine, &runbook)));
            });
        }
        runtime.block_on(engine.close()).expect("a close");
    }
}

criterion_group!(benches, execution);
criterion_main!(benches);
