//! `{{action}}`: greets somebody from this machine, and writes the greeting into a file.

use runwright_sdk::{
    Action, Command, Context, Done, Failure, Host, Level, Manifest, Shape, WriteOptions,
    files::{self, Replacement},
};
use serde::{Deserialize, Serialize};

/// The action.
pub struct Greet;

/// What a step of a runbook gives. The comments are what authors of runbooks see.
#[derive(Deserialize, Shape)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    /// Who is greeted.
    #[shape(at_least = 1)]
    name: String,
    /// Greet louder.
    #[serde(default)]
    loud: bool,
}

/// What a step answers.
#[derive(Serialize, Shape)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The greeting.
    greeting: String,
}

impl Action for Greet {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        Manifest::of::<Self>(
            "{{action}}",
            env!("CARGO_PKG_VERSION"),
            "Greets somebody from this machine.",
        )
        .wants("commands", "Asks `uname -s` for the name of the system.")
        .wants("files", "Writes the greeting to /tmp/{{name}}/greeting.")
        .undoes()
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let uname = host
            .run(&None, &Command::program(["uname", "-s"]))?
            .check("asking for the system's name")?;
        let mut greeting = format!("Hello, {}, from {}!", inputs.name, uname.stdout.trim());
        if inputs.loud {
            greeting = greeting.to_uppercase();
        }
        // Keeps what was there, so that a rollback puts it back.
        let replacement = Replacement {
            on: &None,
            path: "/tmp/{{name}}/greeting",
            contents: greeting.as_bytes(),
            sha256: None,
            options: WriteOptions {
                parents: true,
                ..WriteOptions::default()
            },
        };
        files::replace(host, &replacement)?;
        host.log(Level::Info, &greeting);
        Ok(Outputs { greeting })
    }

    fn rollback(host: &impl Host, _: &Context, _: Inputs, done: &Done) -> Result<(), Failure> {
        files::undo(host, done)
    }
}

runwright_sdk::plugin!(Greet);

#[cfg(test)]
mod tests {
    use runwright_sdk::testing::{self, FakeHost};
    use serde_json::json;

    use super::*;

    fn host() -> FakeHost {
        FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(0, "Linux\n")))
    }

    #[test]
    fn greets_and_takes_it_back() {
        let (host, inputs) = (host(), json!({"Name": "Ada", "Loud": true}));
        let outputs = testing::run::<Greet>(&host, inputs.clone()).unwrap();
        assert_eq!(outputs["Greeting"], "HELLO, ADA, FROM LINUX!");
        testing::rollback::<Greet>(&host, inputs, &host.done(Some(&outputs))).unwrap();
        assert_eq!(host.stat(&None, "/tmp/{{name}}/greeting"), Ok(None));
    }

    /// The engine may stop at any call, and run the step again from its start: the same calls must follow.
    #[test]
    fn every_call_may_be_the_last_before_a_stop() {
        testing::crashes::<Greet>(host, json!({"Name": "Ada"}));
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        testing::check_manifest::<Greet>();
    }
}
