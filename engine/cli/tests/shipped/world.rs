//! What the tests of runbooks share: an engine with a world of its own, transcripts, and two small services.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use runwright::{
    Builder, Engine, Error, StartRequest, Until, local::commands::Launcher, model::id::ExecutionId, store::Store,
    view::ExecutionView,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The runbooks under test.
pub(crate) const RUNBOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runbooks");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shipped/golden");

/// Outputs that differ from run to run, or say what another one says.
const NOT_SHOWN: [&str; 7] = [
    "DurationMs",
    "ExitCode",
    "Headers",
    "Json",
    "Probes",
    "Stderr",
    "WaitedMs",
];

/// An engine, and a folder for everything its runbooks touch.
pub(crate) struct World {
    folder: TempDir,
    state: TempDir,
    engine: Option<Engine>,
    /// What a transcript shows in place of a text.
    hidden: Vec<(String, String)>,
    /// The same for outputs of steps: step, output, shown.
    hidden_outputs: Vec<(String, String, String)>,
}

impl World {
    /// Its journals are on disk.
    pub(crate) async fn open() -> Self {
        let mut world = Self::empty();
        world.engine = Some(world.builder().open().await.unwrap());
        world
    }

    /// Its journals are in a store that may stop.
    pub(crate) async fn over(store: Arc<dyn Store>) -> Self {
        let mut world = Self::empty();
        world.engine = Some(world.builder().store(store).open().await.unwrap());
        world
    }

    /// Closes the engine, whose store may have stopped before.
    pub(crate) async fn close(&mut self) {
        // Then it cannot say well.
        let _ = self.engine.take().unwrap().close().await;
    }

    /// Another engine, as after a crash: with its journals in this store.
    pub(crate) async fn reopen(&mut self, store: Arc<dyn Store>) {
        self.close().await;
        self.engine = Some(self.builder().store(store).open().await.unwrap());
    }

    fn empty() -> Self {
        let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        share_cache(state.path());
        let hidden = vec![(folder.path().to_str().unwrap().to_owned(), "<dir>".to_owned())];
        Self {
            folder,
            state,
            engine: None,
            hidden,
            hidden_outputs: Vec::new(),
        }
    }

