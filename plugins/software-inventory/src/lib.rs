//! `aws:softwareInventory`, a plugin of Command documents: writes down what a machine has.
//!
//! The inventory is a file of JSON in the folder of the document: each type of Systems Manager and its items. What exists in
//! AWS or on Windows only is named in the log, and left out.

use runwright_plugin_command::{Ended, FOLDER, Inputs, Outputs, conclude, downloads, outputs};
use runwright_sdk::{Action, Command, Context, Error, Failure, Host, Level, Manifest, schema};
use serde_json::{Map, Value, json};

/// The action.
pub struct SoftwareInventory;

const SCRIPT: &str = include_str!("../scripts/inventory.sh");

/// Inputs that a machine of its own can answer, and the type of each.
const TYPES: [(&str, &str); 4] = [
    ("applications", "AWS:Application"),
    ("networkConfig", "AWS:Network"),
    ("services", "AWS:Service"),
    ("instanceDetailedInformation", "AWS:InstanceDetailedInformation"),
];
/// Inputs for what there is not, and why.
const ABSENT: [(&str, &str); 5] = [
    ("awsComponents", "components of AWS are installed on instances of AWS"),
    ("windowsUpdates", "it exists on Windows only"),
    ("windowsRegistry", "it exists on Windows only"),
    ("windowsRoles", "it exists on Windows only"),
    ("billingInfo", "only an instance of AWS is billed"),
];
/// Levels of folders that a filter of files may go down.
const DEPTH_MAX: u32 = 10;

impl Action for SoftwareInventory {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let which = |what: &str| schema::any(&format!("`Enabled`: {what}"));
        let inputs = Inputs::schema()
            .optional("applications", which("the packages of dpkg, rpm or apk."))
            .optional("networkConfig", which("the network's interfaces and addresses."))
            .optional("services", which("the services of systemd."))
            .optional("instanceDetailedInformation", which("the processors."))
            .optional(
                "files",
                schema::any("Filters of files: a JSON list of `Path`, `Pattern` and `Recursive`."),
            )
            .optional(
                "customInventory",
                which("the items in the files of `customInventoryDirectory`."),
            )
            .optional("customInventoryDirectory", schema::any("An absolute path."))
            .optional("awsComponents", which("nothing here."))
            .optional("windowsUpdates", which("nothing here."))
            .optional("windowsRegistry", schema::any("Nothing here."))
            .optional("windowsRoles", which("nothing here."))
            .optional("billingInfo", which("nothing here."));
        Manifest::new(
            "aws:softwareInventory",
            env!("CARGO_PKG_VERSION"),
            "Writes down what software a machine has. For Command documents.",
        )
        .inputs(inputs)
        .outputs(outputs())
        .wants("commands", "Asks the machine what it has.")
        .wants("files", "Reads the items that others left for the inventory.")
        .wants("parameters", "Reads what `{{ssm:…}}` names.")
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let inputs = inputs.filled(host)?;
        let ended = gather(host, context, &inputs);
        conclude(host, &inputs, ended)
    }
}

fn is_enabled(inputs: &Inputs, name: &str) -> bool {
    inputs
        .text(name)
        .is_some_and(|text| text.eq_ignore_ascii_case("Enabled"))
}

fn gather(host: &impl Host, context: &Context, inputs: &Inputs) -> Result<Ended, Failure> {
    for (name, why) in ABSENT {
        let wanted = is_enabled(inputs, name) || (name == "windowsRegistry" && inputs.get(name).is_some());
        if wanted {
            host.log(Level::Info, &format!("left out `{name}`: {why}"));
        }
    }
    let mut wanted: Vec<&str> = TYPES
        .iter()
        .filter(|(name, _)| is_enabled(inputs, name))
        .map(|(_, kind)| *kind)
        .collect();
    let filters = filters(inputs)?;
    if !filters.is_empty() {
        wanted.push("AWS:File");
    }
    let environment = [
        ("DOWNLOADS", downloads(context)),
        ("WANTED", wanted.join(" ")),
        ("FILES", filters),
    ];
    let command = Command {
        stdin: Some(custom(host, inputs)?.into_bytes()),
        environment: environment
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        ..Command::script(&format!("{FOLDER}{SCRIPT}"))
    };
    Ok(host.run(&None, &command)?.into())
}

