//! Random bytes that a replay draws again.
//!
//! A stream is SHA-256 over the idempotency key and a counter: nobody who does not know the key can guess it,
//! and no two attempts share one. Keys are not secret, so a plugin must not make secrets of these bytes; the
//! parameter store's `generated` values are there for that.

use sha2::{Digest, Sha256};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::{limits::Excess, state::State};

const BLOCK_BYTES: usize = 32;

/// Where the random bytes of one call come from.
#[derive(Debug)]
pub(crate) struct Seed {
    key: String,
    secure: Stream,
    insecure: Stream,
}

#[derive(Debug)]
struct Stream {
    name: &'static str,
    block: [u8; BLOCK_BYTES],
    /// How much of the block is used.
    used: usize,
    counter: u64,
}

impl Seed {
    pub(crate) fn new(idempotency_key: &str) -> Self {
        let stream = |name| Stream {
            name,
            block: [0; BLOCK_BYTES],
            used: BLOCK_BYTES,
            counter: 0,
        };
        Self {
            key: idempotency_key.to_owned(),
            secure: stream("secure"),
            insecure: stream("insecure"),
        }
    }
}

impl Stream {
    fn fill(&mut self, key: &str, bytes: &mut [u8]) {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            if self.used == BLOCK_BYTES {
                self.block = block(key, self.name, self.counter);
                self.counter += 1;
                self.used = 0;
            }
            let (now, later) = bytes.split_at_mut(bytes.len().min(BLOCK_BYTES - self.used));
            now.copy_from_slice(&self.block[self.used..self.used + now.len()]);
            self.used += now.len();
            bytes = later;
        }
    }

    fn next(&mut self, key: &str) -> u64 {
        let mut bytes = [0; 8];
        self.fill(key, &mut bytes);
        u64::from_le_bytes(bytes)
    }
}

fn block(key: &str, stream: &str, counter: u64) -> [u8; BLOCK_BYTES] {
    let mut hash = Sha256::new();
    hash.update(b"runwright random 1\0");
    hash.update(stream.as_bytes());
    hash.update(counter.to_le_bytes());
    hash.update(key.as_bytes());
    hash.finalize().into()
}

impl State {
    /// So many zero bytes, if that is within the limit on what passes between guest and host.
    fn room(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        let limit = self.argument_bytes;
        match usize::try_from(length) {
            Ok(size) if length <= limit => Ok(vec![0; size]),
            Ok(_) | Err(_) => {
                let excess = Excess {
                    which: "argument-bytes",
                    limit,
                    used: Some(length),
                };
                Err(self.end_by(excess, "asked for random bytes"))
            }
        }
    }
}

impl random::Host for State {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = self.room(length)?;
        self.seed.secure.fill(&self.seed.key, &mut bytes);
        Ok(bytes)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.seed.secure.next(&self.seed.key))
    }
}

impl insecure::Host for State {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = self.room(length)?;
        self.seed.insecure.fill(&self.seed.key, &mut bytes);
        Ok(bytes)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.seed.insecure.next(&self.seed.key))
    }
}

impl insecure_seed::Host for State {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let mut stream = Stream {
            name: "hash",
            block: [0; BLOCK_BYTES],
            used: BLOCK_BYTES,
            counter: 0,
        };
        Ok((stream.next(&self.seed.key), stream.next(&self.seed.key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(key: &str, parts: &[usize]) -> Vec<u8> {
        let mut seed = Seed::new(key);
        let mut all = Vec::new();
        for part in parts {
            let mut bytes = vec![0; *part];
            seed.secure.fill(&seed.key, &mut bytes);
            all.extend(bytes);
        }
        all
    }

    #[test]
    fn a_stream_does_not_depend_on_how_it_is_read() {
        assert_eq!(bytes("k", &[100]), bytes("k", &[1, 31, 33, 35]));
        assert_ne!(bytes("k", &[32]), bytes("l", &[32]));
    }

    #[test]
    fn streams_of_one_key_differ() {
        let mut seed = Seed::new("k");
        assert_ne!(seed.secure.next("k"), seed.insecure.next("k"));
    }
}
