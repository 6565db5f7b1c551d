//! The tutorial is true: its code stands here, letter by letter, and runs.

#![expect(missing_docs, reason = "the tutorial is short")]

use runwright_sdk::{Action, Command, Context, Failure, Host, Manifest, Shape};
use serde::{Deserialize, Serialize};

pub struct RestartService;

#[derive(Deserialize, Shape)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    /// The unit's name.
    #[shape(at_least = 1)]
    service: String,
    /// How long to wait for it, in seconds.
    #[serde(default)]
    wait_seconds: u32,
}

#[derive(Serialize, Shape)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Whether it is active now.
    active: bool,
}

impl Action for RestartService {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        Manifest::of::<Self>("acme:restart-service", env!("CARGO_PKG_VERSION"), "Restarts a service.")
            .wants("commands", "Runs systemctl.")
            .wants("waits", "Gives the service time.")
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        host.run(&None, &Command::program(["systemctl", "restart", &inputs.service]))?
            .check("restarting the service")?;
        host.sleep(u64::from(inputs.wait_seconds) * 1_000)?;
        let ended = host.run(&None, &Command::program(["systemctl", "is-active", &inputs.service]))?;
        Ok(Outputs {
            active: ended.exit_code == Some(0),
        })
    }
}

runwright_sdk::plugin!(RestartService);

use runwright_sdk::testing::{self, FakeHost};
use serde_json::json;

#[test]
fn restarts() {
    let host = || FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(0, "")));
    let outputs = testing::run::<RestartService>(&host(), json!({"Service": "web"})).unwrap();
    assert_eq!(outputs["Active"], true);
    testing::crashes::<RestartService>(host, json!({"Service": "web"}));
}

#[test]
fn the_tutorial_is_this_code() {
    let (tutorial, here) = (include_str!("../README.md"), include_str!("readme.rs"));
    let blocks: Vec<&str> = tutorial
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        assert!(here.contains(block), "this is not in `tests/readme.rs`:\n{block}");
    }
}
