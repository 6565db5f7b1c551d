//! Commands that outlive the engine: found again, ended when their time is over, and never run twice.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use runwright_local::commands::{Launcher, SUPERVISE};
use runwright_model::{
    capability::{Backend as _, CallContext, Error, commands::Command},
    log::Stream,
    time::Timestamp,
};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::{
    commands::{alive, request, run_in, shell},
    world::{KEY, PLACEHOLDER, SECRET, World, assert_hidden, until},
};

/// Makes a file on which a command waits until the test lets it go.
fn gate(world: &World) -> String {
    let path = world.path("gate");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
    path
}

fn let_go(gate: &str) {
    fs::write(gate, "go\n").unwrap();
}

/// Starts a call, and drops it when the command has written something: the engine is gone.
async fn begun_and_dropped(world: &World, command: Command, context: CallContext) {
    let call = world.local.perform(request(command), context);
    let begun = until("the command has begun", || !world.lines.of(Stream::Stdout).is_empty());
    tokio::select! {
        outcome = call => panic!("{outcome:?}"),
        () = begun => {}
    }
}

/// The only record there is.
fn record(world: &World) -> std::path::PathBuf {
    let mut entries = fs::read_dir(world.state().join("commands")).unwrap();
    let found = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none());
    found
}

fn pid_in(file: &Path, at: &str) -> Pid {
    let text: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let pid = text.pointer(at).unwrap().as_i64().unwrap();
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

fn supervisor_of(world: &World) -> Pid {
    pid_in(&record(world).join("begun"), "/supervisor/pid")
}

async fn ended(world: &World) {
    let end = record(world).join("end");
    until("the command has ended", || end.exists()).await;
}

fn lines_of(path: &str) -> usize {
    fs::read_to_string(path).unwrap().lines().count()
}

#[tokio::test]
async fn a_command_that_runs_is_found_again() {
    let world = World::new();
    let (gate, marker) = (gate(&world), world.path("ran"));
    let command = shell(&format!(
        "echo $$; echo ran >> {marker}; cat {gate}; echo err >&2; exit 7"
    ));
    begun_and_dropped(&world, command.clone(), world.context()).await;
    let world = world.restarted();
    let call = run_in(&world, command, world.again());
    let attached = async {
        until("attached", || !world.lines.of(Stream::Stdout).is_empty()).await;
        let_go(&gate);
    };
    let (outcome, ()) = tokio::join!(call, attached);
    let found = outcome.unwrap();
    assert_eq!((found.exit_code, found.stderr.as_str()), (Some(7), "err\n"));
    assert!(found.stdout.ends_with("\ngo\n"), "{}", found.stdout);
    assert_eq!(lines_of(&marker), 1);
    assert!(world.lines.of(Stream::Log)[0].contains("attached"));
}

#[tokio::test]
async fn a_command_that_has_ended_is_found_with_all_it_wrote() {
    let world = World::new();
    let marker = world.path("ran");
    let command = shell(&format!(
        "echo ran >> {marker}; seq 1 400000; echo oops >&2; kill -9 $$"
    ));
    begun_and_dropped(&world, command.clone(), world.context()).await;
    ended(&world).await;
    let world = world.restarted();
    for _ in 0..2 {
        let found = run_in(&world, command.clone(), world.again()).await.unwrap();
        assert_eq!((found.exit_code, found.signal), (None, Some(9)));
        let whole = world.local.blobs().get_all(&found.stdout_blob.unwrap()).await.unwrap();
        let wanted: String = (1..=400_000).map(|n| format!("{n}\n")).collect();
        assert!(String::from_utf8(whole).unwrap() == wanted);
        assert_eq!(found.stderr, "oops\n");
    }
    assert_eq!(lines_of(&marker), 1);
    world.local.settled(KEY).await;
    assert!(fs::read_dir(world.state().join("commands")).unwrap().next().is_none());
}

#[tokio::test]
async fn a_call_that_never_began_begins() {
    let world = World::new();
    let found = run_in(&world, shell("echo now"), world.again()).await.unwrap();
    assert_eq!(found.stdout, "now\n");
}

#[tokio::test]
async fn when_its_supervisor_was_killed_nobody_knows() {
    let world = World::new();
    let marker = world.path("ran");
    let command = shell(&format!("echo ran >> {marker}; echo said; sleep 300"));
    begun_and_dropped(&world, command.clone(), world.context()).await;
    kill_process(supervisor_of(&world), Signal::KILL).unwrap();
    let process = pid_in(&record(&world).join("process"), "/pid");
    let world = world.restarted();
    let error = run_in(&world, command.clone(), world.again()).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Uncertain(_)), "{text}");
    let pid = process.as_raw_pid();
    for words in ["it began at 20", "said", &format!("process {pid} still runs")] {
        assert!(text.contains(words), "{words}: {text}");
    }
    world.stop().await;
    until("what it left is ended", || alive(&pid.to_string()).is_empty()).await;
    let error = run_in(&world, command, world.again()).await.unwrap_err();
    assert!(
        error.to_string().contains(&format!("process {pid} has ended")),
        "{error}"
    );
    assert_eq!(lines_of(&marker), 1);
}

