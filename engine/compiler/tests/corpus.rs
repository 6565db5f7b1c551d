//! Documents from the wild: every one compiles, or is refused for a fault it really has.
//!
//! They are not part of this repository. Where they are absent the test says so and passes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "it says what it found")]

mod support;

use std::{collections::BTreeMap, fs, path::Path};

use runwright_compiler::{Severity, parse};
use support::{permissive, source};

/// A document with errors: its file, the codes of its faults, and what is wrong with it.
struct Faulty(&'static str, &'static [&'static str], &'static str);

const FAULTY: [Faulty; 4] = [
    Faulty(
        "aws-solutions-automated-security-response-on-aws__source__test__test_data__tstest-runbook.yaml",
        &["RW-C017"],
        "an `allowedPattern` has a range whose end is before its beginning (`_-\\/`), which Java refuses too",
    ),
    Faulty(
        "awsdocs-aws-systems-manager-user-guide__doc_source__documents-schemas-features--block16.json",
        &["RW-C012", "RW-C014", "RW-C021", "RW-C027"],
        "a skeleton for explanation: names with hyphens, an action called `action-name`, outputs as a map",
    ),
    Faulty(
        "thomasvincent-aws-ssm-automation-scripts__cloudfront_distribution_management.yaml",
        &["RW-C041"],
        "choices of a branch have `Not` and `And` side by side",
    ),
    Faulty(
        "thomasvincent-aws-ssm-automation-scripts__lambda_function_management.yaml",
        &["RW-C041"],
        "choices of a branch have `Not` and `And` side by side",
    ),
];

/// The same of Command documents.
const FAULTY_COMMANDS: [Faulty; 18] = [
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessage.json",
        &["RW-C015", "RW-C021"],
        "there is no plugin `aws:runScript` and no type `Array`",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageVersion2_0.json",
        &["RW-C037"],
        "its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageVersion2_2.json",
        &["RW-C037"],
        "its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageWithInvalidParamPrecondition.json",
        &["RW-C037", "RW-C052"],
        "a precondition names a parameter that is not declared; its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageWithMixedPrecondition.json",
        &["RW-C037"],
        "its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageWithParamPrecondition.json",
        &["RW-C037"],
        "its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageWithPlatformPrecondition.json",
        &["RW-C037"],
        "its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageWithSecureSsmParamPrecondition.json",
        &["RW-C037", "RW-C052"],
        "a precondition reads the parameter store; its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageWithSsmParamPrecondition.json",
        &["RW-C037", "RW-C052"],
        "a precondition reads the parameter store; its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__framework__docparser__testdata__sampleMessageWithTwoParamsPrecondition.json",
        &["RW-C037", "RW-C052"],
        "a precondition compares a text with itself; its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__longrunning__manager__testdata__cwdocument_invalid_format1.json",
        &["RW-C011"],
        "a plugin without `properties`",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__plugins__rundocument__testdata__jsondoc.json",
        &["RW-C015", "RW-C021"],
        "there is no plugin `aws:runScript` and no type `Array`",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__runcommand__testdata__sampleMsg--DocumentContent.json",
        &["RW-C015", "RW-C021"],
        "there is no plugin `aws:runScript` and no type `Array`",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__runcommand__testdata__sampleMsgReplacedParams--DocumentContent.json",
        &["RW-C015", "RW-C021"],
        "there is no plugin `aws:runScript` and no type `Array`",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__runcommand__testdata__sampleMsgReplacedParamsVersion2_0--DocumentContent.json",
        &["RW-C037"],
        "its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "aws-amazon-ssm-agent__agent__runcommand__testdata__sampleMsgReplacedParamsVersion2_2--DocumentContent.json",
        &["RW-C037"],
        "its scripts are in an input `commands`, which the plugin does not read: there is nothing to run",
    ),
    Faulty(
        "awsdocs-aws-systems-manager-user-guide__doc_source__documents-schemas-features--block0.yaml",
        &["RW-C010", "RW-C011", "RW-C014", "RW-C021"],
        "a skeleton for explanation: `parameter 1`, `Plugin name`",
    ),
    Faulty(
        "awsdocs-aws-systems-manager-user-guide__doc_source__documents-schemas-features--block14.yaml",
        &["RW-C010", "RW-C011", "RW-C014", "RW-C021"],
        "a skeleton for explanation: `parameter 1`, `plugin 1`",
    ),
];

/// The folders of runbooks and Command documents.
const FOLDERS: [&str; 4] = ["automation", "command-1.2", "command-2.0", "command-2.2"];

fn faulty() -> impl Iterator<Item = &'static Faulty> {
    FAULTY.iter().chain(&FAULTY_COMMANDS)
}

/// Every document: its file, and its text.
fn documents() -> Vec<(String, String)> {
    FOLDERS.iter().flat_map(|folder| documents_in(folder)).collect()
}

fn documents_in(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus")
        .join(folder);
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: there is no {}", folder.display());
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn documents_from_the_wild_compile() {
    let mut found = BTreeMap::new();
    let (mut count, mut compiled, mut warned) = (0, 0, 0);
    for (name, text) in documents() {
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
        let expected = faulty()
            .find(|Faulty(file, _, _)| *file == name)
            .map_or(&[][..], |Faulty(_, codes, _)| codes);
        if codes != expected {
            found.insert(name.clone(), support::render(&name, &result.diagnostics));
        }
    }
    println!("{compiled} of {count} documents compile, {warned} with warnings");
    let report: String = found.into_values().collect();
    assert!(report.is_empty(), "not as expected:\n{report}");
}

/// The same content in the other notation: JSON as YAML, and YAML as JSON.
fn other(text: &str) -> Result<String, String> {
    match serde_json::from_str::<serde_yaml::Value>(text) {
        Ok(value) => serde_yaml::to_string(&value).map_err(|error| error.to_string()),
        Err(_) => {
            let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
            serde_json::to_string_pretty(&value).map_err(|error| error.to_string())
        }
    }
}

/// Documents that the reader of this test does not take, and so cannot put into the other notation.
const UNREAD: [&str; 0] = [];

#[test]
fn json_and_yaml_of_the_same_content_are_the_same_plan() {
    let mut different = Vec::new();
    let mut same = 0;
    for (name, text) in documents() {
        let plan = |text: &str| {
            let parsed = parse(&source(&name, text));
            parsed.compile(&permissive(&parsed)).plan
        };
        let Some(first) = plan(&text) else { continue };
        match other(&text) {
            Ok(text) if plan(&text).is_some_and(|second| second.digest() == first.digest()) => same += 1,
            Ok(_) => different.push(format!("{name} is another plan")),
            Err(_) if UNREAD.contains(&name.as_str()) => {}
            Err(error) => different.push(format!("{name}: {error}")),
        }
    }
    println!("{same} documents are the same plan in both notations");
    assert_eq!(different, [""; 0]);
}

/// Also where the documents are absent.
#[test]
fn the_table_of_refused_documents_is_true() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/LANGUAGE.md");
    let page = fs::read_to_string(page).unwrap();
    for table in [&FAULTY[..], &FAULTY_COMMANDS] {
        let rows: String = table
            .iter()
            .map(|Faulty(file, codes, why)| format!("| {file} | {} | {why} |\n", codes.join(", ")))
            .collect();
        assert!(page.contains(&rows), "docs/LANGUAGE.md should have these rows:\n{rows}");
    }
}
