//! Files: every function, what is inherited, what is left behind, and the ways out that are none.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
};

use runwright_model::{
    capability::{
        Answer, Backend as _, CallContext, Error, Outcome, Request,
        files::{self, Kind, READ_BYTES_MAX, SNAPSHOT_BYTES_MAX, Snapshot, Stat, WriteOptions},
    },
    digest::Digest,
    grant::{FileGrants, Grants},
};

use crate::world::{PLACEHOLDER, SECRET, World, assert_done};

fn write_request(path: &str, contents: &[u8], options: WriteOptions) -> Request {
    Request::Files(files::Request::Write {
        on: None,
        path: path.into(),
        contents: contents.to_vec().into(),
        options,
    })
}

fn read_request(path: &str) -> Request {
    Request::Files(files::Request::Read {
        on: None,
        path: path.into(),
    })
}

async fn write(world: &World, name: &str, contents: &[u8]) -> Outcome {
    world
        .perform(write_request(&world.path(name), contents, WriteOptions::default()))
        .await
}

async fn stat(world: &World, name: &str) -> Option<Stat> {
    let request = Request::Files(files::Request::Stat {
        on: None,
        path: world.path(name),
    });
    match world.perform(request).await {
        Ok(Answer::Files(files::Answer::Stat(stat))) => stat,
        other => panic!("{other:?}"),
    }
}

async fn snapshot(world: &World, name: &str) -> Snapshot {
    let request = Request::Files(files::Request::Snapshot {
        on: None,
        path: world.path(name),
    });
    match world.perform(request).await {
        Ok(Answer::Files(files::Answer::Snapshot(snapshot))) => snapshot,
        other => panic!("{other:?}"),
    }
}

async fn restore(world: &World, snapshot: Snapshot) -> Outcome {
    world
        .perform(Request::Files(files::Request::Restore { on: None, snapshot }))
        .await
}

async fn link(world: &World, name: &str, points_to: &str) -> Outcome {
    let (path, points_to) = (world.path(name), points_to.into());
    world
        .perform(Request::Files(files::Request::Link {
            on: None,
            path,
            points_to,
        }))
        .await
}

async fn remove(world: &World, name: &str) -> Outcome {
    world
        .perform(Request::Files(files::Request::Remove {
            on: None,
            path: world.path(name),
        }))
        .await
}

async fn list(world: &World, name: &str) -> Result<Vec<String>, Error> {
    let request = Request::Files(files::Request::ListDirectory {
        on: None,
        path: world.path(name),
    });
    match world.perform(request).await? {
        Answer::Files(files::Answer::Names(names)) => Ok(names),
        other => panic!("{other:?}"),
    }
}

fn contents(outcome: Outcome) -> Result<Vec<u8>, Error> {
    match outcome? {
        Answer::Files(files::Answer::Contents(bytes)) => Ok(bytes.0),
        other => panic!("{other:?}"),
    }
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn what_is_written_is_read() {
    let world = World::new();
    assert_done(&write(&world, "a", b"one").await);
    assert_eq!(
        contents(world.perform(read_request(&world.path("a"))).await).unwrap(),
        b"one"
    );
    let found = stat(&world, "a").await.unwrap();
    assert_eq!((found.kind, found.size, found.mode), (Kind::File, 3, 0o644));
    assert_eq!(found.sha256, Some(Digest::of(b"one").to_hex()));
    assert!(found.modified.as_millis() > 1_600_000_000_000);
    assert_eq!(stat(&world, "none").await, None);
    assert_eq!(stat(&world, "none/deeper").await, None);
    assert!(matches!(
        world.perform(read_request(&world.path("none"))).await,
        Err(Error::NotFound(_))
    ));
}

#[tokio::test]
async fn a_replaced_file_hands_on_its_mode_and_options_win() {
    let world = World::new();
    fs::write(world.path("a"), "old").unwrap();
    fs::set_permissions(world.path("a"), fs::Permissions::from_mode(0o600)).unwrap();
    let before = fs::metadata(world.path("a")).unwrap().ino();
    assert_done(&write(&world, "a", b"new").await);
    assert_eq!(mode(&world.path("a")), 0o600);
    assert_ne!(
        fs::metadata(world.path("a")).unwrap().ino(),
        before,
        "replaced, not written into"
    );
    let options = WriteOptions {
        mode: Some(0o4751),
        ..Default::default()
    };
    assert_done(&world.perform(write_request(&world.path("a"), b"x", options)).await);
    assert_eq!(mode(&world.path("a")), 0o4751);
    assert_eq!(list(&world, "").await.unwrap(), ["a"], "no draft is left");
}

#[tokio::test]
async fn owners_are_set_and_handed_on() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = World::new();
    let options = WriteOptions {
        owner: Some("65534".into()),
        group: Some("12345".into()),
        ..Default::default()
    };
    assert_done(&world.perform(write_request(&world.path("a"), b"x", options)).await);
    let found = stat(&world, "a").await.unwrap();
    assert_eq!((found.owner.as_str(), found.group.as_str()), ("nobody", "12345"));
    let kept = snapshot(&world, "a").await;
    assert_done(&write(&world, "a", b"y").await);
    assert_eq!(stat(&world, "a").await.unwrap().owner, "nobody");
    assert_done(&remove(&world, "a").await);
    assert_done(&restore(&world, kept).await);
    assert_eq!(fs::metadata(world.path("a")).unwrap().uid(), 65_534);
    let unknown = WriteOptions {
        owner: Some("no-such-user".into()),
        ..Default::default()
    };
    let refused = world.perform(write_request(&world.path("b"), b"x", unknown)).await;
    assert!(matches!(refused, Err(Error::NotFound(_))));
    assert_eq!(list(&world, "").await.unwrap(), ["a"]);
}

