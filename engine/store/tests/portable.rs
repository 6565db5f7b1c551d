//! A store as a stream: there and back, between backends, and what a damaged stream does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use proptest::prelude::*;
use runwright_model::status::Status;
use runwright_store::{
    Error, Expect, MemoryStore, Options, Page, SledStore, Store, Table, codec,
    portable::{export, import, verify},
};
use sha2::{Digest as _, Sha256};
use support::{append, at, id, line};

fn sled(directory: &tempfile::TempDir) -> SledStore {
    let options = Options {
        reserve_bytes: 0,
        ..Options::default()
    };
    SledStore::open(directory.path(), options).unwrap()
}

/// One execution: the sizes of its appends, its lines, whether it waits.
type Run = (Vec<u16>, u8, bool);

async fn write(store: &dyn Store, runs: &[Run], values: &[(usize, Vec<u8>, u16)]) {
    let epoch = store.claim().await.unwrap();
    for (number, (sizes, lines, waits)) in runs.iter().enumerate() {
        let name = format!("e{number}");
        for (expected, size) in (0..).zip(sizes) {
            let mut append = append(epoch, &name, expected, &["x".repeat(usize::from(*size)).as_str()]);
            append.summary.status = if *waits { Status::Waiting } else { Status::Success };
            append.wake = waits.then(|| at(i64::from(*size)));
            store.append(append).await.unwrap();
        }
        if !sizes.is_empty() {
            let lines = (0..*lines).map(|n| line(&n.to_string())).collect();
            store.append_log(&id(&name), lines).await.unwrap();
        }
    }
    for (table, key, size) in values {
        let table = Table::ALL[table % Table::ALL.len()];
        let value = vec![b'v'; usize::from(*size)];
        store.put(table, key, value, Expect::Any).await.unwrap();
    }
}

async fn exported(store: &dyn Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    let contents = export(store, Some("a key".to_owned()), &mut bytes).await.unwrap();
    assert_eq!(contents.bytes, bytes.len() as u64);
    assert_eq!(verify(&mut bytes.as_slice()).unwrap(), contents);
    bytes
}

async fn sample() -> (MemoryStore, Vec<u8>) {
    let store = MemoryStore::new();
    let runs = [(vec![10, 20], 3, true), (vec![6_000], 0, false)];
    write(
        &store,
        &runs,
        &[(0, b"plan".to_vec(), 50), (3, b"parameter".to_vec(), 5)],
    )
    .await;
    let bytes = exported(&store).await;
    (store, bytes)
}

