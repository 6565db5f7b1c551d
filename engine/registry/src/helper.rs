//! Programs that keep logins for docker: `docker-credential-NAME get` reads a registry's host from standard input and writes
//! JSON to standard output.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::credentials::Login;

/// How long one may take: it may ask a person.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often is looked whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// The most bytes of its answer.
const ANSWER_BYTES: u64 = 64 * 1024;
/// How much of what it complains of is shown.
const SHOWN_CHARS: usize = 200;
/// What the protocol has a program say when it knows no login.
const UNKNOWN: &str = "credentials not found";
/// The user of a login that is no password: what comes with it is to be changed for a token in a way of its own.
const IDENTITY: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The program's name for what docker's `config.json` calls a helper or a store; nothing for what could be a path.
pub(crate) fn program(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!name.is_empty() && name.chars().all(is_plain)).then(|| format!("docker-credential-{name}"))
}

/// Asks a program for the login of a registry; `None` when it knows none. Blocks.
///
/// # Errors
///
/// Why there is no answer, in words without anything of a login.
pub(crate) fn ask(program: &str, host: &str, patience: Duration) -> Result<Option<Login>, String> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|why| format!("it cannot be started: {why}"))?;
    // One that does not read the host says by itself what it makes of that.
    drop(child.stdin.take().map(|mut stdin| stdin.write_all(host.as_bytes())));
    let answer = reading(&mut child);
    let ended = wait(&mut child, began + patience);
    let read = answer.recv_timeout(patience.saturating_sub(began.elapsed()));
    let (Some(status), Ok(text)) = (ended, read) else {
        return Err(format!("it has not answered for {} s", patience.as_secs()));
    };
    if status.success() {
        return login(&text);
    }
    let text = String::from_utf8_lossy(&text);
    if text.contains(UNKNOWN) {
        return Ok(None);
    }
    let shown: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN_CHARS)
        .collect();
    Err(format!("{status}: {shown}"))
}

/// Reads standard output beside the program.
fn reading(child: &mut Child) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut text = Zeroizing::new(Vec::new());
            if stdout.take(ANSWER_BYTES).read_to_end(&mut text).is_ok() {
                // Nobody listens any more when it took too long.
                let _ = sender.send(text);
            }
        });
    }
    receiver
}

/// How it ended; `None` when it was still at it, and had to be ended.
fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => thread::sleep(PAUSE),
            Ok(None) | Err(_) => {
                // It may have ended by itself just now.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

fn login(text: &[u8]) -> Result<Option<Login>, String> {
    // The parser's message could show a part of the login.
    let answer: Answer =
        serde_json::from_slice(text).map_err(|_| "its answer has no `Username` and `Secret`".to_owned())?;
    if answer.username == IDENTITY {
        return Err("it keeps an identity token, and only user names with passwords are understood here".to_owned());
    }
    Ok(Some(Login {
        user: answer.username,
        password: Zeroizing::new(answer.secret),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a script that is asked.
    fn asked(script: &str, patience: Duration) -> Result<Option<(String, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("docker-credential-test");
        // Written by another process: a file that this one has open for writing, as a thread's fork would keep it, cannot be run.
        let mut install = Command::new("install")
            .args(["-m", "755", "/dev/stdin"])
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let text = format!("#!/bin/sh\n{script}\n");
        install.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(install.wait().unwrap().success());
        let login = ask(&file.display().to_string(), "a.example", patience)?;
        Ok(login.map(|login| (login.user, login.password.to_string())))
    }

    #[test]
    fn a_program_is_asked_as_docker_asks_it() {
        let script = r#"[ "$1" = get ] && read -r host; echo "{\"ServerURL\": \"$host\", \"Username\": \"kim of $host\", \"Secret\": \"s\"}""#;
        let found = asked(script, PATIENCE).unwrap().unwrap();
        assert_eq!(found, ("kim of a.example".to_owned(), "s".to_owned()));
        let none = asked("echo credentials not found in native keychain; exit 1", PATIENCE);
        assert_eq!(none, Ok(None));
    }

    #[test]
    fn one_that_does_not_answer_is_an_error_that_shows_no_login() {
        let failed = asked("echo the keyring is locked; exit 3", PATIENCE).unwrap_err();
        assert!(
            failed.contains("3") && failed.contains("the keyring is locked"),
            "{failed}"
        );
        let garbage = asked(r#"echo '{"Username": "kim", "Secret": hunter2}'"#, PATIENCE).unwrap_err();
        assert!(!garbage.contains("hunter2"), "{garbage}");
        let identity = asked(r#"echo '{"Username": "<token>", "Secret": "hunter2"}'"#, PATIENCE).unwrap_err();
        assert!(
            identity.contains("identity token") && !identity.contains("hunter2"),
            "{identity}"
        );
        let slow = asked("exec sleep 600", Duration::ZERO).unwrap_err();
        assert!(slow.contains("has not answered"), "{slow}");
        assert!(
            ask("/nowhere/docker-credential-x", "a", PATIENCE)
                .unwrap_err()
                .contains("cannot be started")
        );
    }

    #[test]
    fn a_name_is_no_path() {
        assert_eq!(program("osxkeychain").as_deref(), Some("docker-credential-osxkeychain"));
        for name in ["", "../x", "a b", "/bin/sh"] {
            assert_eq!(program(name), None, "{name}");
        }
    }
}
