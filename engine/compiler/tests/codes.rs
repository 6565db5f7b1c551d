//! Every code has a page, and the page's examples do what it says.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use runwright_compiler::{CODES, Diagnostic, limits, parse};
use support::{catalog, check, compile, render, source};

/// Codes whose examples are too large for a page. [`limits_have_their_own_code`] triggers them.
const WITHOUT_EXAMPLE: [&str; 2] = ["RW-C001", "RW-C046"];

/// The block of a page that is marked with a word.
fn example(page: &str, mark: &str) -> Option<(&'static str, String)> {
    for ending in ["yaml", "json"] {
        let fence = format!("```{ending} {mark}\n");
        if let Some((_, rest)) = page.split_once(&fence) {
            return Some((ending, rest.split("```").next().unwrap().to_owned()));
        }
    }
    None
}

fn diagnostics(code: &str, origin: &str, text: &str) -> Vec<Diagnostic> {
    // The only code that compiling never reports.
    if code == "RW-C050" {
        return parse(&source(origin, text)).additions();
    }
    compile(origin, text, &catalog()).diagnostics
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

#[test]
fn bad_examples_trigger_their_code_and_good_ones_trigger_none() {
    for (code, page) in CODES {
        assert!(
            page.starts_with(&format!("# {code}: ")),
            "{code}: a page begins with its code and title"
        );
        if WITHOUT_EXAMPLE.contains(code) {
            continue;
        }
        let (ending, bad) = example(page, "bad").unwrap_or_else(|| panic!("{code}: no bad example"));
        let origin = format!("{code}.{ending}");
        let found = diagnostics(code, &origin, &bad);
        let rendered = render(&origin, &found);
        assert!(
            found.iter().any(|d| d.code == *code),
            "{code} is not triggered:\n{rendered}"
        );
        check(&rendered, &fixtures().join(format!("codes/{code}.out")));
        let (ending, good) = example(page, "good").unwrap_or_else(|| panic!("{code}: no good example"));
        let found = diagnostics(code, "good", &good);
        assert!(found.is_empty(), "{code} ({ending}):\n{}", render("good", &found));
    }
}

#[test]
fn limits_have_their_own_code() {
    let large = " ".repeat(limits::SOURCE_BYTES_MAX + 1);
    let found = compile("large", &large, &catalog()).diagnostics;
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["RW-C001"]);

    let step = |n: usize| format!("- {{name: s{n}, action: 'aws:sleep', inputs: {{Duration: PT0S}}}}\n");
    let steps = |count| {
        format!(
            "schemaVersion: '0.3'\nmainSteps:\n{}",
            (0..count).map(step).collect::<String>()
        )
    };
    let found = compile("many", &steps(limits::STEPS_MAX + 1), &catalog()).diagnostics;
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["RW-C046"]);
    assert!(compile("most", &steps(limits::STEPS_MAX), &catalog()).plan.is_some());
}

#[test]
fn every_code_in_the_sources_is_in_the_list_once() {
    let codes: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    let different: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(codes.len(), different.len());
    let pages = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("codes")).unwrap();
    let pages: BTreeSet<String> = pages
        .map(|p| p.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(pages, different.iter().map(|code| (*code).to_owned()).collect());
}