#[tokio::test]
async fn an_import_can_be_begun_again_and_refuses_what_differs() {
    let (_, bytes) = sample().await;
    let target = MemoryStore::new();
    // Torn in the middle: what came before is there.
    let torn = import(&target, &mut &bytes[..bytes.len() / 2]).await;
    assert!(matches!(torn, Err(Error::Stream { .. })), "{torn:?}");
    let done = import(&target, &mut bytes.as_slice()).await.unwrap();
    assert!(done.there > 0 && done.there < done.values + done.executions, "{done:?}");
    assert_eq!(exported(&target).await, bytes);
    let again = import(&target, &mut bytes.as_slice()).await.unwrap();
    assert_eq!(again.there, again.values + again.executions);

    let epoch = target.claim().await.unwrap();
    target.append(append(epoch, "e0", 2, &["it went on"])).await.unwrap();
    let refused = import(&target, &mut bytes.as_slice()).await;
    assert!(
        matches!(&refused, Err(Error::Differs { what }) if what.contains("e0")),
        "{refused:?}"
    );
    assert_eq!(target.read(&id("e0"), 0).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_stream_that_is_changed_anywhere_is_refused() {
    let (_, bytes) = sample().await;
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 0x20;
        let found = verify(&mut changed.as_slice());
        assert!(matches!(found, Err(Error::Stream { .. })), "byte {place}: {found:?}");
        let cut = verify(&mut &bytes[..place]);
        assert!(matches!(cut, Err(Error::Stream { .. })), "cut at {place}: {cut:?}");
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(verify(&mut longer.as_slice()).is_err());
}

/// The items of a stream, without those for which `drop` holds, and with an end that fits.
fn without(bytes: &[u8], drop: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let (mut rest, mut kept, mut items) = (bytes, Vec::new(), 0);
    while let Some((length, after)) = rest.split_first_chunk() {
        let (frame, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        if !after.is_empty() && !drop(&frame[codec::HEADER_BYTES..]) {
            kept.extend_from_slice(length);
            kept.extend_from_slice(frame);
            items += 1;
        }
        rest = after;
    }
    let digest = Sha256::digest(&kept).to_vec();
    let end = codec::encode(&serde_json::json!({"end": {"items": items, "sha256": digest}})).unwrap();
    kept.extend_from_slice(&u32::try_from(end.len()).unwrap().to_le_bytes());
    kept.extend_from_slice(&end);
    kept
}

/// Lines get the next numbers, so a log with a gap would come in under other ones.
#[tokio::test]
async fn a_log_without_what_comes_before_it_is_refused() {
    let store = MemoryStore::new();
    write(&store, &[(vec![10], 0, false)], &[]).await;
    let lines: Vec<_> = (0..1_001).map(|n| line(&n.to_string())).collect();
    store.append_log(&id("e0"), lines).await.unwrap();
    let bytes = exported(&store).await;
    verify(&mut without(&bytes, |_| false).as_slice()).unwrap();
    let is_first_lines = |item: &[u8]| item.starts_with(b"\x81\xa3log") && item.len() > 1_000;
    let is_execution = |item: &[u8]| item.starts_with(b"\x81\xa9execution");
    for torn in [without(&bytes, is_first_lines), without(&bytes, is_execution)] {
        verify(&mut torn.as_slice()).unwrap();
        let target = MemoryStore::new();
        let refused = import(&target, &mut torn.as_slice()).await;
        assert!(
            matches!(&refused, Err(Error::Stream { why, .. }) if why.contains("stands without what comes before it")),
            "{refused:?}"
        );
        assert!(target.read_log(&id("e0"), 0, 0).await.unwrap().is_empty());
    }
}

/// A length that a damaged stream makes up must not be allocated.
#[test]
fn a_length_without_bytes_is_no_memory() {
    let found = verify(&mut [0xff_u8, 0xff, 0xff, 0xff, 1, 2].as_slice());
    assert!(matches!(found, Err(Error::Stream { byte: 0, .. })), "{found:?}");
}

fn value() -> impl Strategy<Value = (usize, Vec<u8>, u16)> {
    (
        0..Table::ALL.len(),
        prop::collection::vec(any::<u8>(), 1..6),
        0..9_000_u16,
    )
}

fn run() -> impl Strategy<Value = Run> {
    (prop::collection::vec(0..6_000_u16, 0..4), 0..5_u8, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_goes_there_and_back_between_backends(
        runs in prop::collection::vec(run(), 0..12),
        values in prop::collection::vec(value(), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (first, second, third) = (MemoryStore::new(), tempfile::tempdir().unwrap(), MemoryStore::new());
            let second = (sled(&second), second);
            write(&first, &runs, &values).await;
            let bytes = exported(&first).await;
            import(&second.0, &mut bytes.as_slice()).await.unwrap();
            let again = exported(&second.0).await;
            import(&third, &mut again.as_slice()).await.unwrap();
            assert_eq!(again, bytes);
            assert_eq!(exported(&third).await, bytes);
            assert_eq!(second.0.check().unwrap().findings, []);
            let statuses = vec![Status::Waiting];
            let page = Page { statuses, ..Page::default() };
            assert_eq!(first.list(page.clone()).await.unwrap(), second.0.list(page).await.unwrap());
            assert_eq!(first.due(at(i64::MAX), 0).await.unwrap(), second.0.due(at(i64::MAX), 0).await.unwrap());
        });
    }
}
