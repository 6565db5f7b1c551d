//! A secret that steps print in every form they can is nowhere: not in the state directory, not in logs, answers, or
//! spans.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use base64::Engine as _;
use common::Machine;

/// Not what any other text holds by chance, and with characters that every encoding changes.
const SECRET: &str = "tr0ub4dor&\"3 é/zk+Qy?=";

/// The forms that are looked for, by name.
fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let url = |space: &str| -> String {
        let escape = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            b' ' => space.to_owned(),
            other => format!("%{other:02X}"),
        };
        SECRET.bytes().map(escape).collect()
    };
    let json = serde_json::to_string(SECRET).unwrap();
    let ascii = json.replace('é', "\\u00e9");
    let base64 = base64::engine::general_purpose::STANDARD;
    let in_basic = base64.encode(format!("user:{SECRET}"));
    vec![
        ("plain", SECRET.into()),
        ("plain, its ASCII part", b"tr0ub4dor&".to_vec()),
        ("base64", base64.encode(SECRET).into_bytes()),
        (
            "base64 for URLs",
            base64::engine::general_purpose::URL_SAFE.encode(SECRET).into_bytes(),
        ),
        (
            "base64 inside something longer",
            in_basic.as_bytes()[8..in_basic.len() - 4].to_vec(),
        ),
        ("URL", url("%20").into_bytes()),
        ("URL, of a form", url("+").into_bytes()),
        ("JSON", json.trim_matches('"').as_bytes().to_vec()),
        ("JSON, ASCII only", ascii.trim_matches('"').as_bytes().to_vec()),
    ]
}

fn look(place: &str, bytes: &[u8]) {
    for (form, wanted) in forms() {
        let found = bytes.windows(wanted.len()).any(|window| window == wanted);
        assert!(!found, "{place} holds the secret: {form}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// A collector of spans: keeps what it is sent, and answers that all is well.
fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = received.clone();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, kept) = (connection.unwrap(), kept.clone());
            thread::spawn(move || {
                let mut buffer = [0; 65_536];
                while let Ok(read @ 1..) = connection.read(&mut buffer) {
                    kept.lock().unwrap().extend_from_slice(&buffer[..read]);
                    let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    (address, received)
}

#[test]
fn a_secret_is_nowhere_in_no_form() {
    let machine = Machine::new();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let put = machine.run(
        &words("runwright param put /leaky/token --type SecureString --stdin"),
        SECRET,
    );
    assert_eq!(put.exit, 0, "{}", put.stderr);

    let (address, spans) = collector();
    let mut run = machine.command(&words("runwright run leaky --id leaky -vvv --output json"));
    let done = run.env("OTEL_EXPORTER_OTLP_ENDPOINT", address).output().unwrap();
    look("the answer of run", &done.stdout);
    look("what run says", &done.stderr);
    assert!(String::from_utf8_lossy(&done.stderr).contains("plain ((secret:/leaky/token:1))"));
    for line in [
        "runwright show leaky --output json",
        "runwright show leaky --step leak",
        "runwright logs leaky --output json",
        "runwright logs leaky",
        "runwright why leaky --output json",
        "runwright list --output json",
        "runwright param get /leaky/token --output json",
        "runwright param history /leaky/token",
    ] {
        let answer = machine.run(&words(line), "");
        look(line, answer.stdout.as_bytes());
        look(line, answer.stderr.as_bytes());
    }
    let state = files(&machine.path().join("state"));
    assert!(state.len() > 3, "{state:?}");
    for file in state {
        look(&file.display().to_string(), &fs::read(&file).unwrap());
    }
    let spans = spans.lock().unwrap();
    assert!(!spans.is_empty(), "spans were sent");
    look("the spans", &spans);
    // The search finds what is there.
    assert_eq!(
        machine
            .say("runwright param get /leaky/token --reveal")
            .stdout
            .trim_end(),
        SECRET
    );
}
