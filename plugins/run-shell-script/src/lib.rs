//! `aws:runShellScript`, a plugin of Command documents: runs a script, by `sh` or by what its first line names.

use runwright_plugin_command::{Inputs, Outputs, script};
use runwright_sdk::{Action, Context, Failure, Host, Manifest};

/// The action.
pub struct RunShellScript;

impl Action for RunShellScript {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        script::manifest(
            "aws:runShellScript",
            env!("CARGO_PKG_VERSION"),
            "Runs a shell script, and fails unless it ends well. For Command documents.",
        )
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        script::run(host, context, inputs, script::Shell::Posix)
    }
}

runwright_sdk::plugin!(RunShellScript);

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use runwright_sdk::{
        Command, Error, NewValue, ParameterType, Probed, WriteOptions,
        testing::{FakeHost, check_manifest, context, run},
    };
    use serde_json::json;

    use super::*;

    const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

    fn boots(host: &FakeHost, id: &str) {
        let options = WriteOptions {
            parents: true,
            ..WriteOptions::default()
        };
        host.write_file(&None, BOOT_ID, format!("{id}\n").as_bytes(), &options)
            .unwrap();
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<RunShellScript>();
    }

    #[test]
    fn a_script_knows_where_it_runs() {
        let host = FakeHost::new().on_command(|_, command: &Command| {
            assert_eq!(command.script.as_deref(), Some("a\nb\nc"));
            assert_eq!(command.arguments, ["/bin/sh"]);
            assert_eq!(command.timeout_ms, Some(3_600_000));
            assert_eq!(command.working_directory, None);
            let has = |name: &str, value: &str| command.environment.contains(&(name.into(), value.into()));
            assert!(
                has("SSM_COMMAND_ID", "execution-1") && has("AWS_SSM_PLATFORM_NAME", "Some OS") && has("SSM_X", "")
            );
            Ok(FakeHost::exit(0, "done\n"))
        });
        let release = b"ID=some\nNAME=\"Some OS\"\nVERSION_ID=7\n";
        host.write_file(&None, "/etc/os-release", release, &WriteOptions::default())
            .unwrap();
        let inputs = json!({"runCommand": ["a", ["b", "c"]], "timeoutSeconds": "4", "environment": {"SSM_X": ""}});
        let outputs = run::<RunShellScript>(&host, inputs).unwrap();
        assert_eq!(
            (&outputs["Output"], &outputs["ResponseCode"]),
            (&json!("done\n"), &json!(0))
        );
    }

    #[test]
    fn a_script_runs_in_the_folder_of_its_document() {
        let folder = format!("/var/tmp/runwright-{}", context().execution_id);
        let expected = folder.clone();
        let host = FakeHost::new().on_command(move |_, command| {
            assert_eq!(command.working_directory.as_deref(), Some(expected.as_str()));
            Ok(FakeHost::exit(0, ""))
        });
        host.make_directory(&None, &folder, None).unwrap();
        run::<RunShellScript>(&host, json!({"runCommand": "x", "workingDirectory": ""})).unwrap();
    }

    #[test]
    fn a_script_that_asks_for_a_reboot_runs_again_after_it() {
        let runs = Rc::new(Cell::new(0));
        let count = Rc::clone(&runs);
        let host = FakeHost::new()
            .on_command(move |_, _| {
                count.set(count.get() + 1);
                Ok(FakeHost::exit(if count.get() < 3 { 194 } else { 0 }, ""))
            })
            .probed(Ok(Probed {
                probes: 2,
                waited_ms: 5,
            }))
            .probed(Ok(Probed {
                probes: 1,
                waited_ms: 0,
            }));
        boots(&host, "11-a");
        run::<RunShellScript>(&host, json!({"runCommand": ["x"]})).unwrap();
        assert_eq!(runs.get(), 3);
        let probes: Vec<String> = host
            .done(None)
            .calls_of("waits.probe")
            .map(|call| call.request.clone())
            .collect();
        assert_eq!(probes.len(), 2);
        assert!(probes[0].contains("!= 11-a"), "{}", probes[0]);
        assert!(host.lines().iter().any(|line| line.contains("asks for a reboot")));
    }

    #[test]
    fn the_operator_may_say_how_a_machine_is_rebooted() {
        let answers = Rc::new(Cell::new(0));
        let count = Rc::clone(&answers);
        let host = FakeHost::new()
            .on_command(move |_, command| {
                count.set(count.get() + 1);
                match count.get() {
                    1 => Ok(FakeHost::exit(194, "")),
                    2 => {
                        assert_eq!(command.script.as_deref(), Some("reboot"));
                        Err(Error::Uncertain("the machine went away".into()))
                    }
                    _ => Ok(FakeHost::exit(0, "")),
                }
            })
            .probed(Ok(Probed {
                probes: 1,
                waited_ms: 0,
            }));
        boots(&host, "1");
        let how = NewValue::Given("reboot".into());
        host.put_parameter("/runwright/reboot", ParameterType::Plain, &how, false)
            .unwrap();
        run::<RunShellScript>(&host, json!({"runCommand": ["x"]})).unwrap();
        assert_eq!(answers.get(), 3);
    }

    #[test]
    fn without_a_boot_id_nobody_can_wait_for_a_reboot() {
        let host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(194, "")));
        let failure = run::<RunShellScript>(&host, json!({"runCommand": ["x"]})).unwrap_err();
        assert!(
            failure.message.contains("tells one boot from another"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn reboots_have_an_end() {
        let mut host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(194, "")));
        for _ in 0..11 {
            host = host.probed(Ok(Probed {
                probes: 1,
                waited_ms: 0,
            }));
        }
        boots(&host, "1");
        let failure = run::<RunShellScript>(&host, json!({"runCommand": ["x"]})).unwrap_err();
        assert!(
            failure.message.contains("10 times, and once more"),
            "{}",
            failure.message
        );
    }
}
