//! The schema that a type's derive makes is the one its author would have written.

#![allow(dead_code, reason = "the fields are only looked at by derives")]

use std::collections::BTreeMap;

use runwright_sdk::{Shape, schema};
use serde::Deserialize;
use serde_json::Value;

/// All of it.
#[derive(Deserialize, Shape)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Inputs {
    /// Absolute path
    /// of the file.
    #[shape(at_least = 1, pattern = "^/")]
    file_path: String,
    /// How often.
    #[serde(default = "three", skip_serializing_if = "is_three")]
    #[shape(at_least = 1, default = 3)]
    attempts: u32,
    #[serde(rename = "mode")]
    how: Option<How>,
    /// Labels.
    labels: BTreeMap<String, Vec<f64>>,
    /// More.
    inner: Option<Inner>,
    #[serde(skip)]
    kept: bool,
}

#[derive(Deserialize, Shape)]
#[serde(rename_all = "kebab-case")]
enum How {
    DryRun,
    #[serde(rename = "real")]
    ForReal,
}

#[derive(Deserialize, Shape)]
struct Inner {
    anything: Value,
    r#type: bool,
}

fn three() -> u32 {
    3
}

fn is_three(number: &u32) -> bool {
    *number == 3
}

#[test]
fn a_type_is_its_schema() {
    let inner = schema::object()
        .required("anything", schema::any(""))
        .required("type", schema::boolean(""));
    let labels = schema::map("", schema::list("", schema::number(""))).describe("Labels.");
    let attempts = schema::integer("").at_least(0).describe("How often.");
    let expected = schema::object()
        .describe("All of it.")
        .required(
            "FilePath",
            schema::string("Absolute path of the file.").at_least(1).pattern("^/"),
        )
        .optional("Attempts", attempts.at_least(1).default(3))
        .optional("mode", schema::string("").one_of(["dry-run", "real"]))
        .required("Labels", labels)
        .optional("Inner", inner.describe("More."));
    let value = |schema: schema::Schema| serde_json::from_str::<Value>(&schema.to_string()).expect("JSON");
    assert_eq!(value(Inputs::schema()), value(expected));
}
