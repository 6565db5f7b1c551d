//! A large document, from text to plan.

use std::{path::Path, time::Instant};

use runwright_benches::{document, host, source, spec};
use runwright_compiler::Catalog;

use crate::{
    Outcome,
    figures::{Measured, median},
    plan::Scale,
};

/// Steps of the document.
const STEPS: usize = 10_000;

pub(crate) async fn measure(folder: &Path, scale: Scale) -> Outcome<Measured> {
    let spec = spec(&host(&folder.join("cache")), "rw:assert").await;
    let catalog = Catalog {
        actions: [("rw:assert".to_owned(), spec)].into(),
        ..Catalog::default()
    };
    let source = source(document(scale.of(STEPS), true));
    let mut times = Vec::new();
    for _ in 0..20 {
        let begin = Instant::now();
        let compiled = runwright_compiler::parse(&source).compile(&catalog);
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        if let Some(found) = compiled.diagnostics.first() {
            return Err(found.message.clone().into());
        }
    }
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    Ok([
        ("ms".to_owned(), median(&mut times)),
        ("best_ms".to_owned(), best),
        ("mb".to_owned(), source.text.len() as f64 / 1e6),
    ]
    .into())
}
