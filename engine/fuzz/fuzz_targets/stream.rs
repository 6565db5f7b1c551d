//! What an import makes of any bytes: an error, or a store whose export is imported as the same. Journals that come
//! in this way belong to somebody else, so they are folded and decided upon as well.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use runwright_executor::{decide::decide, state::State};
use runwright_fuzz::{mutated, payloads, run_of};
use runwright_model::{bytes::Bytes, digest::Digest, event::Event, id::ExecutionId, plan::Plan, time::Timestamp};
use runwright_store::{MemoryStore, Page, Store, Table, codec, portable};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().expect("it needs nothing"));

/// The last item of a stream.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Item {
    End { items: u64, sha256: Bytes },
}

fuzz_target!(|bytes: &[u8]| {
    let _ = portable::verify(&mut &bytes[..]);
    RUNTIME.block_on(import(&ended(bytes)));
});

fuzz_mutator!(|bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let run = mutated(&bytes[..size], seed, &mut |buffer, filled| {
        let most = buffer.len();
        fuzzer_mutate(buffer, filled, most)
    });
    let length = run.len().min(max_size);
    bytes[..length].copy_from_slice(&run[..length]);
    length
});

/// The items of the input with checksums that fit, and an end that fits behind them.
fn ended(bytes: &[u8]) -> Vec<u8> {
    let is_end = |payload: &&[u8]| payload.starts_with(b"\x81\xa3end");
    let items: Vec<&[u8]> = payloads(bytes).into_iter().filter(|payload| !is_end(payload)).collect();
    let mut stream = run_of(&items);
    let end = Item::End {
        items: items.len() as u64,
        sha256: Sha256::digest(&stream).to_vec().into(),
    };
    let end = codec::encode(&end).expect("an end can be encoded");
    stream.extend_from_slice(&u32::try_from(end.len()).expect("it is small").to_le_bytes());
    stream.extend_from_slice(&end);
    stream
}

async fn import(stream: &[u8]) {
    let verified = portable::verify(&mut &stream[..]);
    let store = MemoryStore::new();
    let imported = portable::import(&store, &mut &stream[..]).await;
    fold_all(&store).await;
    if imported.is_err() {
        return;
    }
    let verified = verified.expect("what was imported was whole");
    let first = export(&store, verified.key.clone()).await;
    let again = MemoryStore::new();
    let copied = portable::import(&again, &mut &first[..])
        .await
        .expect("an export is whole");
    assert_eq!(copied.there, 0, "an export holds nothing twice");
    assert_eq!(export(&again, verified.key).await, first);
    let known = portable::import(&again, &mut &first[..])
        .await
        .expect("all is there and the same");
    assert_eq!(known.there, known.values + known.executions);
}

async fn export(store: &MemoryStore, key: Option<String>) -> Vec<u8> {
    let mut stream = Vec::new();
    let told = portable::export(store, key, &mut stream)
        .await
        .expect("what was imported is exported");
    assert_eq!(
        portable::verify(&mut stream.as_slice()).expect("an export is whole"),
        told
    );
    stream
}

async fn fold_all(store: &MemoryStore) {
    for (id, _) in store.list(Page::default()).await.expect("it is in memory") {
        fold(store, id).await;
    }
}

/// Folds a journal and looks what would come next. Plans are pinned by their digest, so only whole ones get here.
async fn fold(store: &MemoryStore, id: ExecutionId) {
    let records = store.read(&id, 0).await.expect("it is in memory");
    let Some(Event::Started(started)) = records.first().map(|record| &record.event) else {
        return;
    };
    let bytes = store
        .get(Table::Plans, started.plan.as_bytes())
        .await
        .expect("it is in memory");
    let Some(bytes) = bytes.filter(|bytes| Digest::of(bytes) == started.plan) else {
        return;
    };
    let Ok(plan) = serde_json::from_slice::<Plan>(&bytes) else {
        return;
    };
    if let Ok(state) = State::fold(id, Arc::new(plan), records) {
        let _ = state.status();
        for now in [state.started_at, state.last_at, Timestamp::from_millis(i64::MAX)] {
            let _ = decide(&state, now);
        }
    }
}
