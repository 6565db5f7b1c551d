//! `rw:getParameter`: reads a parameter. A secure one comes as a placeholder that effects replace.

use runwright_sdk::{Action, Context, Failure, Host, Impact, Manifest, ParameterType, schema};
use serde::{Deserialize, Serialize};

/// The action.
pub struct GetParameter;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    name: String,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    name: String,
    value: String,
    version: u64,
    #[serde(rename = "Type")]
    parameter_type: ParameterType,
}

impl Action for GetParameter {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let outputs = schema::object()
            .required("Name", schema::string("Its name, without version or label."))
            .required("Value", schema::string("Its value; a StringList separated by commas; for a SecureString a placeholder that effects replace."))
            .required("Version", schema::integer("Its version."))
            .required("Type", schema::string("What it holds.").one_of(["String", "StringList", "SecureString"]));
        Manifest::new(
            "rw:getParameter",
            env!("CARGO_PKG_VERSION"),
            "Reads a parameter of the parameter store.",
        )
        .impact(Impact::NonMutating)
        .inputs(schema::object().required(
            "Name",
            schema::string("Its name, or `name:version`, or `name:label`.").at_least(1),
        ))
        .outputs(outputs)
        .wants("parameters", "Reads the parameter.")
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let found = host.parameter(&inputs.name)?;
        Ok(Outputs {
            name: found.name,
            value: found.value,
            version: found.version,
            parameter_type: found.parameter_type,
        })
    }
}

runwright_sdk::plugin!(GetParameter);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        NewValue,
        testing::{FakeHost, check_manifest, run},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<GetParameter>();
    }

    #[test]
    fn a_version_can_be_named() {
        let host = FakeHost::new();
        for value in ["a", "b"] {
            host.put_parameter("/app/x", ParameterType::Plain, &NewValue::Given(value.into()), true)
                .unwrap();
        }
        let outputs = run::<GetParameter>(&host, json!({"Name": "/app/x:1"})).unwrap();
        assert_eq!(
            outputs,
            json!({"Name": "/app/x", "Value": "a", "Version": 1, "Type": "String"})
        );
        assert_eq!(
            run::<GetParameter>(&host, json!({"Name": "/app/x"})).unwrap()["Value"],
            "b"
        );
        let failure = run::<GetParameter>(&host, json!({"Name": "/app/y"})).unwrap_err();
        assert_eq!(failure.message, "there is no parameter `/app/y`");
    }
}
