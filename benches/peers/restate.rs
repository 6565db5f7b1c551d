//! Restate, the fastest durable engine we know of, doing the same on the same machine in the same run.
//!
//! Server and SDK come from npm, into a folder beside the scratch folder. The server runs with its defaults (it syncs
//! its log); telemetry is switched off. The service and the load generator are the scripts in `restate/`; they share the
//! processors with the server, as everybody's SDK does.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Outcome, disk,
    figures::{Measured, median},
    machine,
    plan::{Scale, fresh},
};

/// The versions that were measured before: figures of others cannot be compared with them.
const PACKAGES: [&str; 2] = ["@restatedev/restate-server@1.7.12", "@restatedev/restate-sdk@1.17.2"];
const INGRESS: &str = "127.0.0.1:8080";
const ADMIN: &str = "127.0.0.1:9070";
const SERVICE: &str = "127.0.0.1:9180";
const COUNTER: &str = "127.0.0.1:9181";
/// Executions that sleep when it is killed.
const SLEEPERS: usize = 10_000;

/// Installs what is missing, and measures.
pub(crate) fn measure(folder: &Path, scale: Scale) -> Outcome<Measured> {
    let home = installed(&folder.with_file_name("restate"))?;
    let service = Ended(
        Command::new("node")
            .args(["--import", "./promises.mjs", "service.mjs"])
            .args([port(SERVICE), port(COUNTER)])
            .current_dir(&home)
            .env("NODE_ENV", "production")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?,
    );
    wait_for(COUNTER)?;
    let state = fresh(folder, "restate")?;
    let server = serve(&home, &state)?;
    let body = format!(r#"{{"uri":"http://{SERVICE}"}}"#);
    request(ADMIN, "POST", "/deployments", &body)?;
    let mut measured = steps(&home, folder, scale)?;
    measured.extend(sleepers(&home, &state, server, scale)?);
    drop(service);
    Ok(measured)
}

/// Ends with its scope.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn installed(home: &Path) -> Outcome<PathBuf> {
    std::fs::create_dir_all(home)?;
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/restate");
    for script in ["service.mjs", "promises.mjs", "load.mjs"] {
        std::fs::copy(scripts.join(script), home.join(script))?;
    }
    let marker = home.join("installed");
    if std::fs::read_to_string(&marker).is_ok_and(|text| text == PACKAGES.join(" ")) {
        return Ok(home.to_owned());
    }
    crate::say(&format!("  npm install {}", PACKAGES.join(" ")));
    let status = Command::new("npm")
        .args([
            "install",
            "--no-fund",
            "--no-audit",
            "--ignore-scripts",
            "--prefix",
            ".",
        ])
        .args(PACKAGES)
        .current_dir(home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("npm cannot be run ({error}): install Node.js first"))?;
    if !status.success() {
        return Err(format!("npm could not install Restate ({status})").into());
    }
    std::fs::write(&marker, PACKAGES.join(" "))?;
    Ok(home.to_owned())
}

