//! `rw:putParameter`: writes a new version of a parameter, and puts the old value back on rollback.

use runwright_sdk::{
    Action, Call, Context, Done, Error, Failure, Host, Level, Manifest, NewValue, Parameter, ParameterType, schema,
};
use serde::{Deserialize, Serialize};

/// The action.
pub struct PutParameter;

const LENGTH_DEFAULT: u32 = 32;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    name: String,
    #[serde(rename = "Type")]
    parameter_type: Option<ParameterType>,
    value: Option<Text>,
    generate: Option<Generate>,
    overwrite: Option<bool>,
    #[serde(default)]
    labels: Vec<String>,
}

/// A text, or the items of a StringList.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Generate {
    length: Option<u32>,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    name: String,
    version: u64,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_version: Option<u64>,
}

impl Action for PutParameter {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let text = schema::string("A text; may hold secrets.");
        let generate = schema::object()
            .describe("Let the engine make the value, so that nobody has seen it. Either this or Value.")
            .optional(
                "Length",
                schema::integer("How many characters out of A-Z, a-z and 0-9.")
                    .at_least(1)
                    .at_most(4_096)
                    .default(LENGTH_DEFAULT),
            );
        let inputs = schema::object()
            .required(
                "Name",
                schema::string("Its name, for example `/app/db/password`.").at_least(1),
            )
            .optional(
                "Type",
                schema::string("What it holds. When absent: String, and SecureString with Generate.").one_of([
                    "String",
                    "StringList",
                    "SecureString",
                ]),
            )
            .optional(
                "Value",
                schema::any_of(
                    "The value. Either this or Generate.",
                    [
                        text,
                        schema::list(
                            "The items of a StringList; none holds a comma.",
                            schema::string("An item."),
                        ),
                    ],
                ),
            )
            .optional("Generate", generate)
            .optional(
                "Overwrite",
                schema::boolean("Whether it may exist already.").default(true),
            )
            .optional(
                "Labels",
                schema::list("Labels to move to the new version.", schema::string("A label.")),
            );
        let outputs = schema::object()
            .required("Name", schema::string("Its name."))
            .required("Version", schema::integer("The version written."))
            .required(
                "Value",
                schema::string("The value; for a SecureString a placeholder that effects replace."),
            )
            .optional(
                "PreviousVersion",
                schema::integer("The version before, when there was one."),
            );
        Manifest::new(
            "rw:putParameter",
            env!("CARGO_PKG_VERSION"),
            "Writes a new version of a parameter. A rollback writes the value before once more, or deletes a parameter that was new.",
        )
        .inputs(inputs)
        .outputs(outputs)
        .wants("parameters", "Reads the value before, writes the new one, and puts the old one back on rollback.")
        .undoes()
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let (parameter_type, value) = inputs.new_value()?;
        let before = match host.parameter(&inputs.name) {
            Ok(parameter) => Some(parameter),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(Failure::from(error).while_doing("reading the value before")),
        };
        let put = host.put_parameter(&inputs.name, parameter_type, &value, inputs.overwrite.unwrap_or(true))?;
        for label in &inputs.labels {
            host.label_parameter(&inputs.name, put.version, label)?;
        }
        Ok(Outputs {
            name: put.name,
            version: put.version,
            value: put.value,
            previous_version: before.map(|p| p.version),
        })
    }

    fn rollback(host: &impl Host, _: &Context, inputs: Inputs, done: &Done) -> Result<(), Failure> {
        if !done.calls_of("parameters.put").any(Call::may_have_happened) {
            return Ok(());
        }
        let name = inputs.name.as_str();
        let now = match host.parameter(name) {
            Ok(parameter) => parameter,
            Err(Error::NotFound(_)) => {
                host.log(
                    Level::Info,
                    &format!("`{name}` is not there any more: nothing to put back"),
                );
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let before: Option<Parameter> = done.calls_of("parameters.get").next().and_then(Call::answer_as);
        let ours: Option<Parameter> = done.last("parameters.put");
        if ours.is_some_and(|ours| now.version > ours.version) {
            host.log(
                Level::Warn,
                &format!(
                    "left `{name}` at version {}: somebody has written it since",
                    now.version
                ),
            );
            return Ok(());
        }
        match before {
            Some(before) if before.version == now.version => Ok(()),
            Some(before) => put_back(host, &before),
            None => Ok(host.delete_parameter(name)?),
        }
    }
}

/// Writes the old value as a new version, with the labels that the old version had.
fn put_back(host: &impl Host, before: &Parameter) -> Result<(), Failure> {
    let value = NewValue::Given(before.value.clone());
    let put = host.put_parameter(&before.name, before.parameter_type, &value, true)?;
    for label in &before.labels {
        host.label_parameter(&before.name, put.version, label)?;
    }
    host.log(
        Level::Info,
        &format!(
            "put the value of `{}:{}` back as version {}",
            before.name, before.version, put.version
        ),
    );
    Ok(())
}

impl Inputs {
    fn new_value(&self) -> Result<(ParameterType, NewValue), Failure> {
        let value = match (&self.value, &self.generate) {
            (Some(Text::One(text)), None) => NewValue::Given(text.clone()),
            (Some(Text::Many(items)), None) => return self.joined(items),
            (None, Some(generate)) => NewValue::Generated(generate.length.unwrap_or(LENGTH_DEFAULT)),
            (Some(_), Some(_)) => {
                return Err(Failure::invalid(
                    "inputs `Value` and `Generate` are both given: use one of them",
                ));
            }
            (None, None) => return Err(Failure::invalid("input `Value` or `Generate` is needed")),
        };
        let default = if self.generate.is_some() {
            ParameterType::Secure
        } else {
            ParameterType::Plain
        };
        Ok((self.parameter_type.unwrap_or(default), value))
    }

    fn joined(&self, items: &[String]) -> Result<(ParameterType, NewValue), Failure> {
        if self
            .parameter_type
            .is_some_and(|given| given != ParameterType::TextList)
        {
            return Err(Failure::invalid(
                "input `Value` is a list: that needs the `Type` StringList",
            ));
        }
        if let Some(item) = items.iter().find(|item| item.contains(',')) {
            return Err(Failure::invalid(format!(
                "input `Value` has the item `{item}`: items of a StringList hold no comma"
            )));
        }
        Ok((ParameterType::TextList, NewValue::Given(items.join(","))))
    }
}

runwright_sdk::plugin!(PutParameter);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        FailureKind,
        testing::{FakeHost, check_manifest, rollback, run},
    };
    use serde_json::json;

    use super::*;

    fn host_with(value: &str) -> FakeHost {
        let host = FakeHost::new();
        host.put_parameter("/app/x", ParameterType::Plain, &NewValue::Given(value.into()), true)
            .unwrap();
        host.label_parameter("/app/x", 1, "live").unwrap();
        host
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<PutParameter>();
    }

    #[test]
    fn the_value_before_comes_back_with_its_labels() {
        let host = host_with("old");
        // What the test itself did is no part of what the step did.
        let before = host.functions().len();
        let inputs = json!({"Name": "/app/x", "Value": "new", "Labels": ["live"]});
        let outputs = run::<PutParameter>(&host, inputs.clone()).unwrap();
        assert_eq!(
            outputs,
            json!({"Name": "/app/x", "Version": 2, "Value": "new", "PreviousVersion": 1})
        );
        let told = host.done(Some(&outputs));
        let told = Done {
            calls: told.calls.into_iter().skip(before).collect(),
            ..told
        };
        rollback::<PutParameter>(&host, inputs, &told).unwrap();
        let now = host.parameter("/app/x:live").unwrap();
        assert_eq!((now.value.as_str(), now.version), ("old", 3));
    }

    #[test]
    fn a_new_parameter_goes_again_also_half_done() {
        let inputs = json!({"Name": "/app/key", "Generate": {"Length": 12}, "Labels": ["live"]});
        let host = FakeHost::new().refuse("parameters.label", Error::Unavailable("gone".into()));
        run::<PutParameter>(&host, inputs.clone()).unwrap_err();
        host.relent();
        assert_eq!(host.parameter("/app/key").unwrap().value, "((secret:/app/key:1))");
        let told = host.done(None);
        rollback::<PutParameter>(&host, inputs.clone(), &told).unwrap();
        assert!(host.parameter("/app/key").is_err());
        rollback::<PutParameter>(&host, inputs, &told).unwrap();
    }

    #[test]
    fn what_somebody_wrote_since_is_left() {
        let host = FakeHost::new();
        let inputs = json!({"Name": "/app/list", "Value": ["a", "b"]});
        let outputs = run::<PutParameter>(&host, inputs.clone()).unwrap();
        assert_eq!(outputs["Value"], "a,b");
        let told = host.done(Some(&outputs));
        host.put_parameter("/app/list", ParameterType::TextList, &NewValue::Given("c".into()), true)
            .unwrap();
        rollback::<PutParameter>(&host, inputs, &told).unwrap();
        assert_eq!(host.parameter("/app/list").unwrap().value, "c");
    }

    #[test]
    fn nothing_is_undone_when_nothing_was_written() {
        let host = host_with("old");
        let inputs = json!({"Name": "/app/x", "Value": "new", "Overwrite": false});
        let before = host.functions().len();
        assert_eq!(
            run::<PutParameter>(&host, inputs.clone()).unwrap_err().message,
            "the parameter `/app/x` exists"
        );
        let told = host.done(None);
        let told = Done {
            calls: told.calls.into_iter().skip(before).collect(),
            ..told
        };
        rollback::<PutParameter>(&host, inputs, &told).unwrap();
        assert_eq!(host.parameter("/app/x").unwrap().version, 1);
    }

    #[test]
    fn wrong_inputs_write_nothing() {
        for inputs in [
            json!({"Name": "/x"}),
            json!({"Name": "/x", "Value": "a", "Generate": {}}),
            json!({"Name": "/x", "Value": ["a,b"]}),
            json!({"Name": "/x", "Value": ["a"], "Type": "String"}),
        ] {
            let host = FakeHost::new();
            assert_eq!(
                run::<PutParameter>(&host, inputs).unwrap_err().kind,
                FailureKind::InvalidInput
            );
            assert!(host.functions().is_empty());
        }
    }
}
