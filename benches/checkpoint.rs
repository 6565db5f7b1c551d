//! What does an append cost, with and without a flush, beside a raw append and fdatasync on the same disk?

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use runwright_model::{
    event::{Event, Phase, Record, Try},
    id::{ExecutionId, StepId},
    status::Status,
    summary::Summary,
    time::Timestamp,
};
use runwright_store::{Append, Durability, Epoch, Store, memory::MemoryStore, sled::SledStore};
use serde_json::json;

/// One execution's end of the store.
struct Writer {
    store: Arc<dyn Store>,
    epoch: Epoch,
    id: ExecutionId,
    next: AtomicU64,
}

impl Writer {
    async fn append(&self, durability: Durability) {
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let of = Try {
            step: StepId(0),
            visit: 1,
            phase: Phase::Run,
            attempt: 1,
        };
        let event = Event::StepStarted {
            of,
            inputs: json!({ "Command": "x".repeat(400) }),
        };
        let append = Append {
            execution: self.id.clone(),
            expected: sequence,
            epoch: self.epoch,
            records: [Record {
                sequence,
                at: Timestamp::from_millis(0),
                event,
            }]
            .into(),
            summary: Summary {
                runbook: "bench".into(),
                status: Status::InProgress,
                by: "bench".into(),
                started: Timestamp::from_millis(0),
                ended: None,
                parent: None,
                waiting: None,
            },
            wake: Some(Timestamp::from_millis(1)),
            durability,
        };
        self.store.append(append).await.expect("an append");
    }
}

static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

async fn writer(store: Arc<dyn Store>, epoch: Epoch) -> Writer {
    let number = EXECUTIONS.fetch_add(1, Ordering::Relaxed);
    Writer {
        store,
        epoch,
        id: format!("bench-{number}").parse().expect("an id"),
        next: AtomicU64::new(0),
    }
}

fn raw(folder: &Path) -> File {
    File::options()
        .append(true)
        .create(true)
        .open(folder.join("raw"))
        .expect("a file")
}

fn checkpoint(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the project, not in memory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("checkpoint");
    group.sample_size(20);
    let mut file = raw(folder.path());
    group.bench_function("raw 512-byte append and fdatasync", |bencher| {
        bencher.iter(|| {
            file.write_all(&[7; 512]).expect("a write");
            file.sync_data().expect("a sync");
        });
    });
    let sled: Arc<dyn Store> =
        Arc::new(SledStore::open(folder.path().join("state"), Default::default()).expect("a store"));
    for (name, store) in [
        ("memory", Arc::new(MemoryStore::new()) as Arc<dyn Store>),
        ("sled", sled),
    ] {
        let epoch = runtime.block_on(store.claim()).expect("an epoch");
        let one = runtime.block_on(writer(store.clone(), epoch));
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{name}, buffered"), |bencher| {
            bencher.iter(|| runtime.block_on(one.append(Durability::Buffered)));
        });
        group.bench_function(format!("{name}, durable, one writer"), |bencher| {
            bencher.iter(|| runtime.block_on(one.append(Durability::Durable)));
        });
        let many: Vec<Arc<Writer>> = (0..64)
            .map(|_| Arc::new(runtime.block_on(writer(store.clone(), epoch))))
            .collect();
        group.throughput(Throughput::Elements(64 * 16));
        group.bench_function(format!("{name}, durable, 64 writers"), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let tasks: Vec<_> = many
                        .iter()
                        .cloned()
                        .map(|writer| {
                            tokio::spawn(async move {
                                for _ in 0..16 {
                                    writer.append(Durability::Durable).await;
                                }
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.expect("a writer");
                    }
                });
            });
        });
    }
}

criterion_group!(benches, checkpoint);
criterion_main!(benches);
