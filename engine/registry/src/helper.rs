//! Programs that keep logins for docker: `docker-credential-NAME get` reads a registry's host from standard input and writes
//! JSON to standard output.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};
use zeroize::Zeroizing;

use crate::credentials::Login;

/// How long one may take: it may ask a person.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
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

/// Asks a program for the login of a registry; `None` when it knows none. One that takes too long is ended.
///
/// # Errors
///
/// Why there is no answer, in words without anything of a login.
pub(crate) async fn ask(program: &str, host: &str, patience: Duration) -> Result<Option<Login>, String> {
    let child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|why| format!("it cannot be started: {why}"))?;
    let (status, text) = timeout(patience, talk(child, host))
        .await
        .map_err(|_| format!("it has not answered for {} s", patience.as_secs()))?
        .map_err(|why| format!("nothing can be read of it: {why}"))?;
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

/// Says the host, and answers how the program ended and what it wrote.
async fn talk(mut child: Child, host: &str) -> io::Result<(ExitStatus, Zeroizing<Vec<u8>>)> {
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read the host says by itself what it makes of that.
        let _ = stdin.write_all(host.as_bytes()).await;
    }
    let mut text = Zeroizing::new(Vec::new());
    if let Some(stdout) = child.stdout.take() {
        stdout.take(ANSWER_BYTES).read_to_end(&mut text).await?;
    }
    Ok((child.wait().await?, text))
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
    use std::{io::Write as _, process};

    use super::*;

    /// What comes of a script that is asked.
    async fn asked(script: &str, patience: Duration) -> Result<Option<(String, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("docker-credential-test");
        // Written by another process: a file that this one has open for writing, as a thread's fork would keep it, cannot be run.
        let mut install = process::Command::new("install")
            .args(["-m", "755", "/dev/stdin"])
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let text = format!("#!/bin/sh\n{script}\n");
        install.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(install.wait().unwrap().success());
        let login = ask(&file.display().to_string(), "a.example", patience).await?;
        Ok(login.map(|login| (login.user, login.password.to_string())))
    }

    #[tokio::test]
    async fn a_program_is_asked_as_docker_asks_it() {
        let script = r#"[ "$1" = get ] && read -r host; echo "{\"ServerURL\": \"$host\", \"Username\": \"kim of $host\", \"Secret\": \"s\"}""#;
        let found = asked(script, PATIENCE).await.unwrap().unwrap();
        assert_eq!(found, ("kim of a.example".to_owned(), "s".to_owned()));
        let none = asked("echo credentials not found in native keychain; exit 1", PATIENCE).await;
        assert_eq!(none, Ok(None));
    }

    #[tokio::test]
    async fn one_that_does_not_answer_is_an_error_that_shows_no_login() {
        let failed = asked("echo the keyring is locked; exit 3", PATIENCE).await.unwrap_err();
        assert!(
            failed.contains("3") && failed.contains("the keyring is locked"),
            "{failed}"
        );
        let garbage = asked(r#"echo '{"Username": "kim", "Secret": hunter2}'"#, PATIENCE)
            .await
            .unwrap_err();
        assert!(!garbage.contains("hunter2"), "{garbage}");
        let identity = asked(r#"echo '{"Username": "<token>", "Secret": "hunter2"}'"#, PATIENCE)
            .await
            .unwrap_err();
        assert!(
            identity.contains("identity token") && !identity.contains("hunter2"),
            "{identity}"
        );
        let slow = asked("exec sleep 600", Duration::ZERO).await.unwrap_err();
        assert!(slow.contains("has not answered"), "{slow}");
        assert!(
            ask("/nowhere/docker-credential-x", "a", PATIENCE)
                .await
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
