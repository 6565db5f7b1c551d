//! Documents and what the compiler says of them: each `fixtures/documents/X` has its `X.out`.

mod support;

use std::{fs, path::Path};

use runwright_compiler::{EdgeKind, edges, parse};
use runwright_model::{
    capability::Capability,
    expression::Template,
    plan::Order,
    step::{OnFailure, RollbackSpec, StepKind},
};
use support::{catalog, check, compile, render, source};

const EVERYTHING: &str = include_str!("fixtures/everything.yaml");
const EVERYTHING_JSON: &str = include_str!("fixtures/everything.json");

#[test]
fn documents_say_what_is_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "out") {
            continue;
        }
        count += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        let compiled = compile(name, &fs::read_to_string(&path).unwrap(), &catalog());
        let mut text = render(name, &compiled.diagnostics);
        text.push_str(if compiled.plan.is_some() {
            "there is a plan\n"
        } else {
            "there is no plan\n"
        });
        check(&text, &folder.join(format!("{name}.out")));
    }
    assert!(count > 10);
}

#[test]
fn yaml_and_json_of_the_same_content_are_the_same_plan() {
    let yaml = compile("everything.yaml", EVERYTHING, &catalog());
    let json = compile("everything.json", EVERYTHING_JSON, &catalog());
    assert_eq!(render("y", &yaml.diagnostics), "");
    assert_eq!(render("j", &json.diagnostics), "");
    let (yaml, json) = (yaml.plan.unwrap(), json.plan.unwrap());
    assert_eq!(yaml, json);
    assert_eq!(yaml.digest(), json.digest());
    // Comments, quotes and blanks mean nothing.
    let other = format!(
        "# a comment\n{}",
        EVERYTHING.replace("name: ask\n", "name: 'ask'   # first\n")
    );
    assert_eq!(
        compile("everything.yaml", &other, &catalog()).plan.unwrap().digest(),
        yaml.digest()
    );
}

#[test]
fn the_plan_has_what_the_document_says() {
    let parsed = parse(&source("everything.yaml", EVERYTHING));
    assert_eq!(parsed.plugins().len(), 1);
    assert_eq!(
        (parsed.plugins()[0].action.as_str(), parsed.plugins()[0].span.line),
        ("acme:drain", 5)
    );
    assert!(parsed.plugins()[0].grants.waits);
    let named: Vec<String> = parsed.actions().into_iter().collect();
    assert_eq!(
        named,
        ["acme:drain", "aws:approve", "aws:executeAwsApi", "aws:executeScript"]
    );
    let additions: Vec<_> = parsed
        .additions()
        .into_iter()
        .map(|d| d.message.split('`').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(
        additions,
        [
            "plugins",
            "onFailure of the document",
            "retry",
            "onFailure: Rollback",
            "rollback",
            "when"
        ]
    );

    let compiled = parsed.compile(&catalog());
    let plan = compiled.plan.unwrap();
    assert_eq!(
        (plan.name.as_str(), plan.order, plan.rollback_on_failure),
        ("everything", Order::List, true)
    );
    assert_eq!(compiled.steps.len(), plan.steps.len());
    assert_eq!(plan.actions.len(), 4);
    let step = |name: &str| plan.step(plan.step_named(name).unwrap());
    let ask = step("ask");
    assert_eq!(ask.timeout_seconds, Some(600));
    assert_eq!(ask.on_failure, OnFailure::Goto(plan.step_named("cleanup").unwrap()));
    assert!(ask.is_critical);
    let drain = step("drain");
    assert_eq!(
        (
            drain.retry.max_attempts,
            drain.retry.backoff_ms,
            drain.retry.max_backoff_ms
        ),
        (3, 5_000, 60_000)
    );
    assert!(matches!(&drain.rollback, RollbackSpec::PluginWith(inputs) if inputs.len() == 2));
    let StepKind::Action { inputs, .. } = &drain.kind else {
        panic!("an action")
    };
    assert!(matches!(&inputs[1].1, Template::Literal(value) if *value == 30));
    assert!(matches!(&step("choose").kind, StepKind::Branch { choices, default: None } if choices.len() == 2));
    assert_eq!(step("script").on_cancel, plan.step_named("cleanup"));

    let back: Vec<_> = edges(&plan).into_iter().filter(|edge| edge.reentry).collect();
    assert_eq!(back.len(), 1, "only the jump back to the first step");
    assert_eq!(
        (back[0].from, back[0].to, back[0].kind),
        (
            plan.step_named("choose").unwrap(),
            plan.step_named("ask").unwrap(),
            EdgeKind::Choice
        )
    );
}

#[test]
fn tolerated_failures_are_not_critical_unless_the_author_says_so() {
    let step = |keys: &str| {
        format!(
            "schemaVersion: '0.3'\nmainSteps:\n- {{name: a, action: 'aws:sleep', inputs: {{Duration: PT1S}}{keys}}}\n"
        )
    };
    let critical = |keys: &str| compile("x.yaml", &step(keys), &catalog()).plan.unwrap().steps[0].is_critical;
    assert!(critical(""));
    assert!(critical(", onFailure: Abort"));
    assert!(!critical(", onFailure: Continue"));
    assert!(critical(", onFailure: Continue, isCritical: 'true'"));
    assert!(!critical(", isCritical: false"));
}

#[test]
fn nesting_is_bounded_in_both_languages() {
    for depth in [1_000, 1_000_000] {
        for text in [
            "[".repeat(depth),
            "{\"a\":".repeat(depth),
            format!("a: {}", "[".repeat(depth)),
            "- ".repeat(depth),
        ] {
            let found = compile("deep", &text, &catalog()).diagnostics;
            assert!(!found.is_empty());
        }
    }
}

#[test]
fn power_shell_is_an_action_of_its_own_and_may_do_what_the_document_says() {
    let text = "schemaVersion: '0.3'\nplugins:\n  rw:shell: {grants: {commands: [uptime]}}\nmainSteps:\n\
        - {name: a, action: 'rw:shell', inputs: {Command: uptime}}\n\
        - {name: b, action: 'aws:executeScript', inputs: {Runtime: PowerShell 7.4, Script: Get-Date}}\n";
    let parsed = parse(&source("a.yaml", text));
    assert!(parsed.actions().contains("rw:powerShell"), "{:?}", parsed.actions());
    assert!(
        !parsed.actions().contains("aws:executeScript"),
        "{:?}",
        parsed.actions()
    );
    let with = text.replace("Script: Get-Date", "Script: Get-Date, Attachment: more.zip");
    let said = support::render(
        "a.yaml",
        &support::compile("a.yaml", &with, &support::catalog()).diagnostics,
    );
    assert!(
        said.contains("warning RW-C038: a script in PowerShell runs without its attachment here"),
        "{said}"
    );
    let list = text.split_once("- {name: b").unwrap().0;
    let compiled = support::compile("a.yaml", list, &support::catalog());
    let plan = compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    assert_eq!(plan.actions["rw:shell"].grants.of(Capability::Commands), ["uptime"]);
    let unused = list.replace("rw:shell: {grants", "rw:shel: {grants");
    let diagnostics = support::compile("a.yaml", &unused, &support::catalog()).diagnostics;
    assert!(
        support::render("a.yaml", &diagnostics).contains("did you mean `rw:shell`?"),
        "{diagnostics:?}"
    );
}
