//! `aws:configurePackage`, a plugin of Command documents: installs and removes packages.
//!
//! A package is a folder of this machine: a `manifest.json` as Distributor has it, with the zip files it names; or such a
//! folder for each version. The name is its path, or its folder's name where the parameter [`PACKAGES`] says.

mod package;

use package::Package;
use runwright_plugin_command::{Ended, Inputs, Outputs, completed, conclude, outputs, text};
use runwright_sdk::{Action, Command, Context, Failure, Host, Manifest, schema};

/// The parameter that holds the folder of all packages.
const PACKAGES: &str = "/runwright/packages";
/// Characters of `additionalArguments` as JSON.
const ARGUMENTS_CHARS_MAX: usize = 4_096;

const SCRIPT: &str = include_str!("../scripts/package.sh");

/// The action.
pub struct ConfigurePackage;

impl Action for ConfigurePackage {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = Inputs::schema()
            .required(
                "name",
                schema::any("The package: the absolute path of its folder, or its name."),
            )
            .required("action", schema::any("`Install` or `Uninstall`."))
            .optional(
                "version",
                schema::any("The version; the latest, or the one installed, when absent or `latest`."),
            )
            .optional(
                "installationType",
                schema::any("`Uninstall and reinstall`, or `In-place update`: how another version is replaced."),
            )
            .optional(
                "additionalArguments",
                schema::any(
                    "Variables for the package's scripts, whose names begin with SSM_: a map, or the JSON text of one.",
                ),
            );
        Manifest::new(
            "aws:configurePackage",
            env!("CARGO_PKG_VERSION"),
            "Installs or removes a package from a folder. For Command documents.",
        )
        .inputs(inputs)
        .outputs(outputs())
        .wants("commands", "Runs the scripts of packages.")
        .wants("files", "Reads the manifests of packages.")
        .wants("parameters", "Reads what `{{ssm:…}}` names, and where packages are.")
        .wants("waits", "Waits for a reboot that a package asks for.")
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let inputs = inputs.filled(host)?;
        let ended = configure(host, context, &inputs);
        conclude(host, &inputs, ended)
    }
}