/// One line for each path and pattern: the path, how deep, the pattern.
fn filters(inputs: &Inputs) -> Result<String, Failure> {
    let wrong = || Failure::invalid("input `files` must be a JSON list of maps with `Path` and `Pattern`");
    let filters = match inputs.get("files") {
        None => return Ok(String::new()),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| wrong())?,
        Some(value) => value.clone(),
    };
    let mut lines = String::new();
    for filter in filters.as_array().ok_or_else(wrong)? {
        let path = filter["Path"]
            .as_str()
            .filter(|path| path.starts_with('/'))
            .ok_or_else(wrong)?;
        let depth = if filter["Recursive"] == true { DEPTH_MAX } else { 1 };
        let patterns = match &filter["Pattern"] {
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            Value::String(text) => vec![text.as_str()],
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Err(wrong()),
        };
        for pattern in patterns {
            if path.contains(['\t', '\n']) || pattern.contains(['\t', '\n']) {
                return Err(wrong());
            }
            lines.push_str(&format!("{path}\t{depth}\t{pattern}\n"));
        }
    }
    Ok(lines)
}

/// The items that others left as files of JSON, as further types of the inventory.
fn custom(host: &impl Host, inputs: &Inputs) -> Result<String, Failure> {
    let Some(folder) = inputs
        .text("customInventoryDirectory")
        .filter(|_| is_enabled(inputs, "customInventory"))
    else {
        return Ok(String::new());
    };
    let folder = folder.trim_end_matches('/');
    let names = match host.list_directory(&None, folder) {
        Ok(names) => names,
        Err(Error::NotFound(_)) => return Ok(String::new()),
        Err(error) => return Err(error.into()),
    };
    let mut types: Map<String, Value> = Map::new();
    for name in names.iter().filter(|name| name.ends_with(".json")) {
        let path = format!("{folder}/{name}");
        let item: Value = serde_json::from_slice(&host.read_file(&None, &path)?).unwrap_or_default();
        match (item["TypeName"].as_str(), &item["Content"]) {
            (Some(kind), content @ Value::Object(_)) if kind.starts_with("Custom:") => {
                let items = types.entry(kind).or_insert_with(|| json!([]));
                items
                    .as_array_mut()
                    .into_iter()
                    .for_each(|items| items.push(content.clone()));
            }
            _ => host.log(
                Level::Warn,
                &format!("left out {path}: it is no item with `TypeName: Custom:…` and `Content`"),
            ),
        }
    }
    let text = |(kind, items): (&String, &Value)| format!(",\n{}: {items}", Value::from(kind.as_str()));
    Ok(types.iter().map(text).collect())
}

runwright_sdk::plugin!(SoftwareInventory);

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use runwright_sdk::{
        WriteOptions,
        testing::{FakeHost, check_manifest, run},
    };

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<SoftwareInventory>();
    }

    #[test]
    fn what_is_enabled_is_asked_for() {
        let ran = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&ran);
        let host = FakeHost::new().on_command(move |_, command| {
            *seen.borrow_mut() = Some(command.clone());
            Ok(FakeHost::exit(0, "wrote x\n"))
        });
        let item = br#"{"SchemaVersion": "1.0", "TypeName": "Custom:Rack", "Content": {"Row": "7"}}"#;
        host.make_directory(&None, "/srv/items", None).unwrap();
        host.write_file(&None, "/srv/items/a.json", item, &WriteOptions::default())
            .unwrap();
        host.write_file(&None, "/srv/items/b.json", b"{", &WriteOptions::default())
            .unwrap();
        let inputs = json!({"applications": "Enabled", "networkConfig": "Disabled", "services": "enabled",
            "windowsRoles": "Enabled", "customInventory": "Enabled", "customInventoryDirectory": "/srv/items",
            "files": "[{\"Path\": \"/etc\", \"Pattern\": [\"*.conf\", \"h*\"]}, {\"Path\": \"/opt\", \"Pattern\": \"*\", \"Recursive\": true}]"});
        run::<SoftwareInventory>(&host, inputs).unwrap();
        let command = ran.borrow_mut().take().unwrap();
        let has = |name: &str, value: &str| command.environment.contains(&(name.into(), value.into()));
        assert!(
            has("WANTED", "AWS:Application AWS:Service AWS:File"),
            "{:?}",
            command.environment
        );
        assert!(has("FILES", "/etc\t1\t*.conf\n/etc\t1\th*\n/opt\t10\t*\n"));
        assert_eq!(command.stdin.unwrap(), b",\n\"Custom:Rack\": [{\"Row\":\"7\"}]");
        assert!(
            host.lines()
                .iter()
                .any(|line| line.contains("left out /srv/items/b.json"))
        );
        assert!(host.lines().iter().any(|line| line.contains("left out `windowsRoles`")));
    }

    #[test]
    fn filters_have_a_shape() {
        for files in [
            "x",
            "{}",
            "[{\"Path\": \"etc\", \"Pattern\": \"*\"}]",
            "[{\"Path\": \"/etc\"}]",
        ] {
            let failure = run::<SoftwareInventory>(&FakeHost::new(), json!({"files": files})).unwrap_err();
            assert!(failure.message.contains("`files`"), "{}", failure.message);
        }
    }
}
