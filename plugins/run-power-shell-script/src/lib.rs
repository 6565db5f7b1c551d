//! `aws:runPowerShellScript`, a plugin of Command documents: runs a script by `pwsh`, where that is installed.

use runwright_plugin_command::{Inputs, Outputs, script};
use runwright_sdk::{Action, Context, Failure, Host, Manifest};

/// The action.
pub struct RunPowerShellScript;

impl Action for RunPowerShellScript {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        script::manifest(
            "aws:runPowerShellScript",
            env!("CARGO_PKG_VERSION"),
            "Runs a PowerShell script with pwsh, and fails unless it ends well. For Command documents.",
        )
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        script::run(host, context, inputs, script::Shell::Power)
    }
}

runwright_sdk::plugin!(RunPowerShellScript);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error,
        testing::{FakeHost, check_manifest, run},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<RunPowerShellScript>();
    }

    #[test]
    fn the_script_is_a_file_that_pwsh_reads() {
        let host = FakeHost::new().on_command(|_, command| {
            assert_eq!(command.arguments[0], "pwsh");
            assert_eq!(command.arguments[4], "-Command");
            assert_eq!(command.script.as_deref(), Some("Get-Date\nexit 0"));
            Ok(FakeHost::exit(0, ""))
        });
        run::<RunPowerShellScript>(&host, json!({"runCommand": ["Get-Date", "exit 0"]})).unwrap();
    }

    #[test]
    fn without_pwsh_it_says_what_to_install() {
        let host = FakeHost::new().refuse("commands.run", Error::NotFound("no program pwsh".into()));
        let failure = run::<RunPowerShellScript>(&host, json!({"runCommand": ["x"]})).unwrap_err();
        assert!(failure.message.contains("install it"), "{}", failure.message);
    }
}
