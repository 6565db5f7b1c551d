//! What the journal decoder makes of any bytes: an error, or a value that is written and read back as the same.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use runwright_fuzz::{mutated, payloads};
use runwright_model::{event::Record, log::LogLine, summary::Summary};
use runwright_store::codec;
use serde::{Serialize, de::DeserializeOwned};

fn what() -> String {
    "an input".to_owned()
}

fuzz_target!(|bytes: &[u8]| {
    let _ = codec::decode_record(bytes, &what);
    let _ = codec::decode_head(bytes, &what);
    let _ = codec::split_entry(bytes, &what);
    for payload in payloads(bytes) {
        let frame = codec::frame(payload);
        assert_eq!(codec::unframe(&frame, &what).expect("it was just framed"), payload);
        round::<Record>(&frame);
        round::<Vec<LogLine>>(&frame);
        round::<Summary>(&frame);
        round_head(&frame);
    }
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

fn round<T: Serialize + DeserializeOwned + PartialEq + Debug>(frame: &[u8]) {
    if let Ok(value) = codec::decode::<T>(frame, &what) {
        let again = codec::encode(&value).expect("what was read can be written");
        let again: T = codec::decode(&again, &what).expect("what was written can be read");
        assert_eq!(again, value);
    }
}

fn round_head(frame: &[u8]) {
    if let Ok(head) = codec::decode_head(frame, &what) {
        let again = codec::encode_head(head.length, &head.summary, head.wake).expect("what was read can be written");
        assert_eq!(
            codec::decode_head(&again, &what).expect("what was written can be read"),
            head
        );
    }
}
