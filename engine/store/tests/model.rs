//! Random operations on both backends at once: they must agree on every answer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use proptest::prelude::*;
use runwright_model::status::Status;
use runwright_store::{Durability, Epoch, Error, Expect, MemoryStore, Options, Page, SledStore, Store, Table};
use support::{append, at, id, line};

#[derive(Debug, Clone)]
enum Operation {
    Append {
        execution: u8,
        offset: i8,
        records: u8,
        size: u16,
        wake: Option<i8>,
        durable: bool,
    },
    Remove(u8),
    Log {
        execution: u8,
        lines: u8,
    },
    Put {
        key: Vec<u8>,
        size: u16,
        expect: u8,
    },
    Delete(Vec<u8>),
    Claim {
        other: bool,
    },
    Read {
        execution: u8,
        from: u8,
    },
    ReadLog {
        execution: u8,
        from: u8,
        most: u8,
    },
    List {
        before: Option<u8>,
        most: u8,
        standing: u8,
    },
    Due {
        until: i8,
        most: u8,
    },
    Scan {
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        most: u8,
    },
    Sync,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0_u8), Just(b'a'), Just(0xff)], 0..3)
}

fn operation() -> impl Strategy<Value = Operation> {
    let size = prop_oneof![8 => 0..40_u16, 1 => 4_000..13_000_u16];
    prop_oneof![
        8 => (0..5_u8, prop_oneof![9 => Just(0_i8), 1 => -1..2_i8], 0..4_u8, size.clone(), any::<Option<i8>>(), any::<bool>())
            .prop_map(|(execution, offset, records, size, wake, durable)| Operation::Append { execution, offset, records, size, wake, durable }),
        1 => (0..5_u8).prop_map(Operation::Remove),
        2 => (0..5_u8, 0..4_u8).prop_map(|(execution, lines)| Operation::Log { execution, lines }),
        4 => (key(), size, 0..4_u8).prop_map(|(key, size, expect)| Operation::Put { key, size, expect }),
        1 => key().prop_map(Operation::Delete),
        1 => any::<bool>().prop_map(|other| Operation::Claim { other }),
        2 => (0..5_u8, 0..12_u8).prop_map(|(execution, from)| Operation::Read { execution, from }),
        2 => (0..5_u8, 0..6_u8, 0..4_u8).prop_map(|(execution, from, most)| Operation::ReadLog { execution, from, most }),
        1 => (any::<Option<u8>>(), 0..4_u8, 0..8_u8).prop_map(|(before, most, standing)| Operation::List { before, most, standing }),
        2 => (any::<i8>(), 0..4_u8).prop_map(|(until, most)| Operation::Due { until, most }),
        2 => (key(), prop::option::of(key()), 0..4_u8).prop_map(|(prefix, after, most)| Operation::Scan { prefix, after, most }),
        1 => Just(Operation::Sync),
    ]
}

/// How the executions of these tests stand.
const STATUSES: [Status; 3] = [Status::InProgress, Status::Waiting, Status::Success];

/// One bit for each status that is asked for.
fn statuses(bits: u8) -> Vec<Status> {
    let asked = STATUSES.into_iter().enumerate().filter(|(n, _)| bits & (1 << n) != 0);
    asked.map(|(_, status)| status).collect()
}

/// A store as the operations see it: two handles, and the epoch that writes name.
struct Subject<S> {
    store: S,
    other: S,
    epoch: Epoch,
}

impl<S: Store + Clone> Subject<S> {
    async fn new(store: S) -> Self {
        let epoch = store.claim().await.unwrap();
        Self {
            other: store.clone(),
            store,
            epoch,
        }
    }

