//! A folder of its own for each test, the command in it, and words for what differs from run to run.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use fancy_regex::Regex;

/// A folder with the runbooks of `tests/runbooks`, and a state directory.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: i32,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runbooks = folder.path().join("runbooks");
        fs::create_dir(&runbooks).unwrap();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runbooks")).unwrap() {
            let file = entry.unwrap().path();
            fs::copy(&file, runbooks.join(file.file_name().unwrap())).unwrap();
        }
        // A plugin that does as it is told, and never changes.
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/tests/kept/0.1.0/misbehave.wasm");
        fs::copy(kept, runbooks.join("misbehave.wasm")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// The command with these words, ready to start. It sees nothing of the caller's environment.
    pub(crate) fn command(&self, words: &[String]) -> Command {
        assert_eq!(words[0], "runwright", "sessions run one command only");
        let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
        command
            .args(&words[1..])
            .current_dir(self.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path())
            .env("RUNWRIGHT_STATE_DIR", self.path().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end with this on standard input.
    pub(crate) fn run(&self, words: &[String], input: &str) -> Done {
        let mut child = self.command(words).spawn().unwrap();
        // A command that does not read it may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Done {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().unwrap(),
        }
    }

    /// The same for words written with spaces.
    pub(crate) fn say(&self, command: &str) -> Done {
        self.run(&command.split(' ').map(str::to_owned).collect::<Vec<_>>(), "")
    }
}

/// The text with a word in the place of everything that differs from run to run.
pub(crate) fn normalised(text: &str, machine: &Machine) -> String {
    let rules = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
        (r"sha256:[0-9a-f]{64}", "<digest>"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z", "<moment>"),
        (r"\b\d\d:\d\d:\d\d\.\d{3}\b", "<time>"),
        (
            r#"("(?:\w+At|at|until|modified|DecisionTime|DurationMs)": ?)\d+"#,
            "$1<number>",
        ),
        (r"\b\d+(\.\d)? (ms|s|min|h|d)( \d+ (s|min|h))?\b", "<duration>"),
        (r"DurationMs = \d+", "DurationMs = <number>"),
        (r#"("size": )\d+"#, "$1<number>"),
        (r"\b\d+\.\d (KiB|MiB)|\b\d+ bytes\b", "<size>"),
        (r#"("bytes(Before|After|OnDisk)?": )\d+"#, "$1<number>"),
        (r"process \d+", "process <pid>"),
    ];
    let mut text = text.replace(&machine.path().display().to_string(), "<folder>");
    for (pattern, word) in rules {
        text = Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let user = user.trim();
    for (before, after) in [("by ", ""), ("\"startedBy\": \"", "\""), ("\"Approver\":\"", "\"")] {
        text = text.replace(&format!("{before}{user}{after}"), &format!("{before}<user>{after}"));
    }
    text = Regex::new(&format!(r"(<duration> +){user}\b"))
        .unwrap()
        .replace_all(&text, "$1<user>")
        .into_owned();
    // The width of a column depends on what it holds. Drawings keep their places.
    let columns = Regex::new(r" {2,}").unwrap();
    text.lines()
        .map(|line| {
            let indent = line.len() - line.trim_start().len();
            let rest = &line[indent..];
            let drawn = rest.contains(['│', '●', '◆', '├', '┊', '|']);
            let rest = if drawn {
                rest.to_owned()
            } else {
                columns.replace_all(rest, "  ").into_owned()
            };
            format!("{}{rest}\n", &line[..indent])
        })
        .collect()
}
