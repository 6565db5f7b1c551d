//! `test:behaviours` in Rust: what `sdk/behaviours/README.md` asks of a plugin in every language.

mod world;

use runwright_sdk::{Action, Call, Context, Done, Failure, Host, Level, Manifest, Timestamp, schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The action.
pub struct Behaviours;

/// The inputs of a step.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    case: String,
    text: Option<String>,
    whole: Option<i64>,
    fraction: Option<f64>,
    flag: Option<bool>,
    list: Option<Vec<String>>,
    object: Option<Map<String, Value>>,
}

/// The outputs of a step.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    result: Value,
    #[serde(flatten)]
    given: Map<String, Value>,
}

impl From<Value> for Outputs {
    fn from(result: Value) -> Self {
        Self {
            result,
            given: Map::new(),
        }
    }
}

/// What it asks of the world.
const CAPABILITIES: &[&str] = &[
    "commands",
    "files",
    "http",
    "parameters",
    "approvals",
    "waits",
    "blobs",
    "executions",
    "aws",
];

fn shape() -> schema::Schema {
    schema::object()
        .optional("Text", schema::string("A text."))
        .optional("Whole", schema::integer("A whole number."))
        .optional("Fraction", schema::number("A number."))
        .optional("Flag", schema::boolean("True or false."))
        .optional("List", schema::list("Texts.", schema::string("A text.")))
        .optional("Object", schema::map("Anything.", schema::any("Anything.")))
}

impl Action for Behaviours {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let about = "Behaves as the suite in sdk/behaviours asks.";
        let manifest = Manifest::new("test:behaviours", env!("CARGO_PKG_VERSION"), about)
            .inputs(shape().required("Case", schema::string("What to do.")))
            .outputs(shape().required("Result", schema::any("What came of it.")))
            .undoes();
        CAPABILITIES.iter().fold(manifest, |manifest, name| {
            manifest.wants(name, "Some cases of the suite use it.")
        })
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let text = inputs.text.clone().unwrap_or_default();
        let result = match inputs.case.as_str() {
            "echo" => return Ok(echo(inputs)),
            "absent" if inputs.text.is_none() => json!("absent"),
            "absent" => json!("given"),
            "invalid" => return Err(Failure::invalid("Text must not be empty")),
            "fails" => fails(context)?,
            "garbled" => return Err(garbled(host)),
            "crashes" => panic!("boom"),
            "logs" => logs(host),
            "large" => return Ok(large(text)),
            "unicode" => json!({"text": text, "length": text.chars().count()}),
            "too-large" => json!("x".repeat(2 * 1024 * 1024)),
            "endless" => endless(),
            case => world::act(host, case, &text)?,
        };
        Ok(result.into())
    }

    fn rollback(host: &impl Host, _: &Context, inputs: Inputs, done: &Done) -> Result<(), Failure> {
        let kept = done
            .outputs_as::<Value>()
            .is_some_and(|outputs| outputs["Result"] == "kept");
        if inputs.case == "rollback" && kept {
            host.remove(&None, world::KEPT)?;
            let calls: &[Call] = &done.calls;
            host.log(Level::Info, &format!("rolled back {} calls", calls.len()));
        }
        Ok(())
    }
}

fn echo(inputs: Inputs) -> Outputs {
    let Inputs {
        case: _,
        text,
        whole,
        fraction,
        flag,
        list,
        object,
    } = inputs;
    let values = [
        ("Text", text.map(Value::from)),
        ("Whole", whole.map(Value::from)),
        ("Fraction", fraction.map(Value::from)),
        ("Flag", flag.map(Value::from)),
        ("List", list.map(Value::from)),
        ("Object", object.map(Value::Object)),
    ];
    let given = values
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Outputs {
        result: json!("echo"),
        given: given.collect(),
    }
}

fn fails(context: &Context) -> Result<Value, Failure> {
    let attempt = context.attempt;
    if attempt == 1 {
        return Err(Failure::failed("attempt 1 failed").with_details(&json!({"attempt": 1})));
    }
    Ok(json!(format!("attempt {attempt}")))
}

fn garbled(host: &impl Host) -> Failure {
    let text = format!("garbled: {}", String::from_utf8_lossy(&[0xff]));
    host.log(Level::Warn, &text);
    Failure::failed(text)
}

fn logs(host: &impl Host) -> Value {
    host.log(Level::Debug, "a debug line");
    host.log(Level::Info, "an info line answer=42");
    host.log(Level::Warn, "a warning");
    host.log(Level::Error, "an error");
    host.progress(1, 2, "half");
    host.progress(2, 2, "whole");
    json!("logged")
}

fn large(text: String) -> Outputs {
    Outputs {
        result: json!(text.len()),
        given: Map::from_iter([("Text".to_owned(), Value::from(text))]),
    }
}

fn endless() -> ! {
    let mut turn = 0_u64;
    loop {
        turn = std::hint::black_box(turn.wrapping_add(1));
    }
}

/// Whole seconds between two looks at the clock.
fn seconds(before: Timestamp, after: Timestamp) -> u64 {
    after.saturating_sub(before) / 1_000
}

runwright_sdk::plugin!(Behaviours);

#[cfg(test)]
mod tests {
    use runwright_sdk::testing::{FakeHost, check_manifest, rollback, run};

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<Behaviours>();
    }

    #[test]
    fn what_was_kept_is_removed() {
        let host = FakeHost::new();
        let inputs = json!({"Case": "rollback"});
        let outputs = run::<Behaviours>(&host, inputs.clone()).unwrap();
        rollback::<Behaviours>(&host, inputs, &host.done(Some(&outputs))).unwrap();
        assert_eq!(host.stat(&None, world::KEPT), Ok(None));
        assert_eq!(host.lines(), ["rolled back 1 calls"]);
    }

    #[test]
    fn time_passes_only_while_it_waits() {
        let outputs = run::<Behaviours>(&FakeHost::new(), json!({"Case": "sleep"})).unwrap();
        assert_eq!(outputs["Result"], 7_200);
    }
}