#[tokio::test]
async fn a_supervisor_that_is_killed_while_somebody_waits_is_noticed() {
    let world = World::new();
    let call = run_in(&world, shell("echo begun; sleep 300"), world.context());
    let kill = async {
        until("begun", || !world.lines.of(Stream::Stdout).is_empty()).await;
        kill_process(supervisor_of(&world), Signal::KILL).unwrap();
    };
    let (outcome, ()) = tokio::join!(call, kill);
    assert!(matches!(outcome, Err(Error::Uncertain(_))), "{outcome:?}");
    world.stop().await;
}

#[tokio::test]
async fn the_deadline_counts_when_nobody_waits() {
    let world = World::new();
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let context = CallContext {
        deadline: Some(Timestamp::from_millis(now + 1_500)),
        ..world.context()
    };
    let command = shell("echo $$; trap '' TERM; while :; do sleep 0.05; done");
    begun_and_dropped(&world, command.clone(), context).await;
    ended(&world).await;
    let world = world.restarted();
    let error = run_in(&world, command, world.again()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut(_)), "{error}");
    assert!(alive(&world.lines.of(Stream::Stdout)[0]).is_empty());
}

#[tokio::test]
async fn stopping_ends_the_command_with_all_it_started() {
    let world = World::new();
    let escaped = world.path("escaped");
    // One that ignores the request, and one that left the session and whose parent has ended.
    let text = format!(
        "trap '' TERM; (setsid sh -c 'trap \"\" TERM; echo $$ > {escaped}; sleep 300; sleep 300' &) ; sleep 300 & \
         while [ ! -s {escaped} ]; do sleep 0.02; done; echo $$; while :; do sleep 0.05; done"
    );
    begun_and_dropped(&world, shell(&text), world.context()).await;
    let group = world.lines.of(Stream::Stdout)[0].clone();
    let escaped = fs::read_to_string(escaped).unwrap().trim().to_owned();
    assert!(!alive(&group).is_empty() && !alive(&escaped).is_empty());
    let world = world.restarted();
    world.stop().await;
    assert!(alive(&group).is_empty() && alive(&escaped).is_empty());
    let error = run_in(&world, shell(&text), world.again()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Uncertain(text) if text.contains("stopped")),
        "{error}"
    );
}

#[tokio::test]
async fn a_command_may_tidy_up_when_it_is_stopped() {
    let world = World::new();
    let text = "trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let call = run_in(&world, shell(text), world.context());
    let stop = async {
        until("ready", || !world.lines.of(Stream::Stdout).is_empty()).await;
        world.stop().await;
    };
    let (outcome, ()) = tokio::join!(call, stop);
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, Error::Uncertain(text) if text.contains("tidied")),
        "{error}"
    );
}

