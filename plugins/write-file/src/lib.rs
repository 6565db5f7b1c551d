//! `rw:writeFile`: gives a file new contents in one step, and puts the old ones back on rollback.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use runwright_sdk::{
    Action, Context, Done, Failure, Host, Manifest, Target, WriteOptions,
    files::{self, Replacement},
    schema,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The action.
pub struct WriteFile;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    path: String,
    content: Option<String>,
    content_base64: Option<String>,
    mode: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    #[serde(default)]
    parents: bool,
    target: Target,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    path: String,
    changed: bool,
    sha256: String,
}

impl Action for WriteFile {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = schema::object()
            .required("Path", schema::string("Absolute path of the file."))
            .optional(
                "Content",
                schema::string("The new contents as text. May hold secrets. Either this or ContentBase64."),
            )
            .optional(
                "ContentBase64",
                schema::string("The new contents in base64, for what is no text."),
            )
            .optional(
                "Mode",
                schema::string(
                    "Permission bits in octal, as in \"0644\". When absent: those of the file replaced, else 0644.",
                ),
            )
            .optional(
                "Owner",
                schema::string(
                    "Owner's name or number. When absent: that of the file replaced, else the engine's user.",
                ),
            )
            .optional(
                "Group",
                schema::string(
                    "Group's name or number. When absent: that of the file replaced, else the engine's group.",
                ),
            )
            .optional(
                "Parents",
                schema::boolean("Make missing folders above it; a rollback removes them if they are empty.")
                    .default(false),
            )
            .optional("Target", schema::string("The machine; the engine's own when absent."));
        let outputs = schema::object()
            .required("Path", schema::string("The path."))
            .required(
                "Changed",
                schema::boolean("Whether contents, mode, owner or group are different from before."),
            )
            .required(
                "Sha256",
                schema::string("SHA-256 of what the file holds now, in hexadecimal."),
            );
        Manifest::new(
            "rw:writeFile",
            env!("CARGO_PKG_VERSION"),
            "Gives a file new contents in one step, unless it has them already. A rollback puts back what was there.",
        )
        .inputs(inputs)
        .outputs(outputs)
        .wants(
            "files",
            "Keeps what stands at the path, writes the file, and puts it back on rollback.",
        )
        .undoes()
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let contents = contents(inputs.content, inputs.content_base64)?;
        let mode = inputs.mode.as_deref().map(files::parse_mode).transpose()?;
        let options = WriteOptions {
            mode,
            owner: inputs.owner,
            group: inputs.group,
            parents: inputs.parents,
        };
        let sha256 = sha256(&contents);
        let new = Replacement {
            on: &inputs.target,
            path: &inputs.path,
            contents: &contents,
            sha256: Some(&sha256),
            options,
        };
        let replaced = files::replace(host, &new)?;
        Ok(Outputs {
            changed: replaced.changed,
            sha256: replaced.sha256,
            path: inputs.path,
        })
    }

    fn rollback(host: &impl Host, _: &Context, _: Inputs, done: &Done) -> Result<(), Failure> {
        files::undo(host, done)
    }
}

fn contents(text: Option<String>, base64: Option<String>) -> Result<Vec<u8>, Failure> {
    match (text, base64) {
        (Some(text), None) => Ok(text.into_bytes()),
        (None, Some(base64)) => {
            let compact: String = base64.split_whitespace().collect();
            STANDARD
                .decode(compact)
                .map_err(|error| Failure::invalid(format!("input `ContentBase64` is no base64: {error}")))
        }
        (Some(_), Some(_)) => Err(Failure::invalid(
            "inputs `Content` and `ContentBase64` are both given: use one of them",
        )),
        (None, None) => Err(Failure::invalid(
            "input `Content` or `ContentBase64` is needed; an empty file is `Content: ''`",
        )),
    }
}

