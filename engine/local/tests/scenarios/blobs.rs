//! Blobs: in parts, by content, unreadable at rest.

use runwright_local::blobs::STORED_PART_BYTES;
use runwright_model::{
    capability::{
        Answer, Error, Request,
        blobs::{self, BLOB_BYTES_MAX, PART_BYTES_MAX},
    },
    digest::Digest,
};
use runwright_store::{Expect, Store as _, Table};

use crate::world::World;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[tokio::test]
async fn any_range_is_read_back() {
    let world = World::new();
    let contents = pattern(2 * STORED_PART_BYTES + 1_000);
    let blobs = world.local.blobs();
    let name = blobs.put(&contents).await.unwrap();
    assert_eq!(name, Digest::of(&contents).to_string());
    assert_eq!(blobs.size(&name).await.unwrap(), contents.len() as u64);
    assert_eq!(blobs.get_all(&name).await.unwrap(), contents);
    let part = STORED_PART_BYTES;
    for (offset, length) in [
        (0, 1),
        (part - 1, 2),
        (part, part),
        (part + 7, part),
        (contents.len() - 1, 100),
        (contents.len() + 5, 10),
    ] {
        let end = (offset + length).min(contents.len());
        let wanted = contents.get(offset..end).unwrap_or_default();
        let got = blobs
            .get(&name, offset as u64, u32::try_from(length).unwrap())
            .await
            .unwrap();
        assert_eq!(got, wanted, "{offset} {length}");
    }
    assert_eq!(blobs.get(&name, u64::MAX, 8).await.unwrap(), b"");
}

#[tokio::test]
async fn the_same_bytes_are_kept_once() {
    let world = World::new();
    let first = world.local.blobs().put(b"same").await.unwrap();
    let rows = world.store.scan(Table::Blobs, b"", None, 0).await.unwrap();
    assert_eq!(world.local.blobs().put(b"same").await.unwrap(), first);
    assert_eq!(world.store.scan(Table::Blobs, b"", None, 0).await.unwrap(), rows);
    let empty = world.local.blobs().put(b"").await.unwrap();
    assert_eq!(world.local.blobs().get_all(&empty).await.unwrap(), b"");
}

#[tokio::test]
async fn the_store_holds_ciphertext_in_small_rows() {
    let world = World::new();
    let contents = b"find me if you can ".repeat(40_000);
    world.local.blobs().put(&contents).await.unwrap();
    for (_, value) in world.store.scan(Table::Blobs, b"", None, 0).await.unwrap() {
        assert!(!value.windows(10).any(|window| window == b"find me if"));
        assert!(value.len() < STORED_PART_BYTES + 200);
    }
}

#[tokio::test]
async fn a_part_in_anothers_place_is_noticed() {
    let world = World::new();
    let contents = [vec![b'a'; STORED_PART_BYTES], vec![b'b'; STORED_PART_BYTES]].concat();
    let name = world.local.blobs().put(&contents).await.unwrap();
    let digest = Digest::of(&contents);
    let key = |n: u32| [digest.as_bytes().as_slice(), &n.to_be_bytes()].concat();
    let second = world.store.get(Table::Blobs, &key(1)).await.unwrap().unwrap();
    world
        .store
        .put(Table::Blobs, &key(0), second, Expect::Any)
        .await
        .unwrap();
    let error = world.local.blobs().get(&name, 0, 1).await.unwrap_err();
    assert!(error.to_string().contains("cannot be decrypted"), "{error}");
    world.store.delete(Table::Blobs, &key(0)).await.unwrap();
    let error = world.local.blobs().get(&name, 0, 1).await.unwrap_err();
    assert!(error.to_string().contains("missing from the store"), "{error}");
}

#[tokio::test]
async fn unknown_names_and_limits() {
    let world = World::new();
    let size = |name: &str| Request::Blobs(blobs::Request::Size { name: name.into() });
    assert!(matches!(world.perform(size("nonsense")).await, Err(Error::Invalid(_))));
    assert!(matches!(
        world.perform(size(&Digest::of(b"x").to_string())).await,
        Err(Error::NotFound(_))
    ));
    let at_limit = vec![0; BLOB_BYTES_MAX];
    let Ok(Answer::Blobs(blobs::Answer::Name(name))) = world
        .perform(Request::Blobs(blobs::Request::Put {
            contents: at_limit.into(),
        }))
        .await
    else {
        panic!("a blob at the limit is kept")
    };
    let past = Request::Blobs(blobs::Request::Put {
        contents: vec![0; BLOB_BYTES_MAX + 1].into(),
    });
    assert!(matches!(world.perform(past).await, Err(Error::LimitExceeded { .. })));
    let get = |length| {
        Request::Blobs(blobs::Request::Get {
            name: name.clone(),
            offset: 0,
            length,
        })
    };
    assert!(world.perform(get(PART_BYTES_MAX)).await.is_ok());
    assert!(matches!(
        world.perform(get(PART_BYTES_MAX + 1)).await,
        Err(Error::LimitExceeded { .. })
    ));
}
