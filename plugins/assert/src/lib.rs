//! `rw:assert`: fails unless values are what they should be. It names every check that does not hold.

mod check;

use runwright_sdk::{Action, Context, Failure, Host, Impact, Manifest, schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use check::Check;

/// The action.
pub struct Assert;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    checks: Vec<Check>,
    message: Option<String>,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    checked: usize,
}

impl Action for Assert {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = schema::object()
            .required(
                "Checks",
                schema::list("What must hold, each of them.", check::schema()).at_least(1),
            )
            .optional(
                "Message",
                schema::string("What it means when a check does not hold: the failure begins with it."),
            );
        Manifest::new(
            "rw:assert",
            env!("CARGO_PKG_VERSION"),
            "Checks values, and fails naming every check that does not hold.",
        )
        .impact(Impact::NonMutating)
        .inputs(inputs)
        .outputs(schema::object().required("Checked", schema::integer("How many checks held.")))
    }

    fn run(_: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        if inputs.checks.is_empty() {
            return Err(Failure::invalid(
                "input `Checks` is empty: a check of nothing would always hold",
            ));
        }
        let mut failed = Vec::new();
        for (index, check) in inputs.checks.iter().enumerate() {
            let name = check.name(index);
            match check.holds() {
                Ok(()) => {}
                Err(check::Problem::DoesNotHold(why)) => failed.push(format!("{name}: {why}")),
                Err(check::Problem::Wrong(why)) => {
                    return Err(Failure::invalid(format!("{name} of input `Checks`: {why}")));
                }
            }
        }
        let total = inputs.checks.len();
        if failed.is_empty() {
            return Ok(Outputs { checked: total });
        }
        let message = inputs
            .message
            .map_or_else(String::new, |message| format!("{message}: "));
        let summary = format!(
            "{message}{} of {total} checks failed: {}",
            failed.len(),
            failed.join("; ")
        );
        Err(Failure::verification(summary).with_details(&json!({"Failed": failed, "Checked": total})))
    }
}

runwright_sdk::plugin!(Assert);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        FailureKind,
        testing::{FakeHost, check_manifest, run},
    };

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<Assert>();
    }

    #[test]
    fn every_failed_check_is_named() {
        let checks = json!([
            {"Value": 5, "GreaterThan": 7, "Name": "free space"},
            {"Value": "ok", "Equals": "ok"},
            {"Value": ["a"], "Contains": "b"},
        ]);
        let failure = run::<Assert>(&FakeHost::new(), json!({"Checks": checks, "Message": "not ready"})).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Verification);
        assert_eq!(
            failure.message,
            "not ready: 2 of 3 checks failed: free space: 5 is not greater than 7; check 3: [\"a\"] does not contain \"b\""
        );
    }

    #[test]
    fn all_that_hold_are_counted() {
        let checks = json!([{"Value": 1, "Equals": 1}, {"Value": 2, "LessThan": "3"}]);
        assert_eq!(
            run::<Assert>(&FakeHost::new(), json!({"Checks": checks})),
            Ok(json!({"Checked": 2}))
        );
    }

    #[test]
    fn a_check_that_makes_no_sense_is_no_failed_check() {
        for checks in [
            json!([]),
            json!([{"Value": 1}]),
            json!([{"Value": "a", "Matches": "("}]),
            json!([{"Value": "many", "GreaterThan": 1}]),
        ] {
            let failure = run::<Assert>(&FakeHost::new(), json!({"Checks": checks})).unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidInput);
        }
    }
}
