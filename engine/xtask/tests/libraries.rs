//! The SDKs' libraries for other languages, tested by those languages' own means. A language that is not installed here is
//! skipped, and says so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{path::Path, process::Command};

#[expect(clippy::print_stderr, reason = "who runs the tests must see what was not tested")]
fn passes(program: &str, is_there: &[&str], tests: &[&str], folder: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let there = Command::new(program).args(is_there).output();
    if !there.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: `{program} {}` does not work here", is_there.join(" "));
        return;
    }
    let output = Command::new(program)
        .args(tests)
        .current_dir(root.join(folder))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}", said.concat());
}

#[test]
fn python() {
    let new_enough = ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"];
    let tests = ["-m", "unittest", "discover", "-s", "tests", "-t", "."];
    passes("python3", &new_enough, &tests, "sdk/python");
}

#[test]
fn javascript() {
    let new_enough = [
        "-e",
        "process.exit(Number(process.versions.node.split('.')[0]) < 20 ? 1 : 0)",
    ];
    passes(
        "node",
        &new_enough,
        &[
            "--test",
            "tests/library.test.js",
            "tests/readme.test.js",
            "tests/world.test.js",
        ],
        "sdk/js",
    );
}

#[test]
fn go() {
    let new_enough = "go version | grep -Eq 'go1[.](2[4-9]|[3-9][0-9])'";
    let tests = "GOTOOLCHAIN=local GOWORK=off go test ./...";
    passes("sh", &["-c", new_enough], &["-c", tests], "sdk/go/tests");
}

/// Built by whatever compiles C here, and run: the library's tests, and the tutorial's plugin with its test. The programs stay in
/// cargo's folder for such things.
#[test]
fn c() {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/c");
    let build = format!(
        "mkdir -p '{folder}'
        awk '/^```/ {{ c = $0 == \"```c\"; n += c; next }} c {{ print > \"{folder}/\" n \".c\" }}' README.md
        for files in 'tests/*.c' '{folder}/*.c'; do
            cc -std=gnu11 -Wall -Wextra -Werror -Ilib lib/*.c lib/testing/*.c lib/yyjson/yyjson.c $files -o '{folder}/tests' &&
            '{folder}/tests' || exit 1
        done"
    );
    passes("sh", &["-c", "cc --version"], &["-c", &build], "sdk/c");
}
