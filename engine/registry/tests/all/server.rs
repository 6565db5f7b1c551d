//! Servers for tests: a real registry, and one that says what it is told to.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// A registry of Debian's package `docker-registry`, on a free port of this machine.
pub(crate) struct RealRegistry {
    process: Child,
    pub(crate) host: String,
    _folder: tempfile::TempDir,
}

impl RealRegistry {
    /// Starts one; `None` where it is not installed. `users` is a file of `htpasswd`, for one that lets nobody else in.
    pub(crate) fn start(users: Option<&Path>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let auth = users.map_or_else(String::new, |file| {
            format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", file.display())
        });
        let store = folder.path().join("store");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  delete: {{enabled: true}}\n\
             http: {{addr: '{host}'}}\n{auth}",
            store.display()
        );
        let file = folder.path().join("config.yml");
        fs::write(&file, config).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let began = Instant::now();
        while TcpStream::connect(&host).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "the registry ended at once");
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the registry does not listen"
            );
            thread::yield_now();
        }
        Some(Self {
            process,
            host,
            _folder: folder,
        })
    }

    /// The file of a blob, to damage it.
    pub(crate) fn blob(&self, digest: &str) -> std::path::PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        self._folder.path().join(format!(
            "store/docker/registry/v2/blobs/sha256/{}/{hex}/data",
            &hex[..2]
        ))
    }
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request: its first line, and its headers in small letters.
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: String,
}

/// Answers every request with what `answer` writes on the connection, and closes it.
pub(crate) fn fake(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            thread::spawn(move || serve(stream.unwrap(), &*answer));
        }
    });
    host
}

fn serve(mut stream: TcpStream, answer: &(dyn Fn(&Asked, &mut TcpStream) + Send + Sync)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap_or_default();
    let mut headers = String::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or_default() <= 2 {
            break;
        }
        headers += &header.to_lowercase();
    }
    let length = headers
        .lines()
        .find_map(|header| header.strip_prefix("content-length: ")?.trim().parse::<u64>().ok());
    std::io::copy(&mut reader.take(length.unwrap_or_default()), &mut std::io::sink()).unwrap_or_default();
    answer(&Asked { line, headers }, &mut stream);
}

/// Writes a whole answer. Who does not read it any more is no mistake here.
pub(crate) fn say(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}
