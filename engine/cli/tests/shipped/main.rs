//! The runbooks of `runbooks/`, run for real: a store on disk, the plugins in Wasm, commands on this machine.
//!
//! Each test brings about one state and compares what the execution says of itself with `golden/NAME_STATE.out`;
//! what it did to the world is asserted beside it. `UPDATE_GOLDEN=1` writes the golden files anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod crash;
mod world;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use runwright::{
    NewParameter,
    model::{
        capability::parameters::{NewValue, ParameterType},
        status::Status,
    },
};
use serde_json::{Value, json};
use world::{Guarded, Service, World};

/// A file with these contents, last changed long ago.
fn old_file(path: impl AsRef<Path>, bytes: usize) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::create(path).unwrap();
    std::io::Write::write_all(&mut &file, &vec![b'x'; bytes]).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
}

/// A program of shell text.
fn program(path: &str, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The names in a folder, sorted; hidden ones too.
fn names(folder: impl AsRef<Path>) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn every_runbook_compiles_and_says_what_it_does() {
    let world = World::open().await;
    let mut found = 0;
    for name in names(world::RUNBOOKS)
        .iter()
        .filter_map(|file| file.strip_suffix(".yaml"))
    {
        let compiled = world.engine().library().runbook(name).await.unwrap().compiled;
        assert!(compiled.diagnostics.is_empty(), "{name}: {:#?}", compiled.diagnostics);
        let plan = compiled.plan.unwrap();
        assert!(
            plan.description.is_some_and(|text| !text.contains('\n')),
            "{name} is explained in a line"
        );
        found += 1;
    }
    assert_eq!(found, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn quickstart() {
    let mut world = World::open().await;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    world.hide(kernel.trim(), "<kernel>");
    world.hide_output("disk", "Stdout", "<space>");
    let inputs = json!({"Folder": world.path("")});

    let view = world.run("quickstart", inputs.clone()).await;
    assert_eq!(view.status, Status::Success, "{view:#?}");
    let report = world.path(&format!("runwright-{}/report.txt", view.id));
    let free = fs::read_to_string(report).unwrap();
    let free = free.trim().rsplit_once(", ").unwrap().1.to_owned();
    world.hide(&free, "<space> free");
    world.golden("quickstart_success", &view);

    let view = world.run("quickstart", with(&inputs, json!({"Detail": "full"}))).await;
    assert_eq!(view.status, Status::Success);
    assert_eq!(
        view.steps
            .iter()
            .filter(|step| step.status == Status::Skipped)
            .map(|step| &step.name)
            .collect::<Vec<_>>(),
        ["brief_report"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn quickstart_leaves_nothing_behind_when_it_fails() {
    let mut world = World::open().await;
    world.hide_output("system", "Stdout", "<kernel>");
    world.hide_output("disk", "Stdout", "<space>");
    // A folder nobody can make another in.
    let file = world.path("file");
    fs::write(&file, "").unwrap();
    let view = world.run("quickstart", json!({"Folder": file})).await;
    world.golden("quickstart_rolled_back", &view);
    assert_eq!(names(world.path("")), ["file"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_rollout() {
    let mut world = World::open().await;
    let service = Service::new(&mut world);
    service.pack("1.0", true);
    service.pack("2.0", true);

    let view = world.run("service-rollout", service.rollout("1.0")).await;
    world.golden("service_rollout_first", &view);
    assert_eq!(service.version(), "1.0");

    let view = world.run("service-rollout", service.rollout("2.0")).await;
    world.golden("service_rollout_success", &view);
    assert_eq!(service.version(), "2.0");
    assert_eq!(names(world.path("service/releases")), ["1.0", "2.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_rollout_of_a_broken_version_puts_everything_back() {
    let mut world = World::open().await;
    let service = Service::new(&mut world);
    service.pack("1.0", true);
    service.pack("2.0", false);
    assert_eq!(
        world.run("service-rollout", service.rollout("1.0")).await.status,
        Status::Success
    );

    let view = world
        .run(
            "service-rollout",
            with(&service.rollout("2.0"), json!({"HealthSeconds": 1})),
        )
        .await;
    world.golden("service_rollout_rolled_back", &view);
    assert_eq!(service.version(), "1.0");
    assert_eq!(
        fs::read_link(world.path("service/current")).unwrap(),
        Path::new("releases/1.0")
    );
    assert_eq!(names(world.path("service/releases")), ["1.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_rollout_of_a_version_that_is_there_does_not_touch_it() {
    let mut world = World::open().await;
    let service = Service::new(&mut world);
    service.pack("1.0", true);
    assert_eq!(
        world.run("service-rollout", service.rollout("1.0")).await.status,
        Status::Success
    );

    let view = world.run("service-rollout", service.rollout("1.0")).await;
    world.golden("service_rollout_not_new", &view);
    assert_eq!(service.version(), "1.0");
    assert_eq!(names(world.path("service/releases")), ["1.0"]);

    let wrong = json!({"Version": "3.0", "Sha256": "0".repeat(64)});
    let view = world.run("service-rollout", with(&service.rollout("1.0"), wrong)).await;
    world.golden("service_rollout_wrong_checksum", &view);
    assert_eq!(service.version(), "1.0");
}

/// A world in which the secret is `first-secret`, a service that takes it, and the inputs of a rotation.
async fn with_secret(world: &World, taken: fn(&str) -> bool) -> (Guarded, Value) {
    let file = world.path("secret.env");
    fs::write(&file, "SECRET=first-secret\n").unwrap();
    let new = NewParameter {
        name: "/app/secret".into(),
        parameter_type: ParameterType::SecureString,
        value: NewValue::Given("first-secret".into()),
        overwrite: false,
    };
    world.engine().parameters().put(new).await.unwrap();
    let service = Guarded::start(file.clone().into(), taken);
    let inputs = json!({
        "Parameter": "/app/secret",
        "File": file,
        "ReloadCommand": ["curl", "--silent", "--fail", service.url("/reload")],
        "VerifyUrl": service.url("/secret"),
    });
    (service, inputs)
}

async fn secret(world: &World) -> String {
    let parameter = world.engine().parameters().get("/app/secret").await.unwrap();
    world
        .engine()
        .parameters()
        .reveal(&parameter.value)
        .await
        .unwrap()
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn rotate_secret() {
    let mut world = World::open().await;
    let (service, inputs) = with_secret(&world, |_| true).await;
    world.hide(&service.url(""), "<service>");
    assert_eq!(service.status("first-secret"), 200);

    let view = world.run("rotate-secret", inputs).await;
    world.golden("rotate_secret_success", &view);
    let new = secret(&world).await;
    assert_eq!(new.len(), 40);
    assert_eq!(
        fs::read_to_string(world.path("secret.env")).unwrap(),
        format!("SECRET={new}\n")
    );
    assert_eq!(service.status(&new), 200);
    assert_eq!(service.status("first-secret"), 401);
    world.holds_nowhere(&[&new, "first-secret"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotate_secret_that_the_service_does_not_take_is_put_back() {
    let mut world = World::open().await;
    // Once it has read another secret it is sick, until it reads the first again.
    let (service, inputs) = with_secret(&world, |secret| secret == "first-secret").await;
    world.hide(&service.url(""), "<service>");

    let view = world.run("rotate-secret", inputs).await;
    world.golden("rotate_secret_rolled_back", &view);
    assert_eq!(
        fs::read_to_string(world.path("secret.env")).unwrap(),
        "SECRET=first-secret\n"
    );
    assert_eq!(secret(&world).await, "first-secret");
    assert_eq!(service.status("first-secret"), 200);
    world.holds_nowhere(&["first-secret"]).await;
}

const MEGABYTE: usize = 1024 * 1024;

/// A folder with two old files of 3 MB together, one new file, and names that a careless script would trip over.
fn untidy(world: &World) -> Value {
    old_file(world.path("logs/old one.log"), 2 * MEGABYTE);
    old_file(world.path("logs/$(touch oops)/'quoted'\n.log"), MEGABYTE);
    old_file(world.path("logs/keep.txt"), MEGABYTE);
    fs::write(world.path("logs/new.log"), "new").unwrap();
    json!({"Folder": world.path("logs"), "Name": "*.log"})
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_cleanup_below_the_threshold_asks_nobody() {
    let world = World::open().await;
    let view = world.run("disk-cleanup", untidy(&world)).await;
    world.golden("disk_cleanup_success", &view);
    assert_eq!(names(world.path("logs")), ["$(touch oops)", "keep.txt", "new.log"]);
    assert!(names(world.path("logs/$(touch oops)")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_cleanup_above_the_threshold_waits_for_an_approval() {
    let world = World::open().await;
    let asked = with(
        &untidy(&world),
        json!({"ApproveAbove": 2, "Approvers": ["kim", "robin"]}),
    );
    let view = world.run("disk-cleanup", asked).await;
    world.golden("disk_cleanup_waiting", &view);
    assert!(names(world.path("logs")).contains(&"old one.log".to_owned()));
    // What grows old while people think was not approved.
    old_file(world.path("logs/late.log"), 1);

    let stranger = world.engine().decide(&view.id, None, true, "sam", None).await;
    assert!(stranger.unwrap_err().to_string().contains("sam is not an approver"));
    world
        .engine()
        .decide(&view.id, None, true, "robin", Some("go"))
        .await
        .unwrap();
    let view = world.wait(&view.id).await;
    world.golden("disk_cleanup_approved", &view);
    assert_eq!(
        names(world.path("logs")),
        ["$(touch oops)", "keep.txt", "late.log", "new.log"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_cleanup_that_is_rejected_removes_nothing() {
    let world = World::open().await;
    let view = world
        .run("disk-cleanup", with(&untidy(&world), json!({"ApproveAbove": 2})))
        .await;
    assert_eq!(view.status, Status::Waiting);
    world
        .engine()
        .decide(&view.id, None, false, "kim", Some("not on a Friday"))
        .await
        .unwrap();
    let view = world.wait(&view.id).await;
    world.golden("disk_cleanup_rejected", &view);
    assert_eq!(
        names(world.path("logs")),
        ["$(touch oops)", "keep.txt", "new.log", "old one.log"]
    );
}

/// An apt-get that has two upgrades to offer until they are installed, and writes down what it is asked to do.
fn apt_get(world: &World) -> Value {
    let program_path = world.path("apt-get");
    let text = format!(
        r#"cd '{}'
case "$*" in
  *--simulate*)
    echo "NOTE: This is only a simulation!"
    [ -e installed ] || echo "Inst libc6 [2.36-9] (2.36-10 Debian:12.5/stable [amd64])"
    [ -e installed ] || echo "Inst tzdata [2024a-0] (2024b-0+deb12u1 Debian:12.5/stable [all])"
    echo "Conf libc6 (2.36-10 Debian:12.5/stable [amd64])" ;;
  *) echo "$DEBIAN_FRONTEND $*" >>asked; touch installed ;;
esac
"#,
        world.path("")
    );
    program(&program_path, &text);
    json!({"AptGet": program_path, "Approvers": ["kim"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn patch_host_only_scans_unless_told_otherwise() {
    let mut world = World::open().await;
    world.hide_output("reboot_needed", "Stdout", "<yes or no>");
    let view = world.run("patch-host", apt_get(&world)).await;
    world.golden("patch_host_scan", &view);
    assert!(!Path::new(&world.path("asked")).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn patch_host_installs_what_was_approved() {
    let mut world = World::open().await;
    world.hide_output("reboot_needed", "Stdout", "<yes or no>");
    let view = world
        .run("patch-host", with(&apt_get(&world), json!({"Operation": "Install"})))
        .await;
    world.golden("patch_host_waiting", &view);
    assert!(!Path::new(&world.path("asked")).exists());

    world.engine().decide(&view.id, None, true, "kim", None).await.unwrap();
    let view = world.wait(&view.id).await;
    world.golden("patch_host_installed", &view);
    assert_eq!(
        fs::read_to_string(world.path("asked")).unwrap(),
        "noninteractive --yes --quiet --option=Dpkg::Options::=--force-confold install --only-upgrade \
         libc6=2.36-10 tzdata=2024b-0+deb12u1\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn patch_host_scans_this_machine() {
    if !Path::new("/usr/bin/apt-get").exists() {
        return;
    }
    let world = World::open().await;
    let view = world.run("patch-host", json!({})).await;
    assert_eq!(view.status, Status::Success, "{view:#?}");
    let packages = view.outputs["scan.Packages"].as_array().unwrap().len();
    assert_eq!(view.outputs["scan.Count"], packages);
}

/// Something to back up, and places for it.
fn precious(world: &World) -> Value {
    for (file, text) in [("a file", "precious"), ("below/b", "more")] {
        let path = world.path(&format!("source/{file}"));
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for folder in ["first", "second"] {
        fs::create_dir(world.path(folder)).unwrap();
    }
    json!({
        "Source": world.path("source"), "Folder": world.path("archives"),
        "FirstCopy": world.path("first"), "SecondCopy": world.path("second"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_directory() {
    let world = World::open().await;
    let view = world.run("backup-directory", precious(&world)).await;
    world.golden("backup_directory_success", &view);
    let copy = world.path(&format!("second/backup-{}.tar.gz", view.id));
    fs::create_dir(world.path("restored")).unwrap();
    let tar = ["--extract", "--file", &copy, "--directory", &world.path("restored")];
    assert!(std::process::Command::new("tar").args(tar).status().unwrap().success());
    assert_eq!(fs::read_to_string(world.path("restored/a file")).unwrap(), "precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_directory_with_a_corrupted_copy_keeps_none() {
    let world = World::open().await;
    let places = precious(&world);
    // Copies well, except to the second place, where a byte too many arrives.
    let copy = world.path("copy");
    program(
        &copy,
        "cp -- \"$1\" \"$2\"\ncase \"$2\" in */second/*) printf x >>\"$2\" ;; esac\n",
    );
    let view = world
        .run("backup-directory", with(&places, json!({"CopyCommand": [copy]})))
        .await;
    world.golden("backup_directory_rolled_back", &view);
    for folder in ["archives", "first", "second"] {
        assert!(names(world.path(folder)).is_empty(), "{folder}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_directory_does_not_pack_itself() {
    let world = World::open().await;
    let inside = json!({"Folder": world.path("source/archives")});
    let view = world.run("backup-directory", with(&precious(&world), inside)).await;
    world.golden("backup_directory_inside", &view);
}

/// The first with the values of the second put over it.
fn with(inputs: &Value, over: Value) -> Value {
    let mut inputs = inputs.as_object().unwrap().clone();
    inputs.extend(over.as_object().unwrap().clone());
    Value::Object(inputs)
}