#[tokio::test]
async fn stopping_what_does_not_run_does_nothing() {
    let world = World::new();
    world.stop().await;
    let found = run_in(&world, shell("exit 3"), world.context()).await.unwrap();
    world.stop().await;
    assert_eq!(run_in(&world, shell("exit 3"), world.again()).await.unwrap(), found);
}

#[tokio::test]
async fn one_key_runs_once_however_many_ask() {
    let world = World::new();
    let (gate, marker) = (gate(&world), world.path("ran"));
    let command = shell(&format!("echo ran >> {marker}; cat {gate}; exit 5"));
    let ask = |context| run_in(&world, command.clone(), context);
    let let_it_go = async {
        until("it runs", || Path::new(&marker).exists()).await;
        let_go(&gate);
    };
    let (a, b, c, ()) = tokio::join!(ask(world.context()), ask(world.again()), ask(world.again()), let_it_go);
    let found = a.unwrap();
    assert_eq!((found.exit_code, found.stdout.as_str()), (Some(5), "go\n"));
    assert_eq!((b.unwrap(), c.unwrap()), (found.clone(), found));
    assert_eq!(lines_of(&marker), 1);
}

#[tokio::test]
async fn no_form_of_a_secret_reaches_the_disk() {
    let world = World::new();
    let url = "tr%22ub%204dor%263-w%C3%B6rd";
    let text = format!(
        "cat; echo; echo \"$PW\"; printf %s \"$PW\"; sleep 0.1; printf %s \"$PW\" | base64; echo '{url}'; \
         printf '%s' \"$PW\" | sed 's/\"/\\\\\"/'; echo; printf 'tr\"ub 4d'; sleep 0.1; echo 'or&3-wörd'"
    );
    let command = Command {
        script: Some(format!(
            "{text}; echo '{PLACEHOLDER}' >&2; echo done; read x < {}",
            gate(&world)
        )),
        arguments: vec!["sh".into()],
        stdin: Some(PLACEHOLDER.as_bytes().to_vec().into()),
        environment: BTreeMap::from([("PW".into(), PLACEHOLDER.into())]),
        ..Default::default()
    };
    let call = run_in(&world, command, world.context());
    let search = async {
        until("done", || {
            world.lines.of(Stream::Stdout).iter().any(|line| line == "done")
        })
        .await;
        let seen = everything_in(&world.state());
        assert!(seen.len() > 5, "there is something to search");
        for (path, contents) in &seen {
            assert_hidden(&String::from_utf8_lossy(contents));
            assert!(
                !contents.windows(8).any(|part| part == &SECRET.as_bytes()[..8]),
                "{path}"
            );
        }
        // Nor where others can see it.
        let supervisor = supervisor_of(&world).as_raw_pid();
        let shown = fs::read(format!("/proc/{supervisor}/cmdline")).unwrap();
        assert_hidden(&String::from_utf8_lossy(&shown));
        let_go(&world.path("gate"));
    };
    let (outcome, ()) = tokio::join!(call, search);
    let found = outcome.unwrap();
    assert_eq!(found.stdout.matches(PLACEHOLDER).count(), 7, "{}", found.stdout);
    assert_eq!(found.stderr, format!("{PLACEHOLDER}\n"));
    for (_, contents) in everything_in(&world.state()) {
        assert_hidden(&String::from_utf8_lossy(&contents));
    }
}

/// The files below a folder with their contents.
fn everything_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything_in(&path));
        } else if path.is_file() {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{path:?}");
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        } else {
            found.push((path.display().to_string(), Vec::new()));
        }
    }
    found
}

