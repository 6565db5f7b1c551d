//! The socket's words, spoken by hand: a client that misbehaves, one that stands between, and a pretended engine.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    thread::JoinHandle,
};

use runwright::model::id::ExecutionId;
use serde::Serialize;
use serde_json::{Value, json};

/// The way to one state directory's socket.
pub(crate) struct Wire(PathBuf);

/// A connection that says what a test wants.
pub(crate) struct Said(UnixStream);

impl Wire {
    pub(crate) fn of(state: &Path) -> Self {
        Self(state.join("engine"))
    }

    pub(crate) fn connect(&self) -> Said {
        Said(UnixStream::connect(&self.0).unwrap())
    }

    /// A connection that has said hello and was answered.
    pub(crate) fn greeted(&self) -> Said {
        self.connect()
            .says(&self.hello(1, env!("CARGO_PKG_VERSION")))
            .answered()
    }

    pub(crate) fn hello(&self, protocol: u32, version: &str) -> Vec<u8> {
        encoded(&json!({ "protocol": protocol, "version": version, "drives": false }))
    }

    pub(crate) fn show(&self, id: &ExecutionId) -> Vec<u8> {
        self.call(json!({ "Show": { "id": id } }))
    }

    pub(crate) fn wait(&self, id: &ExecutionId) -> Vec<u8> {
        self.call(json!({ "Wait": { "id": id, "until": "Ended" } }))
    }

    fn call(&self, call: Value) -> Vec<u8> {
        encoded(&json!({ "call": call, "by": null, "again": false }))
    }
}

impl Said {
    pub(crate) fn says_raw(mut self, bytes: &[u8]) -> Self {
        // The other side may have heard enough already.
        let _ = self.0.write_all(bytes);
        self
    }

    pub(crate) fn says(self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        self.says_raw(&[&length, bytes].concat())
    }

    pub(crate) fn answered(mut self) -> Self {
        assert!(frame(&mut self.0).is_some(), "there is an answer");
        self
    }

    pub(crate) fn closed(mut self) {
        // Ended, or reset because not all was read: both are an end.
        let left = self.0.read(&mut [0]).unwrap_or(0);
        assert_eq!(left, 0, "nothing is said any more");
    }
}

fn encoded(message: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(message).unwrap()
}

/// The next frame that is not empty.
fn frame(stream: &mut UnixStream) -> Option<Vec<u8>> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).ok()?;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut bytes).ok()?;
        if !bytes.is_empty() {
            return Some(bytes);
        }
    }
}

fn pass_on(from: &mut UnixStream, to: &mut UnixStream) -> Option<Vec<u8>> {
    let bytes = frame(from)?;
    to.write_all(&u32::try_from(bytes.len()).unwrap().to_be_bytes()).ok()?;
    to.write_all(&bytes).ok()?;
    Some(bytes)
}

/// Stands between the engine of this directory and its clients, and takes away the answer of the first call of this
/// name, with the connection. Then it takes itself away. Answers how many answers were lost.
pub(crate) fn cut_after(state: &Path, call: &'static str) -> JoinHandle<usize> {
    let (place, real) = (state.join("engine"), state.join("engine.real"));
    std::fs::rename(&place, &real).unwrap();
    let listener = UnixListener::bind(&place).unwrap();
    std::thread::spawn(move || {
        loop {
            let (mut client, _) = listener.accept().unwrap();
            let mut engine = UnixStream::connect(&real).unwrap();
            pass_on(&mut client, &mut engine).unwrap();
            pass_on(&mut engine, &mut client).unwrap();
            while let Some(asked) = pass_on(&mut client, &mut engine) {
                let answer = frame(&mut engine).unwrap();
                let (call, lacks) = (contains(&asked, call), contains(&answer, "Lacks"));
                if call && !lacks {
                    std::fs::rename(&real, &place).unwrap();
                    return 1;
                }
                let length = u32::try_from(answer.len()).unwrap().to_be_bytes();
                client.write_all(&[&length, &answer[..]].concat()).unwrap();
            }
        }
    })
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// Somebody who holds the lock of a directory and lets clients in, but says only this, or nothing.
pub(crate) fn pretender(state: &Path, hello: Option<Vec<u8>>) -> (File, JoinHandle<()>) {
    let mut lock = File::create(state.join("lock")).unwrap();
    lock.lock().unwrap();
    writeln!(lock, "{}", std::process::id()).unwrap();
    let listener = UnixListener::bind(state.join("engine")).unwrap();
    let says = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        if let Some(hello) = hello {
            frame(&mut client).unwrap();
            client
                .write_all(&u32::try_from(hello.len()).unwrap().to_be_bytes())
                .unwrap();
            client.write_all(&hello).unwrap();
        }
        // Until the client is gone.
        while client.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
    });
    (lock, says)
}