    /// Runs an operation, and answers all that can be seen of it as text.
    #[expect(clippy::too_many_lines, reason = "one arm per operation, each a few lines")]
    async fn run(&mut self, operation: &Operation) -> String {
        let name = |execution: &u8| format!("e{execution}");
        match operation {
            Operation::Append {
                execution,
                offset,
                records,
                size,
                wake,
                durable,
            } => {
                let length = self
                    .store
                    .head(&id(&name(execution)))
                    .await
                    .unwrap()
                    .map_or(0, |head| head.length);
                let expected = length.saturating_add_signed(i64::from(*offset));
                let text = "x".repeat(usize::from(*size));
                let mut append = append(
                    self.epoch,
                    &name(execution),
                    expected,
                    &vec![text.as_str(); usize::from(*records)],
                );
                append.wake = wake.map(|millis| at(i64::from(millis)));
                append.summary.waiting = Some(text);
                append.summary.status = STATUSES[usize::from(*records) % STATUSES.len()];
                append.durability = if *durable {
                    Durability::Durable
                } else {
                    Durability::Buffered
                };
                shown(self.store.append(append).await)
            }
            Operation::Remove(execution) => shown(self.store.remove(&id(&name(execution))).await),
            Operation::Log { execution, lines } => {
                let lines = (0..*lines).map(|n| line(&n.to_string())).collect();
                shown(self.store.append_log(&id(&name(execution)), lines).await)
            }
            Operation::Put { key, size, expect } => {
                let there = self.store.get(Table::Blobs, key).await.unwrap();
                let expect = match expect {
                    0 => Expect::Absent,
                    1 => Expect::Value(b"x".to_vec()),
                    2 => there.map_or(Expect::Absent, Expect::Value),
                    _ => Expect::Any,
                };
                shown(
                    self.store
                        .put(Table::Blobs, key, vec![b'v'; usize::from(*size)], expect)
                        .await,
                )
            }
            Operation::Delete(key) => shown(self.store.delete(Table::Blobs, key).await),
            Operation::Claim { other: true } => shown(self.other.claim().await),
            Operation::Claim { other: false } => {
                self.epoch = self.store.claim().await.unwrap();
                format!("{:?}", self.epoch)
            }
            Operation::Read { execution, from } => {
                shown(self.store.read(&id(&name(execution)), u64::from(*from)).await)
            }
            Operation::ReadLog { execution, from, most } => shown(
                self.store
                    .read_log(&id(&name(execution)), u64::from(*from), usize::from(*most))
                    .await,
            ),
            Operation::List { before, most, standing } => shown(
                self.store
                    .list(Page {
                        before: before.as_ref().map(|b| id(&name(b))),
                        most: usize::from(*most),
                        statuses: statuses(*standing),
                    })
                    .await,
            ),
            Operation::Due { until, most } => shown(self.store.due(at(i64::from(*until)), usize::from(*most)).await),
            Operation::Scan { prefix, after, most } => shown(
                self.store
                    .scan(Table::Blobs, prefix, after.as_deref(), usize::from(*most))
                    .await,
            ),
            Operation::Sync => shown(self.store.sync().await),
        }
    }

    /// Everything that can be read.
    async fn contents(&self) -> String {
        let mut text = shown(self.store.scan(Table::Blobs, b"", None, 0).await);
        text += &shown(self.store.due(at(i64::MAX), 0).await);
        text += &shown(self.store.next_wake().await);
        for (execution, head) in self.store.list(Page::default()).await.unwrap() {
            let records = self.store.read(&execution, 0).await;
            text += &format!("{execution} {head:?} {}", shown(records));
        }
        for status in STATUSES {
            let page = Page {
                statuses: vec![status],
                ..Page::default()
            };
            text += &shown(self.store.list(page).await);
        }
        for execution in 0..5 {
            text += &shown(self.store.read_log(&id(&format!("e{execution}")), 0, 0).await);
        }
        text
    }
}

fn shown<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_backends_answer_alike_and_after_reopening_too(operations in prop::collection::vec(operation(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let open = || SledStore::open(directory.path(), Options { reserve_bytes: 0, ..Options::default() }).unwrap();
            let mut memory = Subject::new(MemoryStore::new()).await;
            let mut disk = Subject::new(open()).await;
            for operation in &operations {
                assert_eq!(disk.run(operation).await, memory.run(operation).await, "{operation:?}");
            }
            assert_eq!(disk.contents().await, memory.contents().await);
            assert_eq!(disk.store.check().unwrap().findings, []);
            drop(disk);
            let reopened = Subject::new(open()).await;
            assert_eq!(reopened.contents().await, memory.contents().await);
            assert_eq!(reopened.store.check().unwrap().findings, []);
        });
    }
}
