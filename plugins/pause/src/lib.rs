//! `aws:pause`: waits until somebody sends the signal `Resume` to the step.

use runwright_sdk::{Action, Context, Failure, Host, Impact, Level, Manifest, schema};
use serde::{Deserialize, Serialize};

/// The action.
pub struct Pause;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    message: Option<String>,
}

/// There are none.
#[derive(Debug, Serialize)]
pub struct Outputs {}

impl Action for Pause {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        Manifest::new(
            "aws:pause",
            env!("CARGO_PKG_VERSION"),
            "Waits until somebody resumes the step.",
        )
        .impact(Impact::NonMutating)
        .inputs(schema::object().optional("Message", schema::string("Why, for the step's log.")))
        .wants("waits", "Waits for the signal `Resume`.")
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        if let Some(message) = inputs.message {
            host.log(Level::Info, &message);
        }
        let signal = host.signal("Resume", context.deadline)?;
        host.log(Level::Info, &format!("resumed by {}", signal.by));
        Ok(Outputs {})
    }
}

runwright_sdk::plugin!(Pause);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error, FailureKind, Received,
        testing::{FakeHost, check_manifest, run},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<Pause>();
    }

    #[test]
    fn a_signal_ends_it_and_the_deadline_fails_it() {
        let signal = Received {
            by: "ada".into(),
            at: 1,
            payload: "null".into(),
        };
        let host = FakeHost::new()
            .signalled(Ok(signal))
            .signalled(Err(Error::TimedOut("nobody came".into())));
        assert_eq!(run::<Pause>(&host, json!({"Message": "check the lamp"})), Ok(json!({})));
        assert_eq!(host.lines(), ["check the lamp", "resumed by ada"]);
        assert_eq!(run::<Pause>(&host, json!({})).unwrap_err().kind, FailureKind::TimedOut);
    }
}
