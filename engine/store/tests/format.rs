//! The bytes on disk: round trips, damage, and journals that earlier versions wrote.
//!
//! `journals/v1` holds each value twice: as JSON for people, and as the frames that format 1 wrote. The
//! frames are never written again; `RUNWRIGHT_RECORD_JOURNALS=1 cargo test -p runwright-store --test format`
//! adds the ones that are missing, for a new format or a new kind of event.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use runwright_model::{event::Record, log::LogLine, summary::Summary, time::Timestamp};
use runwright_store::{Error, codec};
use serde::de::DeserializeOwned;
use support::{at, record, summary};

fn journal(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/journals/v1")
        .join(name)
}

fn values<T: DeserializeOwned>(name: &str) -> Vec<T> {
    serde_json::from_str(&fs::read_to_string(journal(name).with_extension("json")).unwrap()).unwrap()
}

/// The frames of a recorded file: each has its length before it, 4 bytes, little-endian.
fn frames(name: &str, now: impl FnOnce() -> Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let path = journal(name).with_extension("frames");
    if std::env::var_os("RUNWRIGHT_RECORD_JOURNALS").is_some() && !path.exists() {
        let framed = now().into_iter().flat_map(|frame| {
            let length = u32::try_from(frame.len()).unwrap().to_le_bytes();
            length.into_iter().chain(frame)
        });
        fs::write(&path, framed.collect::<Vec<u8>>()).unwrap();
    }
    let bytes = fs::read(path).unwrap();
    let (mut rest, mut frames) = (bytes.as_slice(), Vec::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let (frame, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        frames.push(frame.to_vec());
        rest = after;
    }
    frames
}

fn what() -> String {
    "a recorded value".to_owned()
}

/// The recorded journals. A file is never changed: a new kind of event or a new field goes into another one.
const JOURNALS: [&str; 6] = ["drain", "held", "aws", "loop", "family", "interactive"];

#[test]
fn journals_of_format_1_load() {
    for journal in JOURNALS {
        let expected: Vec<Record> = values(journal);
        let recorded = frames(journal, || {
            expected.iter().map(|r| codec::encode_record(r).unwrap()).collect()
        });
        let loaded: Vec<Record> = recorded
            .iter()
            .map(|frame| codec::decode_record(frame, &what).unwrap())
            .collect();
        assert_eq!(loaded, expected, "{journal}");
    }
}

#[test]
fn rows_of_format_1_load() {
    let expected: Vec<Summary> = values("rows");
    let wakes = [Some(at(1_763_750_009_000)), None];
    let now = || {
        expected
            .iter()
            .zip(wakes)
            .map(|(row, wake)| codec::encode_head(19, row, wake).unwrap())
            .collect()
    };
    let recorded = frames("rows", now);
    assert_eq!(recorded.len(), expected.len());
    for ((frame, summary), wake) in recorded.iter().zip(expected).zip(wakes) {
        let head = codec::decode_head(frame, &what).unwrap();
        assert_eq!((head.length, head.summary, head.wake), (19, summary, wake));
    }
}

#[test]
fn log_lines_of_format_1_load() {
    let expected: Vec<LogLine> = values("log");
    let recorded = frames("log", || vec![codec::encode(&expected).unwrap()]);
    assert_eq!(codec::decode::<Vec<LogLine>>(&recorded[0], &what).unwrap(), expected);
}

/// A new kind of event must be recorded, so that it loads for ever.
#[test]
fn every_kind_of_event_is_recorded() {
    let kinds: std::collections::BTreeSet<String> = JOURNALS
        .into_iter()
        .flat_map(values::<serde_json::Value>)
        .flat_map(|record| record["event"].as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .collect();
    let source = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../model/src/event.rs")).unwrap();
    let variants = source
        .split("pub enum Event {")
        .nth(1)
        .unwrap()
        .split("\n}")
        .next()
        .unwrap();
    let is_variant =
        |line: &&str| line.starts_with("    ") && line.as_bytes().get(4).is_some_and(u8::is_ascii_uppercase);
    assert_eq!(kinds.len(), variants.lines().filter(is_variant).count(), "{kinds:?}");
}

#[test]
fn a_record_has_named_fields_so_that_it_can_be_read_without_this_program() {
    let frame = codec::encode_record(&record(3, "x")).unwrap();
    let payload = codec::unframe(&frame, &what).unwrap();
    let value: serde_json::Value = rmp_serde::from_slice(payload).unwrap();
    assert_eq!(value["sequence"], 3);
    assert_eq!(value["event"]["rollback-started"]["reason"], "x");
}

/// Fields that a later version adds are passed over, if it keeps the format's number.
#[test]
fn unknown_fields_are_passed_over() {
    let mut value = serde_json::to_value(record(0, "x")).unwrap();
    value["added"] = serde_json::json!({"later": [1]});
    let frame = codec::frame(&rmp_serde::to_vec_named(&value).unwrap());
    assert_eq!(codec::decode_record(&frame, &what).unwrap(), record(0, "x"));
}

#[test]
fn a_frame_of_a_later_version_says_so() {
    let mut frame = codec::frame(b"something");
    frame[0] = codec::VERSION + 1;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..1]);
    hasher.update(&frame[codec::HEADER_BYTES..]);
    frame[1..codec::HEADER_BYTES].copy_from_slice(&hasher.finalize().to_le_bytes());
    let error = codec::unframe(&frame, &what).unwrap_err();
    assert!(
        error.to_string().contains("later version of runwright in format 2"),
        "{error}"
    );
}

fn text() -> impl Strategy<Value = String> {
    ".{0,60}"
}

proptest! {
    #[test]
    fn records_round_trip(sequence in any::<u64>(), millis in any::<i64>(), text in text()) {
        let mut record = record(0, &text);
        record.sequence = sequence;
        record.at = Timestamp::from_millis(millis);
        let frame = codec::encode_record(&record).unwrap();
        prop_assert_eq!(codec::decode_record(&frame, &what).unwrap(), record);
    }

    #[test]
    fn rows_round_trip(length in any::<u64>(), wake in any::<Option<i64>>(), waiting in text()) {
        let wake = wake.map(Timestamp::from_millis);
        let frame = codec::encode_head(length, &summary(&waiting), wake).unwrap();
        let head = codec::decode_head(&frame, &what).unwrap();
        prop_assert_eq!((head.length, head.summary, head.wake), (length, summary(&waiting), wake));
    }

    #[test]
    fn every_flipped_bit_is_found(text in text(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut frame = codec::encode_record(&record(7, &text)).unwrap();
        let at = at.index(frame.len());
        frame[at] ^= 1 << bit;
        let is_found = matches!(codec::decode_record(&frame, &what), Err(Error::Damaged { .. }));
        prop_assert!(is_found);
    }

    #[test]
    fn every_shortened_frame_is_found(text in text(), at in any::<prop::sample::Index>()) {
        let frame = codec::encode_record(&record(7, &text)).unwrap();
        let short = &frame[..at.index(frame.len())];
        let is_found = matches!(codec::decode_record(short, &what), Err(Error::Damaged { .. }));
        prop_assert!(is_found);
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = codec::decode_record(&bytes, &what);
        let _ = codec::decode_head(&codec::frame(&payload), &what);
        let _ = codec::decode_record(&codec::frame(&payload), &what);
    }
}