#[tokio::test]
async fn a_command_inherits_nothing_but_its_streams() {
    let world = World::new();
    let text = "for fd in /proc/self/fd/*; do readlink $fd; done; grep -E '^Sig(Blk|Ign)' /proc/self/status; \
                cat /proc/$PPID/comm; for fd in $(seq 3 200); do readlink /proc/$PPID/fd/$fd; done; true";
    // A file that another program left open for all.
    let lock = fs::File::create(world.path("lock-of-a-shell")).unwrap();
    rustix::io::fcntl_setfd(&lock, rustix::io::FdFlags::empty()).unwrap();
    let found = run_in(&world, shell(text), world.context()).await.unwrap();
    assert!(!found.stdout.contains("lock-of-a-shell"), "{}", found.stdout);
    assert!(found.stdout.contains("SigBlk:\t0000000000000000"), "{}", found.stdout);
    assert!(found.stdout.contains("runwright-super"), "{}", found.stdout);
    let ignored = found
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:\t"))
        .unwrap();
    let broken_pipe = 1 << (Signal::PIPE.as_raw() - 1);
    assert_eq!(u64::from_str_radix(ignored, 16).unwrap() & broken_pipe, 0, "{ignored}");
}

#[tokio::test]
async fn without_a_place_for_its_record_nothing_starts() {
    let world = World::new();
    fs::create_dir(world.state()).unwrap();
    fs::write(world.state().join("commands"), "no folder").unwrap();
    let marker = world.path("ran");
    let error = run_in(&world, shell(&format!("touch {marker}")), world.context())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable(text) if text.contains("not started")),
        "{error}"
    );
    assert!(!Path::new(&marker).exists());
}

/// A program that limits the size of files, as a full disk does, and becomes the supervisor.
fn with_small_files(kilobytes: u32) -> Launcher {
    let text = format!("ulimit -f {}; exec \"$0\" \"$@\"", kilobytes * 2);
    Launcher {
        program: "/bin/sh".into(),
        arguments: ["-c", &text, env!("CARGO_BIN_EXE_runwright-supervisor"), SUPERVISE]
            .map(Into::into)
            .into(),
    }
}

#[tokio::test]
async fn on_a_full_disk_nothing_starts() {
    let world = World::launched_by(with_small_files(0));
    let marker = world.path("ran");
    let error = run_in(&world, shell(&format!("mkdir {marker}")), world.context())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable(text) if text.contains("was not started")),
        "{error}"
    );
    assert!(!Path::new(&marker).exists());
    // When there is room again it is the same call.
    let world = world.restarted();
    run_in(&world, shell(&format!("mkdir {marker}")), world.again())
        .await
        .unwrap();
    assert!(Path::new(&marker).exists());
}

#[tokio::test]
async fn a_disk_that_fills_up_costs_output_and_not_the_outcome() {
    let world = World::launched_by(with_small_files(200));
    let found = run_in(&world, shell("seq 1 200000; echo last; exit 6"), world.context())
        .await
        .unwrap();
    assert_eq!(found.exit_code, Some(6));
    assert!(found.stdout.starts_with("1\n2\n") && found.stdout.ends_with("200000\nlast\n"));
    assert!(
        found.stdout.contains("could not be kept: File too large"),
        "{}",
        found.stdout
    );
    assert!(
        world
            .lines
            .of(Stream::Log)
            .iter()
            .any(|line| line.contains("could not be kept"))
    );
    assert_eq!(
        run_in(&world, shell("true"), world.again()).await.unwrap().exit_code,
        Some(6)
    );
}

#[tokio::test]
async fn a_launcher_that_is_no_supervisor_starts_nothing() {
    for program in ["/no/such/program", "/bin/true"] {
        let world = World::launched_by(Launcher::program(program));
        let marker = world.path("ran");
        let error = run_in(&world, shell(&format!("touch {marker}")), world.context())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::Unavailable(text) if text.contains(program) && text.contains("not started")),
            "{error}"
        );
        assert!(!Path::new(&marker).exists());
    }
}

