//! Documents from the wild: every one compiles, or is refused for a fault it really has.
//!
//! They are not part of this repository. Where they are absent the test says so and passes.

mod support;

use std::{collections::BTreeMap, fs, path::Path};

use runwright_compiler::{Severity, parse};
use support::{permissive, source};

/// Documents with errors, each with the codes of its faults.
const FAULTY: &[(&str, &[&str])] = &[
    // Loops are not provided yet.
    (
        "aws-samples-aws-systems-manager-distribute-ami__distributeami.yaml",
        &["RW-C022"],
    ),
    // A pattern with a range whose end is before its beginning.
    (
        "aws-solutions-automated-security-response-on-aws__source__test__test_data__tstest-runbook.yaml",
        &["RW-C017"],
    ),
    // A skeleton for explanation: names with hyphens, an action called `action-name`, outputs as a map.
    (
        "awsdocs-aws-systems-manager-user-guide__doc_source__documents-schemas-features--block16.json",
        &["RW-C012", "RW-C014", "RW-C021", "RW-C027"],
    ),
    // Choices with `Not` and `And` side by side.
    (
        "thomasvincent-aws-ssm-automation-scripts__cloudfront_distribution_management.yaml",
        &["RW-C041"],
    ),
    (
        "thomasvincent-aws-ssm-automation-scripts__lambda_function_management.yaml",
        &["RW-C041"],
    ),
];

#[test]
fn documents_from_the_wild_compile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/automation");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: there is no {}", folder.display());
        return;
    };
    let mut found = BTreeMap::new();
    let (mut count, mut compiled, mut warned) = (0, 0, 0);
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let parsed = parse(&source(&name, &text));
        let result = parsed.compile(&permissive(&parsed));
        count += 1;
        compiled += usize::from(result.plan.is_some());
        warned += usize::from(result.diagnostics.iter().any(|d| d.severity == Severity::Warning));
        let errors: Vec<_> = result
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .collect();
        assert_eq!(errors.is_empty(), result.plan.is_some(), "{name}");
        let mut codes: Vec<&str> = errors.iter().map(|d| d.code).collect();
        codes.sort_unstable();
        codes.dedup();
        let expected = FAULTY
            .iter()
            .find(|(file, _)| *file == name)
            .map_or(&[][..], |(_, codes)| codes);
        if codes != expected {
            found.insert(name.clone(), support::render(&name, &result.diagnostics));
        }
    }
    println!("{compiled} of {count} documents compile, {warned} with warnings");
    let report: String = found.into_values().collect();
    assert!(report.is_empty(), "not as expected:\n{report}");
}
