//! Whatever the text, the compiler answers, and answers the same again.

mod support;

use proptest::prelude::*;
use runwright_compiler::{Severity, parse};
use support::{catalog, source};

/// A document with a bit of everything.
const SEED: &str = include_str!("fixtures/everything.yaml");
const SEED_JSON: &str = include_str!("fixtures/everything.json");
const COMMAND: &str = include_str!("fixtures/command.yaml");

/// Pieces that documents break on.
const PIECES: [&str; 24] = [
    "{{",
    "}}",
    "{{ x }}",
    "{{ a.b }}",
    "{",
    "}",
    "[",
    "]",
    "'",
    "\"",
    ":",
    ": ",
    "- ",
    "\n",
    "\t",
    "  ",
    "&a ",
    "*a",
    "!!str ",
    "é\u{feff}",
    "\\ud800",
    "step:",
    "null",
    "99999999999999999999",
];

#[derive(Debug, Clone)]
enum Change {
    Insert(usize, usize),
    Delete(usize, usize),
    Move(usize, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        (any::<usize>(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<usize>(), 1_usize..40).prop_map(|(at, length)| Change::Delete(at, length)),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Change::Move(from, to)),
    ];
    proptest::collection::vec(change, 1..8)
}

fn boundary(text: &str, at: usize) -> usize {
    let mut at = at % (text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn changed(seed: &str, changes: &[Change]) -> String {
    let mut text = seed.to_owned();
    for change in changes {
        match *change {
            Change::Insert(at, piece) => text.insert_str(boundary(&text, at), PIECES[piece]),
            Change::Delete(at, length) => {
                let start = boundary(&text, at);
                let end = boundary(&text, (start + length).min(text.len()));
                text.replace_range(start..end.max(start), "");
            }
            Change::Move(from, to) => {
                let lines: Vec<&str> = text.lines().collect();
                if lines.is_empty() {
                    continue;
                }
                let mut lines = lines.clone();
                let line = lines.remove(from % lines.len());
                lines.insert(to % (lines.len() + 1), line);
                text = lines.join("\n");
            }
        }
    }
    text
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    let compile = || parse(&source("x.yaml", text)).compile(&catalog());
    let (first, second) = (compile(), compile());
    prop_assert_eq!(&first.diagnostics, &second.diagnostics);
    prop_assert_eq!(&first.plan, &second.plan);
    let sound = first.diagnostics.iter().all(|d| d.severity != Severity::Error);
    prop_assert_eq!(first.plan.is_some(), sound, "a plan, exactly when there is no error");
    for diagnostic in &first.diagnostics {
        let spans = diagnostic
            .related
            .iter()
            .map(|(span, _)| span)
            .chain([&diagnostic.span]);
        for span in spans {
            prop_assert!(
                text.get(span.bytes.clone()).is_some(),
                "{:?} is no part of the text",
                span
            );
            prop_assert!(span.line >= 1 && span.column >= 1);
        }
    }
    if let Some(plan) = first.plan {
        let text = serde_json::to_string(&plan).expect("a plan is JSON");
        let again = serde_json::from_str(&text).expect("and is read back");
        prop_assert_eq!(&plan, &again);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_yaml_is_answered(changes in changes()) {
        holds(&changed(SEED, &changes))?;
    }

    #[test]
    fn changed_json_is_answered(changes in changes()) {
        holds(&changed(SEED_JSON, &changes))?;
    }

    #[test]
    fn changed_command_documents_are_answered(changes in changes()) {
        holds(&changed(COMMAND, &changes))?;
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        holds(&text)?;
    }

    #[test]
    fn pieces_are_answered(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40)) {
        holds(&pieces.concat())?;
    }
}