#[tokio::test]
async fn what_executions_left_is_swept_when_they_are_gone() {
    let world = World::new();
    let command = shell("echo begun; sleep 300");
    begun_and_dropped(&world, command.clone(), world.context()).await;
    fs::create_dir(world.state().join("commands/never-began")).unwrap();
    fs::write(world.state().join("commands/never-began/lock"), "").unwrap();
    let world = world.restarted();
    world.local.sweep().await;
    assert!(record(&world).join("begun").exists(), "what runs is left");
    let supervisor = supervisor_of(&world);
    world.stop().await;
    // It keeps its record until it is gone itself.
    until("the supervisor is gone", || test_kill_process(supervisor).is_err()).await;
    // The store knows nothing of the execution.
    world.local.sweep().await;
    assert!(fs::read_dir(world.state().join("commands")).unwrap().next().is_none());
}

#[tokio::test]
async fn a_supervisor_that_is_asked_to_end_stops_its_command() {
    let world = World::new();
    let call = run_in(&world, shell("echo $$; sleep 300"), world.context());
    let ask = async {
        until("begun", || !world.lines.of(Stream::Stdout).is_empty()).await;
        kill_process(supervisor_of(&world), Signal::TERM).unwrap();
    };
    let (outcome, ()) = tokio::join!(call, ask);
    assert!(
        matches!(&outcome, Err(Error::Uncertain(text)) if text.contains("stopped")),
        "{outcome:?}"
    );
    assert!(alive(&world.lines.of(Stream::Stdout)[0]).is_empty());
}

#[tokio::test]
async fn without_supervisors_nobody_knows_after_a_crash() {
    let world = World::without_supervisors();
    let marker = world.path("ran");
    let error = run_in(&world, shell(&format!("touch {marker}")), world.again())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Uncertain(text) if text.contains("may have run")),
        "{error}"
    );
    assert!(!Path::new(&marker).exists());
}

#[tokio::test]
async fn without_supervisors_a_command_runs_and_is_stopped_all_the_same() {
    let world = World::without_supervisors();
    let found = run_in(&world, shell("echo out; exit 3"), world.next()).await.unwrap();
    assert_eq!((found.exit_code, found.stdout.as_str()), (Some(3), "out\n"));
    let call = run_in(
        &world,
        shell("echo $$; trap '' TERM; while :; do sleep 0.05; done"),
        world.context(),
    );
    let stop = async {
        until("begun", || world.lines.of(Stream::Stdout).len() > 1).await;
        world.stop().await;
    };
    let (outcome, ()) = tokio::join!(call, stop);
    assert!(
        matches!(&outcome, Err(Error::Uncertain(text)) if text.contains("stopped")),
        "{outcome:?}"
    );
    assert!(alive(&world.lines.of(Stream::Stdout)[1]).is_empty());
}

/// What the supervisor does with signals is its own affair: a command that could not be asked to end, and whatever it
/// starts, would have to be killed.
#[tokio::test]
async fn a_command_begins_with_no_signal_blocked() {
    for world in [World::new(), World::without_supervisors()] {
        let command = Command {
            arguments: ["grep", "SigBlk", "/proc/self/status"].map(str::to_owned).to_vec(),
            ..Command::default()
        };
        let found = run_in(&world, command, world.next()).await.unwrap();
        assert_eq!(found.stdout, "SigBlk:\t0000000000000000\n");
    }
}

#[tokio::test]
async fn no_supervisor_is_left_as_a_zombie() {
    let world = World::new();
    for number in 0..5 {
        let found = run_in(&world, shell(&format!("echo {number}")), world.next())
            .await
            .unwrap();
        assert_eq!(found.stdout, format!("{number}\n"));
    }
    until("all are gone", || zombies().is_empty()).await;
}

fn zombies() -> Vec<String> {
    let own = std::process::id().to_string();
    let stats = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
            fields[0] == "Z" && fields[1] == own && stat.contains("runwright-super")
        })
        .collect()
}
