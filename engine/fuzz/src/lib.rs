//! What the fuzz targets share: runs of frames, which checksums would protect from every mutation.
//!
//! An input is what the recorded journals are: frames, each with its length before it (4 bytes, little-endian).
//! Targets look at it as it is, and once more with lengths and checksums mended, since a mutation that stops at a
//! checksum says nothing about what is behind it.
//!
//! `cargo xtask fuzz` builds and runs the targets. `corpus/` holds the seeds, a folder for each target.

use std::ops::Range;

use runwright_store::codec;

#[path = "../../compiler/tests/support/mod.rs"]
pub mod actions;

/// Bytes of a length.
const LENGTH_BYTES: usize = 4;

/// The payloads of a run of frames, whatever their headers say; the last one ends where the bytes end.
#[must_use]
pub fn payloads(bytes: &[u8]) -> Vec<&[u8]> {
    frames(bytes).into_iter().map(|frame| payload(&bytes[frame])).collect()
}

/// A run of frames with these payloads: every length and every checksum fits.
#[must_use]
pub fn run_of(payloads: &[&[u8]]) -> Vec<u8> {
    let mut run = Vec::new();
    for payload in payloads {
        let frame = codec::frame(payload);
        let length = u32::try_from(frame.len()).expect("inputs are small: -max_len");
        run.extend_from_slice(&length.to_le_bytes());
        run.extend_from_slice(&frame);
    }
    run
}

/// Changes a run of frames: the contents of one with `mutate`, or their order and number. `mutate` gets a buffer
/// and how much of it is filled, and answers how much of it is filled then.
#[must_use]
pub fn mutated(bytes: &[u8], seed: u32, mutate: &mut dyn FnMut(&mut [u8], usize) -> usize) -> Vec<u8> {
    /// How much longer a payload may get at a time.
    const GROWTH_BYTES: usize = 64;
    let mut payloads: Vec<Vec<u8>> = payloads(bytes).into_iter().map(<[u8]>::to_vec).collect();
    if payloads.is_empty() {
        payloads.push(Vec::new());
    }
    let choice = seed as usize / 16;
    let (one, other) = (choice % payloads.len(), choice / payloads.len() % payloads.len());
    match seed % 16 {
        0 => drop(payloads.remove(one)),
        1 => payloads.push(payloads[one].clone()),
        2 => payloads.swap(one, other),
        3 => payloads.truncate(one + 1),
        _ => {
            let filled = payloads[one].len();
            payloads[one].resize(filled + GROWTH_BYTES, 0);
            let filled = mutate(&mut payloads[one], filled);
            payloads[one].truncate(filled);
        }
    }
    run_of(&payloads.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn frames(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while let Some(length) = bytes[at..].first_chunk::<LENGTH_BYTES>() {
        at += LENGTH_BYTES;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let end = at.saturating_add(length).min(bytes.len());
        frames.push(at..end);
        at = end;
    }
    frames
}

fn payload(frame: &[u8]) -> &[u8] {
    frame.get(codec::HEADER_BYTES..).unwrap_or_default()
}
