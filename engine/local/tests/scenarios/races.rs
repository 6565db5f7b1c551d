//! A folder that is exchanged for a link to another one, again and again, while it is read and written.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
};

use runwright_model::{
    capability::{
        Answer, Backend as _, Error, Request,
        files::{self, WriteOptions},
    },
    grant::{FileGrants, Grants},
};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::world::World;

/// How often is tried at least, and at most until both outcomes were seen.
const ROUNDS: std::ops::Range<usize> = 3_000..200_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchanged_folder_lets_nothing_out() {
    let world = World::new();
    fs::create_dir_all(world.path("in/swap")).unwrap();
    fs::create_dir(world.path("out")).unwrap();
    fs::write(world.path("in/swap/file"), "inside").unwrap();
    fs::write(world.path("out/file"), "outside").unwrap();
    symlink("../out", world.path("in/link")).unwrap();
    let (folder, link) = (world.path("in/swap"), world.path("in/link"));
    let over = AtomicBool::new(false);
    let grants = Grants {
        files: FileGrants {
            write: vec![world.path("in")],
            ..Default::default()
        },
        ..Default::default()
    };
    let handle = tokio::runtime::Handle::current();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        handle.block_on_here(attack(&world, &grants));
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(fs::read(world.path("out/file")).unwrap(), b"outside");
    assert_eq!(fs::read_dir(world.path("out")).unwrap().count(), 1);
}

/// Reads and writes through the folder; every answer is from inside, or a refusal.
async fn attack(world: &World, grants: &Grants) {
    let path = world.path("in/swap/file");
    let (mut inside, mut refused) = (0, 0);
    for round in 0..ROUNDS.end {
        if round > ROUNDS.start && inside > 0 && refused > 0 {
            break;
        }
        let request = if round % 2 == 0 {
            files::Request::Read {
                on: None,
                path: path.clone(),
            }
        } else {
            let contents = b"inside".to_vec().into();
            files::Request::Write {
                on: None,
                path: path.clone(),
                contents,
                options: WriteOptions::default(),
            }
        };
        match world
            .local
            .perform(Request::Files(request), world.granted(grants.clone()))
            .await
        {
            Ok(Answer::Files(files::Answer::Contents(contents))) => {
                assert_eq!(contents.0, b"inside");
                inside += 1;
            }
            Ok(Answer::Done) => inside += 1,
            // Seen as a link out, or changing all the time.
            Err(Error::Denied { .. } | Error::Unavailable(_) | Error::NotFound(_)) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(
        inside > 0 && refused > 0,
        "the race never happened: {inside} inside, {refused} refused"
    );
}

/// Runs a future on this thread, which belongs to a runtime.
trait BlockOnHere {
    fn block_on_here<F: Future>(&self, future: F) -> F::Output;
}

impl BlockOnHere for tokio::runtime::Handle {
    fn block_on_here<F: Future>(&self, future: F) -> F::Output {
        tokio::task::block_in_place(|| self.block_on(future))
    }
}