    fn builder(&self) -> Builder {
        Engine::builder()
            .state_dir(self.state.path())
            .runbooks(vec![RUNBOOKS.into()])
            .supervisor(Launcher::program(env!("CARGO_BIN_EXE_runwright")))
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// A path inside this world; `""` is its folder.
    pub(crate) fn path(&self, inside: &str) -> String {
        let path = if inside.is_empty() {
            self.folder.path().to_owned()
        } else {
            self.folder.path().join(inside)
        };
        path.to_str().unwrap().to_owned()
    }

    /// Shows `shown` where a transcript would have `text`.
    pub(crate) fn hide(&mut self, text: &str, shown: &str) {
        self.hidden.push((text.to_owned(), shown.to_owned()));
    }

    pub(crate) fn hide_output(&mut self, step: &str, output: &str, shown: &str) {
        self.hidden_outputs
            .push((step.to_owned(), output.to_owned(), shown.to_owned()));
    }

    /// Runs a runbook until it has ended or needs a person.
    pub(crate) async fn run(&self, runbook: &str, parameters: Value) -> ExecutionView {
        let id = self.start(runbook, parameters, None).await.unwrap();
        self.wait(&id).await
    }

    /// Starts a runbook, which does nothing when there is an execution of that id already.
    pub(crate) async fn start(
        &self,
        runbook: &str,
        parameters: Value,
        id: Option<ExecutionId>,
    ) -> Result<ExecutionId, Error> {
        let runbook = self.engine().library().runbook(runbook).await.unwrap();
        let parameters = parameters.as_object().unwrap().clone();
        let request = StartRequest {
            runbook,
            parameters,
            id,
            by: "kim".into(),
            mode: runwright::model::event::Mode::Auto,
        };
        Ok(self.engine().start(request).await?.id)
    }

    pub(crate) async fn wait(&self, id: &ExecutionId) -> ExecutionView {
        self.engine().wait(id, Until::NeedsPerson).await.unwrap()
    }

    /// Compares an execution with a golden file.
    pub(crate) fn golden(&self, name: &str, view: &ExecutionView) {
        let path = Path::new(GOLDEN).join(format!("{name}.out"));
        let transcript = self.transcript(view);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &transcript).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            transcript,
            expected,
            "{name}: see {}; UPDATE_GOLDEN=1 writes it anew",
            path.display()
        );
    }

    /// What an execution says of itself, without what differs from run to run.
    pub(crate) fn transcript(&self, view: &ExecutionView) -> String {
        let mut text = format!("{} {}\n", view.runbook, view.status);
        for step in &view.steps {
            text += &format!("  {} {}", step.name, step.status);
            if step.attempt > 1 {
                text += &format!(", attempt {} of {}", step.attempt, step.max_attempts);
            }
            if let Some(rollback) = step.rollback {
                text += &format!(", rollback {rollback}");
            }
            text += "\n";
            let shown = step
                .outputs
                .iter()
                .filter(|(name, value)| !NOT_SHOWN.contains(&name.as_str()) && **value != "");
            for (name, value) in shown {
                text += &format!("    {name} = {}\n", self.output(&step.name, name, value));
            }
            for failure in step.failure.iter().chain(&step.rollback_failure) {
                text += &format!("    {}: {}\n", failure.kind.as_str(), failure.message);
            }
        }
        for (name, value) in &view.outputs {
            let (step, output) = name.split_once('.').unwrap();
            text += &format!("  = {name}: {}\n", self.output(step, output, value));
        }
        for wait in &view.waiting {
            text += &format!("  {} waits: {}\n", wait.step, json!(wait.reason));
        }
        text = text.replace(view.id.as_str(), "<id>");
        for (from, to) in &self.hidden {
            text = text.replace(from, to);
        }
        // How often it was looked depends on how busy the machine is.
        let text = (1..100).fold(text, |text, n| {
            text.replace(&format!("after {n} probes"), "after <n> probes")
        });
        masked(&text)
    }

    fn output(&self, step: &str, output: &str, value: &Value) -> String {
        let hidden = self.hidden_outputs.iter().find(|(s, o, _)| s == step && o == output);
        hidden.map_or_else(|| value.to_string(), |(_, _, shown)| shown.clone())
    }

    /// Closes the engine and looks for texts that must not be in any file it keeps.
    pub(crate) async fn holds_nowhere(mut self, texts: &[&str]) {
        self.engine.take().unwrap().close().await.unwrap();
        let mut folders = vec![self.state.path().to_owned()];
        let mut looked_at = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let facts = path.symlink_metadata().unwrap();
                if facts.is_dir() {
                    folders.push(path);
                } else if facts.is_file() {
                    let bytes = fs::read(&path).unwrap();
                    looked_at += bytes.len();
                    for text in texts {
                        let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                        assert!(!found, "{} holds `{text}`", path.display());
                    }
                }
            }
        }
        assert!(looked_at > 1_000, "there is a store to look at");
    }
}

/// Plugins are compiled once for all tests, into a folder that only this user may open.
fn share_cache(state: &Path) {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    std::os::unix::fs::DirBuilderExt::mode(fs::DirBuilder::new().recursive(true), 0o700)
        .create(&cache)
        .unwrap();
    symlink(cache, state.join("cache")).unwrap();
}

/// Digests and moments differ from run to run.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let rest = &word[bare.len()..];
        let digits = bare.bytes().all(|b| b.is_ascii_digit());
        match bare.len() {
            64 if bare.bytes().all(|b| b.is_ascii_hexdigit()) => masked += "<sha256>",
            13 if digits => masked += "<moment>",
            _ => masked += bare,
        }
        masked += rest;
    }
    masked
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "*"])
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A port that nobody listens on, each time another. It lies below those that the system gives to who asks for any, as the other
/// servers of these tests do: it must stay free while the service does not run.
fn port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let mut ports = (0..PORTS).map(|_| {
        let nth = std::process::id().wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        PORTS_FROM + u16::try_from(nth % u32::from(PORTS)).unwrap()
    });
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.find(is_free).unwrap()
}

const PORTS_FROM: u16 = 12_000;
const PORTS: u16 = 20_000;

