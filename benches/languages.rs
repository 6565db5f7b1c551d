//! What does a call of a plugin cost in each language that there is an SDK for?
//!
//! `cargo xtask languages` builds the components, all with the same behaviours; what is not there is not measured, and named.
#![expect(
    clippy::print_stderr,
    reason = "who measures wants to know what is missing, and how large things are"
)]

use std::{fs, path::Path, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use runwright_benches::invoke_once;
use runwright_host::{Components, Host, Options};
use runwright_model::digest::Digest;
use serde_json::json;

const LANGUAGES: [&str; 6] = ["rust", "c", "go", "js", "ts", "python"];
const ACTION: &str = "test:behaviours";

/// One component.
struct OneFile {
    digest: Digest,
    bytes: Vec<u8>,
}

#[async_trait::async_trait]
impl Components for OneFile {
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>> {
        (*digest == self.digest).then(|| self.bytes.clone())
    }
}

/// In the build's own folder: benches run in `target/release/deps`.
fn component(language: &str) -> Option<Arc<OneFile>> {
    let program = std::env::current_exe().expect("a program");
    let target = program.ancestors().nth(3).expect("three folders up");
    let path = target.join("behaviours").join(language).with_extension("wasm");
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("not measured: there is no {}", path.display());
        return None;
    };
    eprintln!("{language}: {} bytes", bytes.len());
    let digest = Digest::of(&bytes);
    Some(Arc::new(OneFile { digest, bytes }))
}

fn host(component: &Arc<OneFile>, cache: &Path) -> Host {
    let options = Options {
        cache_dir: Some(cache.to_owned()),
        ..Options::new(component.clone())
    };
    Host::new(options).expect("a host")
}

async fn call(host: &Host, digest: Digest) {
    let inputs = json!({"Case": "echo", "Text": "Grüße", "Whole": 7, "List": ["a", "b"], "Object": {"a": {"b": 1}}});
    invoke_once(host, digest, ACTION, inputs).await;
}

fn languages(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("languages");
    for language in LANGUAGES {
        let Some(component) = component(language) else { continue };
        // On the disk of the project, where compiled components are mapped from.
        let folder = tempfile::tempdir_in(".").expect("a folder");
        let cache = folder.path().join("cache");
        let kept = host(&component, &cache);
        let began = std::time::Instant::now();
        runtime.block_on(call(&kept, component.digest));
        eprintln!("{language}: compiled and called in {:?}", began.elapsed());
        group.sample_size(50);
        group.bench_function(format!("{language}: a call"), |bencher| {
            bencher.iter(|| runtime.block_on(call(&kept, component.digest)));
        });
        drop(kept);
        group.sample_size(10);
        group.bench_function(format!("{language}: the first call of a process"), |bencher| {
            // Dropped within: a host reserves terabytes of addresses, and a dozen of them are all that there are.
            bencher.iter(|| {
                let host = host(&component, &cache);
                runtime.block_on(call(&host, component.digest));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, languages);
criterion_main!(benches);
