//! What the tests of stores share: short ways to say "append these records".
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(dead_code, reason = "every test file uses another part of it")]

pub(crate) mod writers;

use runwright_model::{
    event::{Event, Record},
    id::ExecutionId,
    log::{Level, LogLine, Stream},
    status::Status,
    summary::Summary,
    time::Timestamp,
};
use runwright_store::{Append, Durability, Epoch};

pub(crate) fn id(text: &str) -> ExecutionId {
    text.parse().unwrap()
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn record(sequence: u64, text: &str) -> Record {
    let at = at(1_700_000_000_000 + i64::try_from(sequence).unwrap());
    Record {
        sequence,
        at,
        event: Event::RollbackStarted {
            reason: text.to_owned(),
            to: None,
        },
    }
}

pub(crate) fn text_of(record: &Record) -> &str {
    match &record.event {
        Event::RollbackStarted { reason, .. } => reason,
        other => panic!("these tests write no {other:?}"),
    }
}

pub(crate) fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(text_of).collect()
}

pub(crate) fn summary(waiting: &str) -> Summary {
    Summary {
        runbook: "rotate".to_owned(),
        status: Status::InProgress,
        by: "ops".to_owned(),
        started: at(1_700_000_000_000),
        ended: None,
        parent: None,
        waiting: (!waiting.is_empty()).then(|| waiting.to_owned()),
    }
}

/// Appends texts as records numbered from `expected`, buffered, with no wake-up.
pub(crate) fn append(epoch: Epoch, execution: &str, expected: u64, words: &[&str]) -> Append {
    Append {
        execution: id(execution),
        expected,
        epoch,
        records: (expected..)
            .zip(words)
            .map(|(sequence, text)| record(sequence, text))
            .collect(),
        summary: summary(""),
        wake: None,
        durability: Durability::Buffered,
    }
}

pub(crate) fn durable(mut append: Append) -> Append {
    append.durability = Durability::Durable;
    append
}

pub(crate) fn waking(mut append: Append, millis: i64) -> Append {
    append.wake = Some(at(millis));
    append
}

pub(crate) fn line(text: &str) -> LogLine {
    LogLine {
        at: at(1_700_000_000_000),
        step: "drain".to_owned(),
        attempt: 1,
        level: Level::Info,
        stream: Stream::Stdout,
        text: text.to_owned(),
    }
}
