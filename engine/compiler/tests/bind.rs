//! Parameter values given to an execution: what is accepted, what is converted, and what is said otherwise.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use runwright_compiler::{bind, ssm_default};
use runwright_model::plan::Plan;
use serde_json::{Map, Value, json};

fn plan(parameters: &str) -> Plan {
    let text = format!(
        "schemaVersion: '0.3'\nparameters:\n{parameters}mainSteps:\n- {{name: a, action: 'aws:sleep', inputs: {{Duration: PT1S}}}}\n"
    );
    let compiled = support::compile("bind.yaml", &text, &support::catalog());
    compiled
        .plan
        .unwrap_or_else(|| panic!("{}", support::render("bind.yaml", &compiled.diagnostics)))
}

fn given(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// What one parameter of this type makes of a value.
fn one(definition: &str, value: Value) -> Result<Value, Vec<String>> {
    let bound = bind(&plan(&format!("  X: {{{definition}}}\n")), &given(json!({"X": value})));
    bound
        .map(|mut map| map.remove("X").unwrap())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn values_are_taken_as_json_as_text_and_as_lists_of_texts() {
    let cases = [
        ("String", json!("a"), json!("a")),
        ("String", json!(["a"]), json!("a")),
        ("String", json!("[1]"), json!("[1]")),
        ("String", json!(5), json!("5")),
        ("Integer", json!(5), json!(5)),
        ("Integer", json!("5"), json!(5)),
        ("Integer", json!(["5"]), json!(5)),
        ("Boolean", json!(true), json!(true)),
        ("Boolean", json!("False"), json!(false)),
        ("Boolean", json!(["true"]), json!(true)),
        ("StringList", json!(["a", "b"]), json!(["a", "b"])),
        ("StringList", json!("a,b"), json!(["a,b"])),
        ("StringList", json!("[\"a\", \"b\"]"), json!(["a", "b"])),
        ("StringList", json!(["[\"a\", \"b\"]"]), json!(["a", "b"])),
        ("StringList", json!([1, "b"]), json!(["1", "b"])),
        ("StringList", json!([]), json!([])),
        ("StringMap", json!({"a": 1}), json!({"a": 1})),
        ("StringMap", json!("{\"a\": 1}"), json!({"a": 1})),
        ("StringMap", json!(["{\"a\": 1}"]), json!({"a": 1})),
        ("MapList", json!([{"a": 1}]), json!([{"a": 1}])),
        ("MapList", json!("[{\"a\": 1}]"), json!([{"a": 1}])),
        (
            "MapList",
            json!(["{\"a\": 1}", "{\"b\": 2}"]),
            json!([{"a": 1}, {"b": 2}]),
        ),
        ("MapList", json!(["[{\"a\": 1}]"]), json!([{"a": 1}])),
        (
            "AWS::EC2::Instance::Id",
            json!("i-0123456789abcdef0"),
            json!("i-0123456789abcdef0"),
        ),
        (
            "List<AWS::EC2::Instance::Id>",
            json!("i-01234567"),
            json!(["i-01234567"]),
        ),
    ];
    for (kind, value, expected) in cases {
        assert_eq!(
            one(&format!("type: '{kind}'"), value.clone()),
            Ok(expected),
            "{kind} {value}"
        );
    }
}

#[test]
fn wrong_types_are_told() {
    for (kind, value) in [
        ("Integer", json!("five")),
        ("Integer", json!(1.5)),
        ("Integer", json!(true)),
        ("Boolean", json!(1)),
        ("Boolean", json!("yes")),
        ("String", json!({"a": 1})),
        ("String", json!(["a", "b"])),
        ("String", json!(null)),
        ("StringList", json!([{"a": 1}])),
        ("StringMap", json!("a")),
        ("StringMap", json!("\"{}\"")),
        ("MapList", json!({"a": 1})),
        ("AWS::EC2::Instance::Id", json!("web-1")),
        ("List<AWS::EC2::Instance::Id>", json!(["i-01234567", "web"])),
    ] {
        assert!(
            one(&format!("type: '{kind}'"), value.clone()).is_err(),
            "{kind} {value}"
        );
    }
    assert_eq!(
        one("type: Integer", json!("five")).unwrap_err(),
        ["parameter `X` must be a whole number, and is \"five\""]
    );
}

#[test]
fn constraints_are_checked_and_say_what_is_allowed() {
    assert_eq!(
        one("type: String, allowedValues: [a, b]", json!("c")).unwrap_err(),
        ["parameter `X` is \"c\", which is not allowed; allowed is `a`, `b`"]
    );
    assert_eq!(
        one("type: String, allowedValues: [1, true]", json!("1")),
        Ok(json!("1"))
    );
    assert_eq!(one("type: Integer, allowedValues: ['1', 2]", json!("2")), Ok(json!(2)));
    assert!(one("type: StringList, allowedValues: [a, b]", json!(["a", "c"])).is_err());
    assert_eq!(
        one("type: String, allowedPattern: '^(?!bad)[a-z]+$'", json!("bad")).unwrap_err(),
        [
            "parameter `X` is \"bad\", which does not match the pattern `^(?!bad)[a-z]+$`; allowed is text that matches `^(?!bad)[a-z]+$`"
        ]
    );
    assert!(one("type: Integer, allowedPattern: '^[0-9]{2}$'", json!(5)).is_err());
    assert!(one("type: StringList, minItems: 2, maxItems: 3", json!("a")).is_err());
    assert!(one("type: String, minChars: 2, maxChars: 3", json!("äöüß")).is_err());
    assert_eq!(
        one("type: String, minChars: 2, maxChars: 3", json!("äöü")),
        Ok(json!("äöü"))
    );
    let slow = one(
        "type: String, allowedPattern: '^((?!y)a|(?!z)a)*d$'",
        json!("a".repeat(60) + "db"),
    )
    .unwrap_err();
    assert!(slow[0].contains("takes too long"), "{slow:?}");
}

#[test]
fn all_errors_come_at_once_and_defaults_are_filled_in() {
    let plan = plan(
        "  Name: {type: String}\n  Count: {type: Integer, default: 3}\n  Role: {type: 'AWS::IAM::Role::Arn', default: ''}\n",
    );
    assert_eq!(
        Value::from(bind(&plan, &given(json!({"Name": "n"}))).unwrap()),
        json!({"Name": "n", "Count": 3, "Role": ""})
    );
    let errors = bind(&plan, &given(json!({"Nmae": "n", "Count": "x"}))).unwrap_err();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "parameter `Nmae` is not a parameter of this runbook; allowed is `Name`: did you mean that?",
            "parameter `Name` is required, and no value was given; allowed is a text",
            "parameter `Count` must be a whole number, and is \"x\"",
        ]
    );
}

#[test]
fn defaults_from_the_parameter_store_are_named() {
    assert_eq!(ssm_default(&json!("{{ssm:/a/b:3}}")), Some("/a/b:3"));
    assert_eq!(ssm_default(&json!(" {{ ssm:name }} ")), Some("name"));
    for other in [
        json!("{{ssm:}}"),
        json!("x{{ssm:a}}"),
        json!("{{ssm:a}}{{ssm:b}}"),
        json!("{{ P }}"),
        json!(5),
    ] {
        assert_eq!(ssm_default(&other), None, "{other}");
    }
    let plan = plan("  Ids: {type: StringList, default: '{{ssm:/ids}}', allowedValues: [a]}\n");
    assert_eq!(
        Value::from(bind(&plan, &Map::new()).unwrap()),
        json!({"Ids": "{{ssm:/ids}}"})
    );
}

#[test]
fn a_given_value_is_data() {
    let plan = plan("  Name: {type: String}\n");
    assert_eq!(
        bind(&plan, &given(json!({"Name": "{{ Other }}"}))).unwrap()["Name"],
        json!("{{ Other }}")
    );
}
