//! Command documents with the real binary and real commands: their rules, downloads, packages, and what a kill leaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use common::Machine;
use serde_json::{Value, json};

/// Writes a document of schema 2.2 with these steps.
fn document(machine: &Machine, name: &str, steps: &Value) {
    let text = json!({"schemaVersion": "2.2", "mainSteps": steps});
    fs::write(machine.path().join("runbooks").join(name), text.to_string()).unwrap();
}

fn shell(name: &str, lines: &[&str]) -> Value {
    json!({"name": name, "action": "aws:runShellScript", "inputs": {"runCommand": lines}})
}

/// Runs a document to its end: the exit code, and how it stands then.
fn run(machine: &Machine, name: &str) -> (i32, Value) {
    let done = machine.say(&format!("runwright run {name} --id it"));
    let shown = shown(machine);
    assert_ne!(done.exit, 2, "{}", done.stderr);
    (done.exit, shown)
}

fn shown(machine: &Machine) -> Value {
    let done = machine.say("runwright show it --output json");
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", done.stderr))
}

/// `name status` of each step.
fn statuses(shown: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = shown["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| format!("{} {}", text(&step["name"]), text(&step["status"])))
        .collect()
}

fn outputs<'v>(shown: &'v Value, step: &str) -> &'v Value {
    let steps = shown["steps"].as_array().unwrap();
    let found = steps.iter().find(|known| known["name"] == step).unwrap();
    found.get("outputs").unwrap_or_else(|| panic!("{found}"))
}

/// Its own folder, which a test takes away.
struct Folder(String);

