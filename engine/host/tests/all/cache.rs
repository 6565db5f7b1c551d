//! Compiled components on disk: used when they are good, made anew when they are not.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use runwright_host::{Components, Error, Host, Limits, Options};
use runwright_model::digest::Digest;
use runwright_testguest::COMPONENT;
use serde_json::json;

use crate::common::{Script, cache_below, cached, options, outputs, run, variant};

async fn works(host: &Host) {
    outputs(run(host, &Script::done(), json!({"do": "echo"})).await);
}

fn files(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(cache_below(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == kind));
    found
}

/// Starts with a warm cache, spoils it, and expects a new host to work and to mend it.
async fn spoiled(spoil: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    works(&cached(folder.path())).await;
    let [artifact] = &files(folder.path(), "cwasm")[..] else {
        panic!("one artifact")
    };
    let whole = fs::read(artifact).unwrap();
    spoil(artifact);
    works(&cached(folder.path())).await;
    let facts = fs::symlink_metadata(artifact).unwrap();
    assert!(
        facts.is_file() && facts.mode() & 0o077 == 0,
        "replaced by a file of our own"
    );
    assert_eq!(facts.uid(), fs::metadata(cache_below(folder.path())).unwrap().uid());
    assert_eq!(fs::read(artifact).unwrap().len(), whole.len(), "mended");
}

/// Counts how often it is asked.
struct Counting(AtomicUsize);

#[async_trait::async_trait]
impl Components for Counting {
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.0.fetch_add(1, SeqCst);
        // Loads that come at the same time shall meet here.
        tokio::task::yield_now().await;
        (*digest == Digest::of(COMPONENT)).then(|| COMPONENT.to_vec())
    }
}

fn counting(cache_dir: Option<PathBuf>) -> (Arc<Counting>, Host) {
    let components = Arc::new(Counting(AtomicUsize::new(0)));
    let options = Options {
        cache_dir,
        instances: 100,
        ..Options::new(components.clone())
    };
    (components, Host::new(options).unwrap())
}

#[tokio::test]
async fn a_warm_cache_needs_no_bytes() {
    let folder = tempfile::tempdir().unwrap();
    works(&cached(folder.path())).await;
    let (components, host) = counting(Some(cache_below(folder.path())));
    works(&host).await;
    assert_eq!(components.0.load(SeqCst), 0, "mapped from the cache");
}

#[tokio::test]
async fn files_are_for_us_alone() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    let host = cached(&below);
    host.describe(&Digest::of(COMPONENT)).await.unwrap();
    assert_eq!(
        fs::metadata(cache_below(&below)).unwrap().permissions().mode() & 0o777,
        0o700
    );
    for kind in ["cwasm", "sum", "manifest"] {
        let [file] = &files(&below, kind)[..] else {
            panic!("one {kind}")
        };
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_torn_file_is_made_anew() {
    spoiled(|path| {
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(1_000)
            .unwrap()
    })
    .await;
}

#[tokio::test]
async fn an_empty_file_is_made_anew() {
    spoiled(|path| fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap()).await;
}

#[tokio::test]
async fn a_flipped_bit_is_found() {
    spoiled(|path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_missing_checksum_is_not_trusted() {
    spoiled(|path| fs::remove_file(path.with_extension("sum")).unwrap()).await;
}

#[tokio::test]
async fn a_file_open_to_others_is_not_trusted() {
    spoiled(|path| fs::set_permissions(path, fs::Permissions::from_mode(0o622)).unwrap()).await;
}

#[tokio::test]
async fn another_owners_file_is_not_trusted() {
    spoiled(|path| {
        // Only the superuser can give files away; for others the mode stands for it.
        if chown(path, Some(65_534), None).is_err() {
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_link_is_not_followed() {
    spoiled(|path| {
        let elsewhere = path.with_extension("elsewhere");
        fs::rename(path, &elsewhere).unwrap();
        symlink(elsewhere, path).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_good_checksum_does_not_make_a_foreign_file_good() {
    // Not what an engine of this version wrote, but sealed as if: the runtime itself refuses it.
    spoiled(|path| {
        let foreign = vec![7; fs::metadata(path).unwrap().len() as usize];
        fs::write(path, &foreign).unwrap();
        fs::write(path.with_extension("sum"), format!("{:08x}", crc32fast::hash(&foreign))).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_spoiled_manifest_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let digest = Digest::of(COMPONENT);
    let manifest = cached(folder.path()).describe(&digest).await.unwrap();
    let [file] = &files(folder.path(), "manifest")[..] else {
        panic!("one manifest")
    };
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, text.replace("0.1.0", "0.1.1")).unwrap();
    assert_eq!(cached(folder.path()).describe(&digest).await.unwrap(), manifest);
    assert_eq!(fs::read_to_string(file).unwrap(), text);
}

#[tokio::test]
async fn a_kept_manifest_is_read_by_todays_rules() {
    let folder = tempfile::tempdir().unwrap();
    let digest = Digest::of(COMPONENT);
    cached(folder.path()).describe(&digest).await.unwrap();
    let stricter = Options {
        cache_dir: Some(cache_below(folder.path())),
        ..options(Limits {
            manifest_bytes: 10,
            ..Limits::default()
        })
    };
    let error = Host::new(stricter).unwrap().describe(&digest).await.unwrap_err();
    assert!(error.to_string().contains("limit `manifest-bytes` exceeded"), "{error}");
}

#[tokio::test]
async fn a_folder_open_to_others_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let options = Options {
        cache_dir: Some(folder.path().to_owned()),
        ..Options::new(Arc::new(Counting(0.into())))
    };
    let Err(error) = Host::new(options) else {
        panic!("used an open folder")
    };
    assert!(matches!(error, Error::CacheFolder { .. }));
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let host = cached(folder.path());
    fs::remove_dir(cache_below(folder.path())).unwrap();
    works(&host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_at_the_same_time_are_one() {
    let (components, host) = counting(None);
    let loads: Vec<_> = (0..20)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { works(&host).await })
        })
        .collect();
    for load in loads {
        load.await.unwrap();
    }
    assert_eq!(components.0.load(SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (cached(folder.path()), cached(folder.path()));
    let (one, other) = (
        tokio::spawn(async move { works(&one).await }),
        tokio::spawn(async move { works(&other).await }),
    );
    one.await.unwrap();
    other.await.unwrap();
    assert_eq!(files(folder.path(), "cwasm").len(), 1);
}

#[tokio::test]
async fn each_component_has_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let host = cached(folder.path());
    for number in 0..3 {
        let digest = host.load(variant(number)).await.unwrap();
        assert_eq!(digest, Digest::of(&variant(number)));
        assert_eq!(host.describe(&digest).await.unwrap().action, "test:misbehave");
    }
    assert_eq!(files(folder.path(), "cwasm").len(), 3);
}