fn sha256(contents: &[u8]) -> String {
    Sha256::digest(contents)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

runwright_sdk::plugin!(WriteFile);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error, FailureKind,
        testing::{FakeHost, check_manifest, rollback, run},
    };
    use serde_json::json;

    use super::*;

    fn host_with(contents: &str) -> FakeHost {
        let host = FakeHost::new();
        host.write_file(
            &None,
            "/etc/motd",
            contents.as_bytes(),
            &WriteOptions {
                mode: Some(0o600),
                ..Default::default()
            },
        )
        .unwrap();
        host
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<WriteFile>();
    }

    #[test]
    fn a_file_is_replaced_and_put_back() {
        let host = host_with("old");
        let inputs = json!({"Path": "/etc/motd", "Content": "new", "Mode": "0640"});
        let outputs = run::<WriteFile>(&host, inputs.clone()).unwrap();
        assert_eq!(outputs["Changed"], true);
        assert_eq!(outputs["Sha256"], sha256(b"new"));
        assert_eq!(host.stat(&None, "/etc/motd").unwrap().unwrap().mode, 0o640);
        let done = host.done(Some(&outputs));
        rollback::<WriteFile>(&host, inputs.clone(), &done).unwrap();
        rollback::<WriteFile>(&host, inputs, &done).unwrap();
        assert_eq!(host.read_file(&None, "/etc/motd").unwrap(), b"old");
        assert_eq!(host.stat(&None, "/etc/motd").unwrap().unwrap().mode, 0o600);
    }

    #[test]
    fn an_identical_file_is_left_alone_and_not_touched_by_a_rollback() {
        let host = FakeHost::new();
        host.write_file(&None, "/etc/motd", b"same", &WriteOptions::default())
            .unwrap();
        let inputs = json!({"Path": "/etc/motd", "ContentBase64": "c2Ft\nZQ=="});
        let outputs = run::<WriteFile>(&host, inputs.clone()).unwrap();
        assert_eq!(outputs["Changed"], false);
        host.write_file(&None, "/etc/motd", b"by somebody else", &WriteOptions::default())
            .unwrap();
        let told = host.done(Some(&outputs));
        let told = Done {
            calls: told
                .calls
                .into_iter()
                .filter(|call| call.function == "files.snapshot")
                .collect(),
            ..told
        };
        rollback::<WriteFile>(&host, inputs, &told).unwrap();
        assert_eq!(host.read_file(&None, "/etc/motd").unwrap(), b"by somebody else");
    }

    #[test]
    fn folders_made_for_a_file_go_with_it() {
        let host = FakeHost::new();
        let inputs = json!({"Path": "/srv/app/conf/a", "Content": "x", "Parents": true});
        let outputs = run::<WriteFile>(&host, inputs.clone()).unwrap();
        rollback::<WriteFile>(&host, inputs.clone(), &host.done(Some(&outputs))).unwrap();
        assert_eq!(host.stat(&None, "/srv"), Ok(None));

        let outputs = run::<WriteFile>(&host, inputs.clone()).unwrap();
        host.write_file(&None, "/srv/app/other", b"", &WriteOptions::default())
            .unwrap();
        rollback::<WriteFile>(&host, inputs, &host.done(Some(&outputs))).unwrap();
        assert_eq!(host.stat(&None, "/srv/app/conf"), Ok(None));
        assert!(host.stat(&None, "/srv/app/other").unwrap().is_some());
    }

    #[test]
    fn a_write_that_failed_half_way_is_undone_too() {
        let host = host_with("old").refuse("files.stat", Error::Unavailable("gone".into()));
        let inputs = json!({"Path": "/etc/motd", "Content": "new"});
        run::<WriteFile>(&host, inputs.clone()).unwrap_err();
        host.relent();
        assert_eq!(host.read_file(&None, "/etc/motd").unwrap(), b"new");
        rollback::<WriteFile>(&host, inputs, &host.done(None)).unwrap();
        assert_eq!(host.read_file(&None, "/etc/motd").unwrap(), b"old");
    }

    #[test]
    fn wrong_inputs_change_nothing() {
        for inputs in [
            json!({"Path": "/etc/motd"}),
            json!({"Path": "/etc/motd", "Content": "", "ContentBase64": ""}),
            json!({"Path": "/etc/motd", "ContentBase64": "%"}),
            json!({"Path": "/etc/motd", "Content": "", "Mode": "rw-r--r--"}),
        ] {
            let host = FakeHost::new();
            assert_eq!(
                run::<WriteFile>(&host, inputs).unwrap_err().kind,
                FailureKind::InvalidInput
            );
            assert!(host.functions().is_empty());
        }
    }

    #[test]
    fn a_refusal_names_the_path() {
        let host = FakeHost::new();
        let failure = run::<WriteFile>(&host, json!({"Path": "/nowhere/x", "Content": ""})).unwrap_err();
        assert_eq!(failure.message, "writing `/nowhere/x`: `/nowhere` does not exist");
    }
}