impl Folder {
    fn of(id: &str) -> Self {
        Self(format!("/var/tmp/runwright-{id}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_failed_step_does_not_stop_the_others() {
    let machine = Machine::new();
    let mut late = shell("late", &["exec tail -f /dev/null"]);
    late["inputs"]["timeoutSeconds"] = json!(5);
    let steps = json!([
        shell("one", &["echo 1"]),
        late,
        shell("two", &["exit 7"]),
        shell("three", &["echo 3"])
    ]);
    document(&machine, "rules.json", &steps);
    let (exit, shown) = run(&machine, "rules");
    assert_eq!(exit, 1);
    assert_eq!(
        statuses(&shown),
        ["one Success", "late TimedOut", "two Failed", "three Success"]
    );
    assert_eq!(
        shown["status"], "Failed",
        "a failure counts more than a timeout before it"
    );
    assert_eq!(outputs(&shown, "three")["StandardOutput"], "3\n");
}

#[test]
fn a_step_may_ask_for_the_end() {
    let table = [
        (json!({"runCommand": ["exit 168"]}), "Success", "Success"),
        (json!({"runCommand": ["exit 169"]}), "Failed", "Failed"),
        (
            json!({"runCommand": ["exit 4"], "onFailure": "exit"}),
            "Failed",
            "Failed",
        ),
        (
            json!({"runCommand": ["exit 4"], "onFailure": "successAndExit"}),
            "Success",
            "Success",
        ),
        (
            json!({"runCommand": ["exit 0"], "onSuccess": "exit"}),
            "Success",
            "Success",
        ),
        // What no plugin could run asks for it too.
        (
            json!({"runCommand": ["{{ssm:/none}}"], "onFailure": "exit"}),
            "Failed",
            "Failed",
        ),
    ];
    for (inputs, first, whole) in table {
        let machine = Machine::new();
        let mut last = shell("last", &["echo last"]);
        last["inputs"]["finallyStep"] = json!("true");
        let first_step = json!({"name": "first", "action": "aws:runShellScript", "inputs": inputs});
        document(
            &machine,
            "end.json",
            &json!([first_step, shell("skipped", &["echo no"]), last]),
        );
        let (_, shown) = run(&machine, "end");
        let expected = [
            format!("first {first}"),
            "skipped Skipped".into(),
            "last Success".into(),
        ];
        assert_eq!(
            (statuses(&shown), &shown["status"]),
            (expected.to_vec(), &json!(whole)),
            "{inputs}"
        );
    }
}

#[test]
fn a_runbook_runs_a_document_and_documents_run_others_three_deep() {
    let machine = Machine::new();
    let runs = |name: &str| {
        json!([{"name": "run", "action": "aws:runDocument",
        "inputs": {"documentType": "SSMDocument", "documentPath": name}}])
    };
    document(&machine, "d4.json", &json!([shell("deep", &["echo deep"])]));
    for (name, inner) in [("d3", "d4"), ("d2", "d3"), ("d1", "d2"), ("d0", "d1")] {
        document(&machine, &format!("{name}.json"), &runs(inner));
    }
    let runbook = |name: &str| {
        let step = json!({"name": "run", "action": "aws:runCommand", "inputs": {"DocumentName": name}});
        let text = json!({"schemaVersion": "0.3", "mainSteps": [step]});
        fs::write(machine.path().join("runbooks/rb.json"), text.to_string()).unwrap();
    };
    runbook("d1");
    let (exit, shown) = run(&machine, "rb");
    assert_eq!((exit, &outputs(&shown, "run")["Output"]), (0, &json!("deep\n")));
    runbook("d0");
    let done = machine.say("runwright run rb --id deeper");
    assert_eq!(done.exit, 1);
    assert!(done.stdout.contains("nested 4 deep; at most 3"), "{}", done.stdout);
}

/// A repository with one document and one script.
fn repository(at: &Path) {
    fs::create_dir_all(at.join("docs")).unwrap();
    let steps = json!([shell("inner", &["echo inner in $(basename \"$PWD\" | cut -c 1-9)"])]);
    let text = json!({"schemaVersion": "2.2", "mainSteps": steps});
    fs::write(at.join("docs/inner.json"), text.to_string()).unwrap();
    fs::write(at.join("hello.sh"), "echo hello from git\n").unwrap();
    for arguments in [
        &["init", "--quiet", "--initial-branch", "main"][..],
        &["add", "."],
        &[
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.com",
            "commit",
            "--quiet",
            "-m",
            "x",
        ],
    ] {
        assert!(
            Command::new("git")
                .args(arguments)
                .current_dir(at)
                .status()
                .unwrap()
                .success()
        );
    }
}

/// Answers requests with this body, for as long as the test runs; the first one with a redirect.
fn server(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 2_048];
            let read = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let answer = match request.split(' ').nth(1) {
                Some("/old.sh") => "HTTP/1.1 302 Found\r\nLocation: /tool.sh\r\nContent-Length: 0\r\n\r\n".to_owned(),
                Some("/tool.sh") => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
                _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn what_is_downloaded_is_run() {
    let machine = Machine::new();
    let _folder = Folder::of("it");
    let source = machine.path().join("source");
    repository(&source);
    let address = server("echo hello from http\n");
    let download = |name: &str, kind: &str, info: Value, to: &str| {
        json!({"name": name, "action": "aws:downloadContent",
            "inputs": {"sourceType": kind, "sourceInfo": info, "destinationPath": to}})
    };
    let http = |path: &str| json!({"url": format!("http://{address}/{path}"), "allowInsecureDownload": "true"});
    let local = json!({"name": "run", "action": "aws:runDocument",
        "inputs": {"documentType": "LocalPath", "documentPath": "repo/docs/inner.json"}});
    let steps = json!([
        download(
            "git",
            "Git",
            json!({"repository": source, "getOptions": "branch:main"}),
            "repo/"
        ),
        download("http", "HTTP", http("old.sh"), "tools/x.sh"),
        download("missing", "HTTP", http("none.sh"), ""),
        local,
        shell("scripts", &["sh repo/hello.sh", "sh tools/x.sh"]),
    ]);
    document(&machine, "fetch.json", &steps);
    let (_, shown) = run(&machine, "fetch");
    assert_eq!(
        statuses(&shown),
        [
            "git Success",
            "http Success",
            "missing Failed",
            "run Success",
            "scripts Success"
        ],
        "{shown:#}"
    );
    assert_eq!(
        outputs(&shown, "scripts")["StandardOutput"],
        "hello from git\nhello from http\n"
    );
    assert!(
        outputs(&shown, "run")["StandardOutput"]
            .as_str()
            .unwrap()
            .starts_with("inner in ")
    );
}

/// A zip file with one file in it, not compressed; and its digest, from the machine's own program.
fn package(folder: &Path, version: &str, script: &str) {
    let crc = crc32fast::hash(script.as_bytes());
    let size = u32::try_from(script.len()).unwrap();
    let mut zip = Vec::new();
    let mut central = Vec::new();
    let mut count = 0_u16;
    for name in ["install.sh", "uninstall.sh", "update.sh"] {
        let offset = u32::try_from(zip.len()).unwrap();
        let mut common = Vec::new();
        for field in [20_u16, 0, 0, 0, 0] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc, size, size] {
            common.extend(field.to_le_bytes());
        }
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(name.as_bytes());
        zip.extend(script.as_bytes());
        central.extend(b"PK\x01\x02\x14\x00");
        central.extend(&common);
        central.extend([0; 10]);
        central.extend(offset.to_le_bytes());
        central.extend(name.as_bytes());
        count += 1;
    }
    let start = u32::try_from(zip.len()).unwrap();
    let length = u32::try_from(central.len()).unwrap();
    zip.extend(central);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(count.to_le_bytes());
    zip.extend(count.to_le_bytes());
    zip.extend(length.to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend(0_u16.to_le_bytes());
    let folder = folder.join(version);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("tool.zip");
    fs::write(&file, zip).unwrap();
    let digest = Command::new("sha256sum").arg(&file).output().unwrap().stdout;
    let digest = String::from_utf8(digest).unwrap();
    let manifest = json!({"schemaVersion": "2.0", "version": version,
        "packages": {"_any": {"_any": {"_any": {"file": "tool.zip"}}}},
        "files": {"tool.zip": {"checksums": {"sha256": digest.split(' ').next().unwrap()}}}});
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
}

#[test]
fn packages_are_installed_replaced_and_removed() {
    let machine = Machine::new();
    let tool = machine.path().join("packages/tool");
    let log = machine.path().join("log");
    let script = |version: &str| {
        format!(
            "echo \"{version} $(basename \"$0\") $SSM_HOW\" >> '{}'\n",
            log.display()
        )
    };
    package(&tool, "1.9", &script("1.9"));
    package(&tool, "1.10", &script("1.10"));
    let packages = machine.path().join("packages");
    machine.say(&format!(
        "runwright param put /runwright/packages {}",
        packages.display()
    ));
    let step = |name: &str, action: &str, version: &str, kind: &str| {
        json!({"name": name, "action": "aws:configurePackage", "inputs": {"name": "tool", "action": action,
            "version": version, "installationType": kind, "additionalArguments": {"SSM_HOW": "x"}}})
    };
    let steps = json!([
        step("old", "Install", "1.9", ""),
        step("again", "Install", "1.9", ""),
        step("new", "Install", "", "Uninstall and reinstall"),
        step("back", "Install", "1.9", "In-place update"),
        step("remove", "Uninstall", "", ""),
        step("absent", "Uninstall", "", ""),
    ]);
    document(&machine, "pack.json", &steps);
    let (exit, shown) = run(&machine, "pack");
    assert_eq!(exit, 0, "{shown:#}");
    let expected = "1.9 install.sh x\n1.9 uninstall.sh x\n1.10 install.sh x\n1.9 update.sh x\n1.9 uninstall.sh x\n";
    assert_eq!(fs::read_to_string(&log).unwrap(), expected);
    fs::write(tool.join("1.10/tool.zip"), "another").unwrap();
    document(&machine, "pack.json", &json!([step("new", "Install", "", "")]));
    let done = machine.say("runwright run pack");
    assert!(done.stdout.contains("another SHA-256"), "{}", done.stdout);
}

#[test]
fn an_inventory_is_a_file_of_json() {
    let machine = Machine::new();
    let folder = Folder::of("it");
    let files = json!([{"Path": machine.path().join("runbooks"), "Pattern": ["greet.*"]}]).to_string();
    let steps = json!([{"name": "take", "action": "aws:softwareInventory", "inputs": {"applications": "Enabled",
        "networkConfig": "Enabled", "instanceDetailedInformation": "Enabled", "services": "Enabled", "files": files}}]);
    document(&machine, "stock.json", &steps);
    let (exit, shown) = run(&machine, "stock");
    assert_eq!(exit, 0, "{shown:#}");
    let text = fs::read_to_string(format!("{}/inventory.json", folder.0)).unwrap();
    let inventory: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(inventory["AWS:File"][0]["Name"], "greet.yaml", "{inventory:#}");
    assert!(
        inventory["AWS:Network"]
            .as_array()
            .unwrap()
            .iter()
            .any(|link| link["Name"] == "lo")
    );
    assert_eq!(inventory["AWS:InstanceInformation"].as_array().unwrap().len(), 1);
}

/// Starts the document, and kills the engine at a line with this word.
fn killed_at(machine: &Machine, name: &str, word: &str) {
    let words: Vec<String> = ["runwright", "run", name, "--id", "it"].map(str::to_owned).to_vec();
    let mut engine: Child = machine.command(&words).spawn().unwrap();
    let lines = BufReader::new(engine.stderr.take().unwrap()).lines();
    assert!(
        lines.map_while(Result::ok).any(|line| line.contains(word)),
        "{word} is shown"
    );
    engine.kill().unwrap();
    engine.wait().unwrap();
}

#[test]
fn a_killed_engine_goes_on_with_the_document_where_it_was() {
    let machine = Machine::new();
    let (gate, log) = (machine.path().join("gate"), machine.path().join("log"));
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let say = |word: &str| format!("echo {word} >> '{}'", log.display());
    let wait = format!("echo waits; read -r word < '{}'", gate.display());
    let steps = json!([
        shell("first", &[&say("first"), "exit 3"]),
        shell("second", &[&say("second"), &wait, "echo \"got $word\"; exit 168"]),
        shell("third", &[&say("third")]),
    ]);
    document(&machine, "long.json", &steps);
    killed_at(&machine, "long", "waits");
    fs::write(&gate, "go\n").unwrap();
    let done = machine.say("runwright resume it");
    assert_eq!(done.exit, 1, "{}", done.stderr);
    let shown = shown(&machine);
    assert_eq!(statuses(&shown), ["first Failed", "second Success", "third Skipped"]);
    assert_eq!(outputs(&shown, "second")["StandardOutput"], "waits\ngot go\n");
    assert_eq!(
        fs::read_to_string(&log).unwrap(),
        "first\nsecond\n",
        "nothing ran twice"
    );
}

#[test]
fn what_failed_is_mended_from_the_first_failure_on() {
    let machine = Machine::new();
    let (gate, log) = (machine.path().join("there"), machine.path().join("log"));
    let look = format!("test -e '{}'", gate.display());
    let say = |word: &str| format!("echo {word} >> '{}'", log.display());
    let mut last = shell("last", &[&look]);
    last["inputs"]["onFailure"] = json!("exit");
    let steps = json!([
        shell("one", &[&say("one")]),
        shell("two", &[&look]),
        shell("three", &[&say("three")]),
        last,
        shell("five", &[&say("five")])
    ]);
    document(&machine, "mend.json", &steps);
    assert_eq!(run(&machine, "mend").0, 1);
    fs::write(&gate, "").unwrap();
    let done = machine.say("runwright resume it");
    assert_eq!(done.exit, 0, "{}{}", done.stdout, done.stderr);
    assert_eq!(shown(&machine)["status"], "Success");
    assert_eq!(fs::read_to_string(&log).unwrap(), "one\nthree\nthree\nfive\n");
}

#[test]
fn a_reboot_is_waited_for() {
    let machine = Machine::new();
    document(
        &machine,
        "boot.json",
        &json!([shell("kernel", &["exit 194"]), shell("after", &["echo after"])]),
    );
    let words: Vec<String> = ["runwright", "run", "boot", "--id", "it"].map(str::to_owned).to_vec();
    let mut engine = machine.command(&words).spawn().unwrap();
    let began = Instant::now();
    // What is waited for is there once the script has ended.
    while !machine.say("runwright why it").stdout.contains("boot_id") {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}",
            machine.say("runwright why it").stdout
        );
    }
    engine.kill().unwrap();
    engine.wait().unwrap();
    assert_eq!(statuses(&shown(&machine)), ["kernel InProgress", "after Pending"]);
    assert_eq!(machine.say("runwright cancel it").exit, 0);
}