/// A web service with releases, for `service-rollout`: python3's own server, of a folder per version.
pub(crate) struct Service {
    folder: PathBuf,
    port: u16,
}

impl Service {
    pub(crate) fn new(world: &mut World) -> Self {
        let port = port();
        world.hide(&format!("127.0.0.1:{port}"), "<service>");
        let folder = PathBuf::from(world.path("service"));
        fs::create_dir(&folder).unwrap();
        Self { folder, port }
    }

    fn archive(&self, version: &str) -> String {
        self.folder
            .with_file_name(format!("{version}.tar.gz"))
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// Makes the archive of a version, which has a page at /health or not.
    pub(crate) fn pack(&self, version: &str, healthy: bool) {
        let server = Command::new("/usr/bin/env")
            .args(["python3", "-c", "import http.server"])
            .status()
            .unwrap();
        assert!(
            server.success(),
            "this test needs python3 with http.server: Debian's package python3, not python3-minimal"
        );
        let source = TempDir::new().unwrap();
        let public = source.path().join("public");
        fs::create_dir(&public).unwrap();
        fs::write(public.join("version"), version).unwrap();
        if healthy {
            fs::write(public.join("health"), "").unwrap();
        }
        let run = source.path().join("run").to_str().unwrap().to_owned();
        super::program(
            &run,
            "exec python3 -m http.server \"$1\" --bind 127.0.0.1 --directory public\n",
        );
        let tar = [
            "--create",
            "--gzip",
            "--file",
            &self.archive(version),
            "--directory",
            source.path().to_str().unwrap(),
            ".",
        ];
        assert!(Command::new("tar").args(tar).status().unwrap().success());
    }

    /// The parameters that roll out a version.
    pub(crate) fn rollout(&self, version: &str) -> Value {
        json!({"Folder": self.folder, "Version": version, "Archive": self.archive(version), "Port": self.port})
    }

    /// The version that answers now.
    pub(crate) fn version(&self) -> String {
        curl(&["--fail", &format!("http://127.0.0.1:{}/version", self.port)])
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let Ok(pid) = fs::read_to_string(self.folder.join("service.pid")) else {
            return;
        };
        let pid = pid.trim();
        // Only if it is still ours.
        if fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder.starts_with(&self.folder)) {
            let _ = Command::new("kill").arg(pid).status();
        }
    }
}

/// A service inside the test that keeps a secret, for `rotate-secret`: it reads a file `NAME=secret` at its start and
/// at /reload, and answers 200 at /secret to whoever knows it. It ends with the test's process.
pub(crate) struct Guarded {
    port: u16,
}

impl Guarded {
    /// `taken` says of a secret whether the service can work with it. If it cannot, it answers 500.
    pub(crate) fn start(file: PathBuf, taken: fn(&str) -> bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let read = move || {
            fs::read_to_string(&file)
                .unwrap()
                .trim()
                .split_once('=')
                .unwrap()
                .1
                .to_owned()
        };
        let secret = Arc::new(Mutex::new(read()));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                let (path, authorization) = request(&connection);
                let mut secret = secret.lock().unwrap();
                let status = match path.as_str() {
                    "/reload" => {
                        *secret = read();
                        200
                    }
                    _ if !taken(&secret) => 500,
                    _ if authorization == format!("Bearer {secret}") => 200,
                    _ => 401,
                };
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                (&connection).write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What the service answers to whoever comes with this secret.
    pub(crate) fn status(&self, secret: &str) -> u16 {
        let header = format!("Authorization: Bearer {secret}");
        curl(&[
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
            "--header",
            &header,
            &self.url("/secret"),
        ])
        .parse()
        .unwrap()
    }
}

/// Path and authorization of a request.
fn request(connection: &TcpStream) -> (String, String) {
    let mut lines = BufReader::new(connection)
        .lines()
        .map(Result::unwrap)
        .take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let header = lines.filter_map(|line| line.split_once(": ").map(|(n, v)| (n.to_lowercase(), v.to_owned())));
    let authorization = header.fold(
        String::new(),
        |kept, (name, value)| if name == "authorization" { value } else { kept },
    );
    (path, authorization)
}