#[tokio::test]
async fn a_failed_write_leaves_the_old_file_and_no_draft() {
    let world = World::new();
    fs::create_dir(world.path("folder")).unwrap();
    assert!(matches!(write(&world, "folder", b"x").await, Err(Error::Invalid(_))));
    assert!(matches!(
        write(&world, "missing/a", b"x").await,
        Err(Error::NotFound(_))
    ));
    let bad_mode = WriteOptions {
        mode: Some(0o10644),
        ..Default::default()
    };
    let refused = world.perform(write_request(&world.path("a"), b"x", bad_mode)).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    assert_eq!(list(&world, "").await.unwrap(), ["folder"]);
    assert!(list(&world, "folder").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_draft_of_a_crashed_call_is_taken_over() {
    let world = World::new();
    assert_done(&write(&world, "a", b"x").await);
    // What a crash between writing and renaming leaves has the name that the same call takes again.
    let leftovers = |world: &World| fs::read_dir(world.folder.path()).unwrap().count();
    let name = {
        let key = world.context().idempotency_key;
        let digest = Digest::of(format!("{key}\0{}", world.path("a")).as_bytes()).to_hex();
        format!(".runwright-{}", &digest[..16])
    };
    symlink("/etc/passwd", world.path(&name)).unwrap();
    assert_eq!(leftovers(&world), 2);
    assert_done(&write(&world, "a", b"y").await);
    assert_eq!(leftovers(&world), 1);
    assert_eq!(fs::read(world.path("a")).unwrap(), b"y");
}

#[tokio::test]
async fn folders_above_are_made_when_asked() {
    let world = World::new();
    let options = WriteOptions {
        parents: true,
        ..Default::default()
    };
    assert_done(&world.perform(write_request(&world.path("x/y/z"), b"1", options)).await);
    assert_eq!(fs::read(world.path("x/y/z")).unwrap(), b"1");
    let make = |name: &str, mode| {
        Request::Files(files::Request::MakeDirectory {
            on: None,
            path: world.path(name),
            mode,
        })
    };
    assert_done(&world.perform(make("p/q", Some(0o700))).await);
    assert_done(&world.perform(make("p/q", None)).await);
    assert_eq!((mode(&world.path("p/q")), mode(&world.path("p"))), (0o700, 0o755));
    assert_eq!(list(&world, "").await.unwrap(), ["p", "x"]);
    assert!(matches!(
        world.perform(make("x/y/z", None)).await,
        Err(Error::Invalid(_))
    ));
    assert!(matches!(list(&world, "none").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn links_are_made_replaced_and_removed() {
    let world = World::new();
    fs::write(world.path("target"), "t").unwrap();
    assert_done(&link(&world, "l", "target").await);
    assert_done(&link(&world, "l", "elsewhere").await);
    let found = stat(&world, "l").await.unwrap();
    assert_eq!(
        (found.kind, found.link.as_deref(), found.sha256),
        (Kind::Symlink, Some("elsewhere"), None)
    );
    assert_done(&link(&world, "target", "l").await);
    assert_eq!(list(&world, "").await.unwrap(), ["l", "target"]);
    for _ in 0..2 {
        assert_done(&remove(&world, "l").await);
    }
    fs::create_dir_all(world.path("full/inner")).unwrap();
    assert!(matches!(remove(&world, "full").await, Err(Error::Invalid(_))));
    assert_done(&remove(&world, "full/inner").await);
    assert_done(&remove(&world, "full").await);
    assert_done(&remove(&world, "no/such/folder").await);
}

#[tokio::test]
async fn a_write_replaces_a_link_and_a_rollback_brings_it_back() {
    let world = World::new();
    fs::write(world.path("target"), "untouched").unwrap();
    symlink("target", world.path("l")).unwrap();
    assert_eq!(
        contents(world.perform(read_request(&world.path("l"))).await).unwrap(),
        b"untouched"
    );
    let kept = snapshot(&world, "l").await;
    assert_done(&write(&world, "l", b"new").await);
    assert_eq!(fs::read(world.path("target")).unwrap(), b"untouched");
    assert_done(&restore(&world, kept).await);
    assert_eq!(fs::read_link(world.path("l")).unwrap().to_str(), Some("target"));
}

#[tokio::test]
async fn restore_brings_back_contents_mode_and_absence() {
    let world = World::new();
    fs::write(world.path("a"), "before").unwrap();
    fs::set_permissions(world.path("a"), fs::Permissions::from_mode(0o640)).unwrap();
    let (file, nothing) = (snapshot(&world, "a").await, snapshot(&world, "b").await);
    assert_eq!(nothing.before, None);
    let options = WriteOptions {
        mode: Some(0o777),
        ..Default::default()
    };
    assert_done(&world.perform(write_request(&world.path("a"), b"after", options)).await);
    assert_done(&write(&world, "b", b"new").await);
    for _ in 0..2 {
        assert_done(&restore(&world, file.clone()).await);
        assert_done(&restore(&world, nothing.clone()).await);
    }
    assert_eq!(
        (fs::read(world.path("a")).unwrap(), mode(&world.path("a"))),
        (b"before".to_vec(), 0o640)
    );
    assert_eq!(list(&world, "").await.unwrap(), ["a"]);
}

#[tokio::test]
async fn restore_of_a_folder_brings_back_its_mode() {
    let world = World::new();
    fs::create_dir(world.path("d")).unwrap();
    fs::set_permissions(world.path("d"), fs::Permissions::from_mode(0o750)).unwrap();
    let kept = snapshot(&world, "d").await;
    fs::remove_dir(world.path("d")).unwrap();
    assert_done(&restore(&world, kept).await);
    assert_eq!(mode(&world.path("d")), 0o750);
}

#[tokio::test]
async fn limits() {
    let world = World::new();
    let sparse = |name: &str, length| fs::File::create(world.path(name)).unwrap().set_len(length).unwrap();
    sparse("fits", READ_BYTES_MAX);
    sparse("long", READ_BYTES_MAX + 1);
    sparse("huge", SNAPSHOT_BYTES_MAX + 1);
    assert!(world.perform(read_request(&world.path("fits"))).await.is_ok());
    let excess = world.perform(read_request(&world.path("long"))).await.unwrap_err();
    assert!(matches!(excess, Error::LimitExceeded { limit: READ_BYTES_MAX, used, .. } if used == READ_BYTES_MAX + 1));
    let keep = Request::Files(files::Request::Snapshot {
        on: None,
        path: world.path("huge"),
    });
    assert!(matches!(world.perform(keep).await, Err(Error::LimitExceeded { .. })));
    assert_eq!(stat(&world, "huge").await.unwrap().sha256, None);
}

#[tokio::test]
async fn what_is_no_file_is_not_read() {
    let world = World::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, world.path("pipe"), rustix::fs::Mode::RUSR).unwrap();
    assert!(matches!(
        world.perform(read_request(&world.path("pipe"))).await,
        Err(Error::Invalid(_))
    ));
    assert_eq!(stat(&world, "pipe").await.unwrap().kind, Kind::Other);
    let keep = Request::Files(files::Request::Snapshot {
        on: None,
        path: world.path("pipe"),
    });
    assert!(matches!(world.perform(keep).await, Err(Error::Invalid(_))));
    assert!(matches!(
        world.perform(read_request(&world.path(""))).await,
        Err(Error::Invalid(_) | Error::NotFound(_))
    ));
    assert!(matches!(
        world.perform(read_request("relative")).await,
        Err(Error::Invalid(_))
    ));
}

#[tokio::test]
async fn secrets_are_filled_into_the_file() {
    let world = World::new();
    assert_done(&write(&world, "conf", format!("password = {PLACEHOLDER}\n").as_bytes()).await);
    assert_eq!(
        fs::read_to_string(world.path("conf")).unwrap(),
        format!("password = {SECRET}\n")
    );
    let unknown = write(&world, "other", b"((secret:/not/given:1))").await;
    assert!(matches!(unknown, Err(Error::Invalid(_))));
    assert!(!fs::exists(world.path("other")).unwrap());
}

fn only(world: &World, read: &[&str], write: &[&str]) -> CallContext {
    let paths = |names: &[&str]| names.iter().map(|name| world.path(name)).collect();
    world.granted(Grants {
        files: FileGrants {
            read: paths(read),
            write: paths(write),
        },
        ..Default::default()
    })
}

#[tokio::test]
async fn no_way_out_of_the_granted_folders() {
    let world = World::new();
    fs::create_dir_all(world.path("in/sub")).unwrap();
    fs::create_dir(world.path("out")).unwrap();
    fs::write(world.path("out/secret"), "secret").unwrap();
    symlink("../out", world.path("in/door")).unwrap();
    symlink(world.path("out/secret"), world.path("in/window")).unwrap();
    symlink("sub", world.path("in/inside")).unwrap();
    let context = || only(&world, &[], &["in"]);
    let paths = [
        "in/door/secret",
        "in/window",
        "in/../out/secret",
        "out/secret",
        "in/inside/../../out/secret",
    ];
    for path in paths {
        let outcome = world.local.perform(read_request(&world.path(path)), context()).await;
        assert!(matches!(outcome, Err(Error::Denied { .. })), "{path}: {outcome:?}");
    }
    for path in ["in/door/new", "in/door/secret", "in/../out/new", "out/new"] {
        let parents = WriteOptions {
            parents: true,
            ..Default::default()
        };
        for request in [
            write_request(&world.path(path), b"x", parents),
            Request::Files(files::Request::Remove {
                on: None,
                path: world.path(path),
            }),
            Request::Files(files::Request::Link {
                on: None,
                path: world.path(path),
                points_to: "x".into(),
            }),
            Request::Files(files::Request::MakeDirectory {
                on: None,
                path: world.path(path),
                mode: None,
            }),
        ] {
            let outcome = world.local.perform(request.clone(), context()).await;
            assert!(matches!(outcome, Err(Error::Denied { .. })), "{request:?}: {outcome:?}");
        }
    }
    assert_eq!(list(&world, "out").await.unwrap(), ["secret"]);
    let inside = write_request(&world.path("in/inside/new"), b"x", WriteOptions::default());
    assert_done(&world.local.perform(inside, context()).await);
    assert!(fs::exists(world.path("in/sub/new")).unwrap());
}

#[tokio::test]
async fn reading_is_not_writing() {
    let world = World::new();
    fs::write(world.path("a"), "x").unwrap();
    let context = || only(&world, &["a"], &[]);
    assert!(
        world
            .local
            .perform(read_request(&world.path("a")), context())
            .await
            .is_ok()
    );
    let denied = world
        .local
        .perform(
            write_request(&world.path("a"), b"y", WriteOptions::default()),
            context(),
        )
        .await;
    assert!(
        matches!(&denied, Err(Error::Denied { missing, .. }) if missing.starts_with("files.write")),
        "{denied:?}"
    );
    let elsewhere = files::Request::Stat {
        on: Some("elsewhere".into()),
        path: world.path("a"),
    };
    let unknown = world.local.perform(Request::Files(elsewhere), context()).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))));
}