/// Starts the server, and returns when it answers.
fn serve(home: &Path, state: &Path) -> Outcome<Ended> {
    let packages = home.join("node_modules/@restatedev");
    let binary = std::fs::read_dir(packages)?
        .flatten()
        .map(|package| package.path().join("bin/restate-server"))
        .find(|path| path.is_file())
        .ok_or("Restate has no server for this machine")?;
    let log = File::create(state.with_file_name("restate.log"))?;
    let server = Command::new(binary)
        .args([
            "--no-logo",
            "--listen-mode",
            "tcp",
            "--bind-ip",
            "127.0.0.1",
            "--base-dir",
        ])
        .arg(state)
        .env("RESTATE_DISABLE_TELEMETRY", "true")
        .env("DO_NOT_TRACK", "1")
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let server = Ended(server);
    wait_for(INGRESS)?;
    let patience = Instant::now() + Duration::from_secs(60);
    while request(ADMIN, "GET", "/health", "").is_err() {
        if Instant::now() > patience {
            return Err("Restate did not become healthy within a minute".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}

/// One execution of 100 steps, and 64 at once.
fn steps(home: &Path, folder: &Path, scale: Scale) -> Outcome<Measured> {
    // Until the compilers of Node have warmed up.
    load(home, &["steps", "64", &scale.of(128).max(8).to_string(), "100"])?;
    let (mut times, mut rates) = (Vec::new(), Vec::new());
    let (mut raw_us, mut raw_rates) = (Vec::new(), Vec::new());
    for _ in 0..scale.of(5).max(1) {
        raw_us.push(disk::probe(folder, scale)?["raw_us"]);
        times.push(load(home, &["steps", "1", "5", "100"])?["step_us"]);
        raw_rates.push(disk::many_writers(folder, disk::group_time(scale))?);
        rates.push(load(home, &["steps", "64", &scale.of(192).max(8).to_string(), "100"])?["steps_per_s"]);
    }
    Ok([
        ("step_us".to_owned(), median(&mut times)),
        ("raw_us".to_owned(), median(&mut raw_us)),
        ("steps_per_s".to_owned(), median(&mut rates)),
        ("raw_64_per_s".to_owned(), median(&mut raw_rates)),
    ]
    .into())
}

/// Thousands sleep; their memory; killed, started again when they are due, and watched to the end.
fn sleepers(home: &Path, state: &Path, server: Ended, scale: Scale) -> Outcome<Measured> {
    // Restate suspends what has been inactive for a minute; its memory is looked at after that.
    let (suspend, sleep) = match scale {
        Scale::Full => (Duration::from_secs(75), Duration::from_secs(85)),
        Scale::Quick => (Duration::ZERO, Duration::from_secs(5)),
    };
    let executions = scale.of(SLEEPERS);
    let process = server.0.id();
    let before = machine::memory_kib(process, "VmRSS");
    let begin = Instant::now();
    let until = machine::wall_ns() / 1_000_000 + sleep.as_millis();
    load(home, &["sleepers", &executions.to_string(), &until.to_string()])?;
    std::thread::sleep(suspend.saturating_sub(begin.elapsed()));
    let suspended = machine::memory_kib(process, "VmRSS");
    if begin.elapsed() >= sleep || woken()? > 0 {
        return Err("the executions of Restate did not fall asleep in time".into());
    }
    // SIGKILL.
    drop(server);
    std::thread::sleep((sleep + Duration::from_secs(2)).saturating_sub(begin.elapsed()));
    let again = Instant::now();
    let _server = serve(home, state)?;
    let mut first_s = None;
    let patience = again + Duration::from_secs(180);
    loop {
        let woken = woken()?;
        if woken > 0 && first_s.is_none() {
            first_s = Some(again.elapsed().as_secs_f64());
        }
        if woken >= executions {
            break;
        }
        if Instant::now() > patience {
            return Err(format!("{woken} of {executions} of Restate's executions woke within three minutes").into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok([
        ("first_s".to_owned(), first_s.unwrap_or(f64::NAN)),
        ("all_s".to_owned(), again.elapsed().as_secs_f64()),
        ("kib_each".to_owned(), (suspended - before) / executions as f64),
        ("base_mib".to_owned(), before / 1024.0),
    ]
    .into())
}

fn woken() -> Outcome<usize> {
    Ok(request(COUNTER, "GET", "/", "")?.trim().parse()?)
}

fn load(home: &Path, words: &[&str]) -> Outcome<Measured> {
    let output = Command::new("node")
        .arg("load.mjs")
        .arg(format!("http://{INGRESS}"))
        .args(words)
        .current_dir(home)
        .output()?;
    if !output.status.success() {
        return Err(format!("the load generator: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap_or_default()
}

fn wait_for(address: &str) -> Outcome<()> {
    let patience = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(address).is_err() {
        if Instant::now() > patience {
            return Err(format!("nobody listens on {address} after a minute").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// One small request to this machine, whose answer closes the connection.
fn request(address: &str, method: &str, path: &str, body: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, rest) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !status.starts_with('2') {
        return Err(format!("{method} {address}{path} answered {status}: {rest}").into());
    }
    // A short answer in chunks has its length on a line of its own before it.
    let text = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        rest.split("\r\n").nth(1).unwrap_or_default()
    } else {
        rest
    };
    Ok(text.to_owned())
}
