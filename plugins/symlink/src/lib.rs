//! `rw:symlink`: makes a symbolic link in one step, and puts back what was there on rollback.

use runwright_sdk::{Action, Context, Done, Failure, Host, Manifest, Target, files, schema};
use serde::{Deserialize, Serialize};

/// The action.
pub struct Symlink;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    path: String,
    points_to: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

impl Action for Symlink {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = schema::object()
            .required(
                "Path",
                schema::string("Absolute path of the link. A link or file there is replaced; a folder is not."),
            )
            .required(
                "PointsTo",
                schema::string("What it points to; may be relative to the link's folder, and need not exist."),
            )
            .optional(
                "Parents",
                schema::boolean("Make missing folders above it; a rollback removes them if they are empty.")
                    .default(false),
            )
            .optional("Target", schema::string("The machine; the engine's own when absent."));
        let outputs = schema::object()
            .required("Path", schema::string("The path."))
            .required("Changed", schema::boolean("False when the link was there already."))
            .optional("Previous", schema::string("Where a link at this path pointed before."));
        Manifest::new(
            "rw:symlink",
            env!("CARGO_PKG_VERSION"),
            "Makes a symbolic link in one step. A rollback puts back what was there.",
        )
        .inputs(inputs)
        .outputs(outputs)
        .wants(
            "files",
            "Keeps what stands at the path, makes the link, and puts it back on rollback.",
        )
        .undoes()
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let before = files::link(host, &inputs.target, &inputs.path, &inputs.points_to, inputs.parents)?;
        let previous = before.and_then(|facts| facts.link);
        Ok(Outputs {
            path: inputs.path,
            changed: previous.as_ref() != Some(&inputs.points_to),
            previous,
        })
    }

    fn rollback(host: &impl Host, _: &Context, _: Inputs, done: &Done) -> Result<(), Failure> {
        files::undo(host, done)
    }
}

runwright_sdk::plugin!(Symlink);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        WriteOptions,
        testing::{FakeHost, check_manifest, rollback, run},
    };
    use serde_json::json;

    use super::*;

    fn points_to(host: &FakeHost, path: &str) -> Option<String> {
        host.stat(&None, path).unwrap()?.link
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<Symlink>();
    }

    #[test]
    fn a_release_link_moves_and_comes_back() {
        let host = FakeHost::new();
        let first = json!({"Path": "/srv/app/current", "PointsTo": "releases/1", "Parents": true});
        let outputs = run::<Symlink>(&host, first.clone()).unwrap();
        assert_eq!(outputs, json!({"Path": "/srv/app/current", "Changed": true}));
        let first_done = host.done(Some(&outputs));
        let second = json!({"Path": "/srv/app/current", "PointsTo": "releases/2"});
        let before = host.functions().len();
        let outputs = run::<Symlink>(&host, second.clone()).unwrap();
        assert_eq!(
            outputs,
            json!({"Path": "/srv/app/current", "Changed": true, "Previous": "releases/1"})
        );
        let told = host.done(Some(&outputs));
        let told = Done {
            calls: told.calls.into_iter().skip(before).collect(),
            ..told
        };
        rollback::<Symlink>(&host, second, &told).unwrap();
        assert_eq!(points_to(&host, "/srv/app/current").as_deref(), Some("releases/1"));
        rollback::<Symlink>(&host, first, &first_done).unwrap();
        assert_eq!(host.stat(&None, "/srv"), Ok(None));
    }

    #[test]
    fn a_file_in_its_place_comes_back_too() {
        let host = FakeHost::new();
        host.write_file(&None, "/etc/localtime", b"zone", &WriteOptions::default())
            .unwrap();
        let inputs = json!({"Path": "/etc/localtime", "PointsTo": "/usr/share/zoneinfo/UTC"});
        run::<Symlink>(&host, inputs.clone()).unwrap();
        rollback::<Symlink>(&host, inputs, &host.done(None)).unwrap();
        assert_eq!(host.read_file(&None, "/etc/localtime").unwrap(), b"zone");
    }

    #[test]
    fn the_same_link_is_not_made_again() {
        let host = FakeHost::new();
        host.link(&None, "/etc/x", "y").unwrap();
        let outputs = run::<Symlink>(&host, json!({"Path": "/etc/x", "PointsTo": "y"})).unwrap();
        assert_eq!(outputs["Changed"], false);
        assert_eq!(host.functions(), ["files.link", "files.snapshot"]);
    }
}
