//! Texts made to hurt: each is answered within seconds, whatever the answer.

mod support;

use std::time::{Duration, Instant};

use runwright_compiler::limits::SOURCE_BYTES_MAX;
use support::{catalog, compile};

/// Generous, because test machines are slow: what is guarded against takes minutes, or all memory.
const TIME_MAX: Duration = Duration::from_secs(60);

#[test]
fn repeated_pieces_fill_the_largest_text() {
    let pieces = [
        "[",
        "{",
        "{\"a\":",
        "- ",
        "a: ",
        "'",
        "\"",
        "\"a\",",
        "&a ",
        "*a ",
        "!!str ",
        "? ",
        "| \n",
        "a: b\n",
        "{{ a }} ",
        "{{",
        "#",
        "\n",
        "\t",
        "é",
        "[a, ",
        "{a: b, ",
        "a: {\nb: c\n}\n",
        "---\n",
        "%",
    ];
    for piece in pieces {
        for prefix in ["", "a: ", "{\"a\": [", "schemaVersion: '0.3'\nmainSteps:\n"] {
            let count = (SOURCE_BYTES_MAX - prefix.len()) / piece.len() / 8;
            let text = format!("{prefix}{}", piece.repeat(count));
            let start = Instant::now();
            let compiled = compile("hostile", &text, &catalog());
            let took = start.elapsed();
            assert!(!compiled.diagnostics.is_empty(), "{prefix:?} {piece:?}");
            assert!(took < TIME_MAX, "{prefix:?} {piece:?} took {took:?}");
        }
    }
}

#[test]
fn ten_thousand_wrong_steps_are_reported_one_by_one() {
    const STEPS: usize = 10_000;
    let mut text = String::from("schemaVersion: '0.3'\nmainSteps:\n");
    for step in 0..STEPS {
        text.push_str(&format!(
            "- name: step{step}\n  action: aws:slee{step}\n  nextStep: stpe{step}\n  inputs: {{Duration: '{{{{ setp{step}.Out }}}}{{{{ Nmae{step} }}}}'}}\n"
        ));
    }
    let start = Instant::now();
    let compiled = compile("wrong", &text, &catalog());
    assert_eq!(compiled.diagnostics.len(), STEPS * 4);
    assert!(start.elapsed() < TIME_MAX, "{:?}", start.elapsed());
}

#[test]
fn dependencies_of_all_on_all_are_answered() {
    const STEPS: usize = 1_000;
    let mut text = String::from("schemaVersion: '0.3'\nmainSteps:\n");
    for step in 0..STEPS {
        let before: Vec<String> = (0..step).map(|other| format!("s{other}")).collect();
        text.push_str(&format!(
            "- name: s{step}\n  action: acme:drain\n  dependsOn: [{}]\n  inputs: {{Node: '{{{{ s0.Drained }}}}'}}\n",
            before.join(", ")
        ));
    }
    let start = Instant::now();
    let compiled = compile("dense", &text, &catalog());
    assert_eq!(
        compiled.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(),
        ["RW-C030"],
        "the first uses itself"
    );
    assert!(start.elapsed() < TIME_MAX, "{:?}", start.elapsed());
}
