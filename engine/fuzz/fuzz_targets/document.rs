//! What the compiler makes of any text: a plan exactly when it finds no error, and places inside the text.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use runwright_compiler::{Catalog, Diagnostic, Severity, bind, edges, parse};
use runwright_fuzz::actions::{catalog, source};
use runwright_model::plan::Plan;
use serde_json::Map;

static CATALOG: LazyLock<Catalog> = LazyLock::new(catalog);

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let parsed = parse(&source("input.yaml", &text));
    let compiled = parsed.compile(&CATALOG);
    let is_sound = compiled
        .diagnostics
        .iter()
        .all(|found| found.severity != Severity::Error);
    assert_eq!(
        compiled.plan.is_some(),
        is_sound,
        "a plan, exactly when there is no error"
    );
    let additions = parsed.additions();
    compiled
        .diagnostics
        .iter()
        .chain(&additions)
        .for_each(|found| stands_in(&text, found));
    if let Some(plan) = compiled.plan {
        let written = serde_json::to_vec(&plan).expect("a plan is JSON");
        let read: Plan = serde_json::from_slice(&written).expect("and is read back");
        assert_eq!(read, plan);
        let _ = edges(&plan);
        let _ = bind(&plan, &Map::new());
    }
});

fn stands_in(text: &str, found: &Diagnostic) {
    let related = found.related.iter().map(|(span, _)| span);
    for span in related.chain([&found.span]) {
        let inside = text.get(span.bytes.clone()).is_some();
        assert!(
            inside && span.line >= 1 && span.column >= 1,
            "{span:?} is no part of the text"
        );
    }
}
