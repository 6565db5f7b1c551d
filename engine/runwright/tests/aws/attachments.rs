//! Attachments of `aws:executeScript`.

use std::{fs, path::Path, process::Command};

use runwright::{
    Error, Until,
    model::{digest::Digest, id::ExecutionId, status::Status},
    view::ExecutionView,
};
use serde_json::json;
use tempfile::TempDir;

use crate::{World, output, succeeded};

/// A folder with a script, an archive with packages, and the runbook that is given.
fn folder(steps: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "tool.py",
        "def main(events, context):\n    return {'tool': events['n'] + 1}\n",
    );
    write("tools/__init__.py", "from .deep import add\n");
    write(
        "tools/deep.py",
        "def add(a, b):\n    return a + b\n\n\ndef fail():\n    raise ValueError('deep')\n",
    );
    write(
        "entry.py",
        "import tools\n\n\ndef main(events):\n    return {'sum': tools.add(events['n'], 2)}\n",
    );
    // Called as modules of the component are.
    write("attachments/near.py", "def double(n):\n    return 2 * n\n");
    write("script.py", "def main(events):\n    return {'module': events['n']}\n");
    let packed = Command::new("python3")
        .args([
            "-m",
            "zipfile",
            "-c",
            "packages.zip",
            "tools",
            "attachments",
            "entry.py",
            "script.py",
        ])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(packed.success());
    let digest = |name: &str| Digest::of(&fs::read(folder.path().join(name)).unwrap()).to_hex();
    let (script, archive) = (digest("tool.py"), digest("packages.zip"));
    write(
        "runbook.yaml",
        &format!(
            "schemaVersion: '0.3'\nfiles:\n  tool.py: {{checksums: {{sha256: {script}}}}}\n  packages.zip: {{checksums: {{SHA256: \
             {archive}}}}}\n  unused.zip: {{checksums: {{sha256: {script}}}}}\nmainSteps:\n{steps}"
        ),
    );
    folder
}

async fn start(world: &World, folder: &Path) -> Result<ExecutionId, Error> {
    let path = folder.join("runbook.yaml");
    let runbook = world.engine.library().runbook(path.to_str().unwrap()).await.unwrap();
    world.begin(runbook, json!({})).await
}

async fn ended(world: &World, id: &ExecutionId) -> ExecutionView {
    world.engine.wait(id, Until::Ended).await.unwrap()
}

const STEPS: &str = "
  - name: Script
    action: aws:executeScript
    inputs: {Runtime: python3.11, Handler: tool.main, InputPayload: {n: 1}, Attachment: tool.py}
  - name: Archive
    action: aws:executeScript
    inputs: {Runtime: python3.11, Handler: entry.main, InputPayload: {n: 1}, Attachment: packages.zip}
  - name: Both
    action: aws:executeScript
    inputs:
      Runtime: python3.11
      Handler: main
      InputPayload: {n: 5}
      Attachment: packages.zip
      Script: |
        from tools.deep import add, fail
        def main(events, context):
            try:
                fail()
            except ValueError as error:
                return {'sum': add(events['n'], 2), 'why': str(error)}
";

/// `Handler` names a module that is attached, and then one that is not.
const NAMED: &str = "
  - name: Module
    action: aws:executeScript
    inputs: {Runtime: python3.11, Handler: script.main, InputPayload: {n: 1}, Attachment: packages.zip, Script: '%PYTHONSCRIPT%'}
  - name: File
    action: aws:executeScript
    inputs: {Runtime: python3.11, Handler: tool.main, InputPayload: {n: 1}, Attachment: tool.py, Script: 'x = 1'}
  - name: Inline
    action: aws:executeScript
    inputs:
      Runtime: python3.11
      Handler: inline.main
      InputPayload: {n: 2}
      Attachment: packages.zip
      Script: |
        from attachments.near import double
        def main(events, context):
            return {'inline': double(events['n'])}
";

#[tokio::test]
async fn scripts_and_archives_are_run_as_the_execution_began_with_them() {
    let Some(world) = World::open().await else { return };
    let folder = folder(STEPS);
    let id = start(&world, folder.path()).await.unwrap();
    let view = ended(&world, &id).await;
    assert_eq!(output(succeeded(&view), "Script", "Payload"), json!({"tool": 2}));
    assert_eq!(output(&view, "Archive", "Payload"), json!({"sum": 3}));
    assert_eq!(output(&view, "Both", "Payload"), json!({"sum": 7, "why": "deep"}));

    // The files are gone, and what was begun with them goes on with them.
    let again = world.engine.rerun(&id, "kim", None).await.unwrap().id;
    folder.close().unwrap();
    assert_eq!(
        output(succeeded(&ended(&world, &again).await), "Archive", "Payload"),
        json!({"sum": 3})
    );
}

#[tokio::test]
async fn an_attached_module_that_the_handler_names_counts_more_than_the_script() {
    let Some(world) = World::open().await else { return };
    let folder = folder(NAMED);
    let id = start(&world, folder.path()).await.unwrap();
    let view = ended(&world, &id).await;
    assert_eq!(output(succeeded(&view), "Module", "Payload"), json!({"module": 1}));
    assert_eq!(output(&view, "File", "Payload"), json!({"tool": 2}));
    assert_eq!(output(&view, "Inline", "Payload"), json!({"inline": 4}));
}

#[tokio::test]
async fn an_attachment_that_is_another_or_not_there_starts_nothing() {
    let Some(world) = World::open().await else { return };
    for (change, expected) in [("change", "the runbook says sha256:"), ("remove", "No such file")] {
        let folder = folder(STEPS);
        let file = folder.path().join("tool.py");
        match change {
            "change" => fs::write(&file, "def main(): return change").unwrap(),
            _ => fs::remove_file(&file).unwrap(),
        }
        let refused = start(&world, folder.path()).await.unwrap_err();
        assert_eq!(refused.code(), Some("RW-C906"), "{change}: {refused}");
        assert!(refused.to_string().contains(expected), "{change}: {refused}");
    }
    let view = world
        .run(
            "mainSteps:\n  - {name: A, action: 'aws:executeScript', inputs: {Runtime: python3.11, Handler: main, Attachment: x.zip}}\n",
        )
        .await;
    assert_eq!(view.status, Status::Failed);
    let told = &view.steps[0].failure.as_ref().unwrap().message;
    assert!(told.contains("no attachment `x.zip` with a SHA-256 checksum"), "{told}");
}

#[tokio::test]
async fn a_traceback_shows_the_lines_of_an_attachment() {
    let Some(world) = World::open().await else { return };
    let steps = "
  - name: Fails
    action: aws:executeScript
    inputs:
      Runtime: python3.11
      Handler: main
      Attachment: packages.zip
      Script: |
        import tools.deep
        def main(events, context):
            tools.deep.fail()
";
    let folder = folder(steps);
    let id = start(&world, folder.path()).await.unwrap();
    let view = ended(&world, &id).await;
    let told = view.steps[0].failure.as_ref().unwrap().message.clone();
    for part in [
        "script.py\", line 3, in main",
        "packages.zip/tools/deep.py\", line 6, in fail",
        "raise ValueError('deep')",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
