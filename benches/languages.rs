//! What does a call of a plugin cost in each language that there is an SDK for?
//!
//! `cargo xtask languages` builds the components, all with the same behaviours.

use criterion::{Criterion, criterion_group, criterion_main};
use runwright_benches::Built;
use serde_json::json;

const LANGUAGES: [&str; 6] = ["rust", "c", "go", "js", "ts", "python"];

fn languages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("languages");
    for language in LANGUAGES {
        let inputs =
            json!({"Case": "echo", "Text": "Grüße", "Whole": 7, "List": ["a", "b"], "Object": {"a": {"b": 1}}});
        if let Some(plugin) = Built::find(format!("behaviours/{language}.wasm"), "test:behaviours", inputs) {
            plugin.measure(&mut group, language);
        }
    }
    group.finish();
}

criterion_group!(benches, languages);
criterion_main!(benches);