fn configure(host: &impl Host, context: &Context, inputs: &Inputs) -> Result<Ended, Failure> {
    let action = inputs.required("action")?;
    let folder = folder(host, &inputs.required("name")?)?;
    // The agent has this word for none.
    let version = inputs.text("version").filter(|version| version != "latest");
    let version = version.unwrap_or_default();
    let mut variables = arguments(inputs)?;
    match action.as_str() {
        "Install" => {
            let package = Package::find(host, &folder, &version)?;
            variables.extend([
                ("ZIP".to_owned(), package.file),
                ("SHA256".to_owned(), package.sha256),
                ("VERSION".to_owned(), package.version),
            ]);
        }
        "Uninstall" => variables.push(("VERSION".to_owned(), version)),
        other => {
            return Err(Failure::invalid(format!(
                "input `action` is `{other}`: it must be Install or Uninstall"
            )));
        }
    }
    let mode = inputs.text("installationType").unwrap_or_default();
    let name = folder.rsplit('/').next().unwrap_or_default().to_owned();
    let own = [
        ("FOLDER", folder.clone()),
        ("ACTION", action),
        ("MODE", mode),
        ("NAME", name),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let command = Command {
        environment: variables,
        ..Command::script(SCRIPT)
    };
    completed(host, context, &command, Failure::from).map(Ended::from)
}

/// Where a package is.
fn folder(host: &impl Host, name: &str) -> Result<String, Failure> {
    if name.starts_with('/') {
        return Ok(name.trim_end_matches('/').to_owned());
    }
    let bare = name.rsplit('/').next().unwrap_or_default();
    if bare.is_empty() || bare.starts_with('.') {
        return Err(Failure::invalid(format!("`{name}` is no name of a package")));
    }
    match host.parameter(PACKAGES) {
        Ok(folder) => Ok(format!("{}/{bare}", folder.value.trim_end_matches('/'))),
        Err(_) => Err(Failure::invalid(format!(
            "there is no package `{name}`: Distributor is a service of AWS. Packages are folders here: give the path of one as \
             `name`, or put the folder of all into the parameter {PACKAGES}"
        ))),
    }
}

/// The variables for the package's scripts.
fn arguments(inputs: &Inputs) -> Result<Vec<(String, String)>, Failure> {
    let given = inputs.map("additionalArguments")?;
    let size = serde_json::to_string(&given).map_or(0, |text| text.chars().count());
    if size > ARGUMENTS_CHARS_MAX {
        return Err(Failure::invalid(format!(
            "input `additionalArguments` has {size} characters, more than {ARGUMENTS_CHARS_MAX}"
        )));
    }
    let legal = |name: &str| {
        let rest = name.strip_prefix("SSM_");
        rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    };
    if let Some(wrong) = given.keys().find(|name| !legal(name)) {
        return Err(Failure::invalid(format!(
            "input `additionalArguments` has `{wrong}`: names begin with SSM_"
        )));
    }
    Ok(given.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

runwright_sdk::plugin!(ConfigurePackage);

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use runwright_sdk::{
        WriteOptions,
        testing::{FakeHost, check_manifest, run},
    };
    use serde_json::{Value, json};

    use super::*;

    type Environment = Rc<RefCell<Vec<(String, String)>>>;

    /// A machine with two versions of a package, and what the last command was given.
    fn machine() -> (FakeHost, Environment) {
        let environment = Environment::default();
        let seen = Rc::clone(&environment);
        let host = FakeHost::new().on_command(move |_, command| {
            if command.arguments == ["uname", "-m"] {
                return Ok(FakeHost::exit(0, "x86_64\n"));
            }
            seen.borrow_mut().clone_from(&command.environment);
            Ok(FakeHost::exit(0, ""))
        });
        let write = |path: &str, text: &str| {
            let options = WriteOptions {
                parents: true,
                ..WriteOptions::default()
            };
            host.write_file(&None, path, text.as_bytes(), &options).unwrap();
        };
        write("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        for version in ["1.2.0", "1.10.0"] {
            let manifest = json!({"schemaVersion": "2.0", "version": version,
                "packages": {"debian": {"12": {"x86_64": {"file": "deb.zip"}}, "_any": {"_any": {"file": "old.zip"}}},
                    "_any": {"_any": {"_any": {"file": "any.zip"}}}},
                "files": {"deb.zip": {"checksums": {"sha256": "ab".repeat(32)}}}});
            write(&format!("/srv/tool/{version}/manifest.json"), &manifest.to_string());
        }
        (host, environment)
    }

    fn given(environment: &Environment, name: &str) -> Option<String> {
        let environment = environment.borrow();
        environment
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    fn refused(inputs: Value) -> String {
        run::<ConfigurePackage>(&machine().0, inputs).unwrap_err().message
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<ConfigurePackage>();
    }

    #[test]
    fn the_latest_version_for_this_machine_is_installed() {
        let (host, environment) = machine();
        let inputs = json!({"name": "/srv/tool/", "action": "Install", "additionalArguments": "{\"SSM_MODE\": \"x\"}"});
        run::<ConfigurePackage>(&host, inputs).unwrap();
        assert_eq!(given(&environment, "ZIP").as_deref(), Some("/srv/tool/1.10.0/deb.zip"));
        assert_eq!(given(&environment, "VERSION").as_deref(), Some("1.10.0"));
        assert_eq!(given(&environment, "SSM_MODE").as_deref(), Some("x"));
        let inputs = json!({"name": "/srv/tool", "action": "Install", "version": "1.2.0"});
        run::<ConfigurePackage>(&host, inputs).unwrap();
        assert_eq!(given(&environment, "ZIP").as_deref(), Some("/srv/tool/1.2.0/deb.zip"));
        let inputs = json!({"name": "/srv/tool", "action": "Install", "version": "latest"});
        run::<ConfigurePackage>(&host, inputs).unwrap();
        assert_eq!(given(&environment, "VERSION").as_deref(), Some("1.10.0"));
    }

    #[test]
    fn what_cannot_be_installed_is_said() {
        let name = "/srv/tool";
        assert!(refused(json!({"name": "AWSTool", "action": "Install"})).contains("/runwright/packages"));
        assert!(refused(json!({"name": name, "action": "Upgrade"})).contains("Install or Uninstall"));
        assert!(refused(json!({"name": name, "action": "Install", "version": "3"})).contains("no version `3`"));
        assert!(refused(json!({"name": "/srv/none", "action": "Install"})).contains("manifest.json"));
        let arguments = json!({"name": name, "action": "Install", "additionalArguments": {"PATH": "x"}});
        assert!(refused(arguments).contains("SSM_"));
    }
}
