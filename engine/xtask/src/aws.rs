//! `cargo xtask aws`: runbooks end to end against a stand-in for AWS.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{cargo, have_target, python, run, say, target_dir};

/// The stand-in.
const MOTO: &str = "moto[server]==5.2.5";
/// Lambda functions answer with what they are given, and state machines are carried out: both without Docker.
const CONFIGURATION: &str = r#"{"lambda": {"use_docker": false}, "stepfunctions": {"execute_state_machine": true}}"#;
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The stand-in, ended with this value.
struct Moto {
    process: Child,
    address: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Builds the component if it is not fresh, starts the stand-in, and runs the tests that need both.
pub(crate) fn test(rest: &[String]) -> anyhow::Result<()> {
    have_target()?;
    let component = target_dir().join("plugins").join("python.wasm");
    if !python::is_fresh(&component)? {
        python::build()?;
    }
    let moto = start()?;
    run(cargo()
        .args(["test", "--workspace", "--test", "aws", "--"])
        .args(rest)
        .env(
            "RUNWRIGHT_TEST_PLUGINS",
            component.parent().context("a file is in a folder")?,
        )
        .env("RUNWRIGHT_TEST_AWS", &moto.address)
        .env("AWS_ENDPOINT_URL", &moto.address)
        .env("AWS_REGION", "eu-north-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN"))
}

fn start() -> anyhow::Result<Moto> {
    let programs = python::environment("moto", &[MOTO.to_owned()])?;
    // Free now, and hardly taken in the next moment.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let process = Command::new(programs.join("moto_server"))
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start moto_server")?;
    let mut moto = Moto {
        process,
        address: format!("http://127.0.0.1:{port}"),
    };
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = moto.process.try_wait()? {
            bail!("moto_server ended ({status})");
        }
        if began.elapsed() > PATIENCE {
            bail!("moto_server does not listen on port {port}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    configure(port).context("moto_server cannot be configured")?;
    say(&format!("moto listens on {}", moto.address));
    Ok(moto)
}

fn configure(port: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(
        stream,
        "POST /moto-api/config HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{CONFIGURATION}",
        CONFIGURATION.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    if status != "201" {
        bail!("it answered: {answer}");
    }
    Ok(())
}
