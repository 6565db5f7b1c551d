//! Writers that are stopped at any moment, and what must be there afterwards.
//!
//! Each record says how long all journals were known to be when it was handed in: what comes before a record that
//! survived must have survived too.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{Arc, Mutex},
};

use runwright_store::{Epoch, SledStore, Store};

use super::{append, at, durable, id, text_of, waking};

pub(crate) const WRITERS: usize = 8;

/// How long each journal was when its writer was told so, for every writer.
pub(crate) type Answered = Arc<Mutex<Vec<u64>>>;

/// The lengths of the journals as a store has them.
pub(crate) async fn answered(store: &SledStore) -> Answered {
    let mut lengths = Vec::new();
    for writer in 0..WRITERS {
        let head = store.head(&name(writer)).await.unwrap();
        lengths.push(head.map_or(0, |head| head.length));
    }
    Arc::new(Mutex::new(lengths))
}

fn name(writer: usize) -> runwright_model::id::ExecutionId {
    id(&format!("e{writer}"))
}

/// Appends two records at a time, so many times or until it is killed. Every third append is durable, and is printed
/// once it is answered.
pub(crate) async fn write(writer: usize, store: Arc<SledStore>, epoch: Epoch, answered: Answered, appends: usize) {
    let name = format!("e{writer}");
    for _ in 0..appends {
        let known = answered.lock().unwrap().clone();
        let length = known[writer];
        let seen = known.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let padding = "p".repeat(usize::try_from(length * 31 % 6_000).unwrap());
        let mut next = waking(
            append(epoch, &name, length, &[&seen, &padding]),
            i64::try_from(length).unwrap(),
        );
        let is_durable = (length / 2).is_multiple_of(3);
        if is_durable {
            next = durable(next);
        }
        store.append(next).await.unwrap();
        answered.lock().unwrap()[writer] = length + 2;
        if is_durable {
            // One write, so that a line is never torn. A closed pipe means that the parent is gone.
            if std::io::stdout()
                .write_all(format!("acknowledged {writer} {}\n", length + 2).as_bytes())
                .is_err()
            {
                return;
            }
        }
    }
}

/// Takes up the length that was acknowledged in this line, if it says one.
pub(crate) fn acknowledged(line: &str, lengths: &mut BTreeMap<usize, u64>) {
    if let Some(numbers) = line.strip_prefix("acknowledged ") {
        let (writer, length) = numbers.split_once(' ').unwrap();
        lengths.insert(writer.parse().unwrap(), length.parse().unwrap());
    }
}

/// What is not as it must be in a store that was opened after a stop; nothing, as a rule.
pub(crate) async fn faults(store: &SledStore, acknowledged: &BTreeMap<usize, u64>) -> Vec<String> {
    let mut faults: Vec<String> = match store.check() {
        Ok(report) => report.findings.iter().map(|finding| format!("{finding:?}")).collect(),
        Err(error) => vec![format!("it cannot be checked: {error}")],
    };
    let mut there = Vec::new();
    for writer in 0..WRITERS {
        let head = match store.head(&name(writer)).await {
            Ok(head) => head,
            Err(error) => {
                faults.push(format!("the head of e{writer} cannot be read: {error}"));
                None
            }
        };
        let length = head.as_ref().map_or(0, |head| head.length);
        let durable = acknowledged.get(&writer).copied().unwrap_or(0);
        if length < durable {
            faults.push(format!(
                "e{writer} has {length} records, and {durable} were acknowledged as durable"
            ));
        }
        // All or nothing: both records of an append, with its row and its wake-up.
        let wake = length.checked_sub(2).map(|n| at(i64::try_from(n).unwrap()));
        if length % 2 != 0 || head.and_then(|head| head.wake) != wake {
            faults.push(format!("e{writer} has a part of an append: {length} records"));
        }
        there.push(length);
    }
    for writer in 0..WRITERS {
        faults.extend(gaps(store, writer, &there).await);
    }
    faults
}

/// What came before the records of this writer and is gone.
async fn gaps(store: &SledStore, writer: usize, there: &[u64]) -> Vec<String> {
    let records = match store.read(&name(writer), 0).await {
        Ok(records) => records,
        Err(error) => return vec![format!("e{writer} cannot be read: {error}")],
    };
    let mut gaps = Vec::new();
    for record in records.iter().step_by(2) {
        let known = text_of(record).split(' ').map(|n| n.parse::<u64>().unwrap());
        for (other, (known, there)) in known.zip(there).enumerate() {
            if known > *there {
                gaps.push(format!(
                    "record {} of e{writer} came after record {known} of e{other}, which is gone",
                    record.sequence
                ));
            }
        }
    }
    gaps
}
