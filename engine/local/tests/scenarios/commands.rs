//! Commands: what they get, what is kept of their output, and how they end.

use std::{collections::BTreeMap, fs};

use runwright_model::{
    capability::{
        Answer, Backend as _, CallContext, Error, Request,
        commands::{self, Command, Completed, SCRIPT_BYTES_MAX, STDIN_BYTES_MAX},
    },
    log::Stream,
    secret::Secrets,
    time::Timestamp,
};

use crate::world::{PLACEHOLDER, SECRET, World, assert_hidden, until};

pub(crate) fn shell(text: &str) -> Command {
    Command {
        arguments: ["sh", "-c", text].map(str::to_owned).into(),
        ..Default::default()
    }
}

pub(crate) fn request(command: Command) -> Request {
    Request::Commands(commands::Request::Run { on: None, command })
}

pub(crate) async fn run_in(world: &World, command: Command, context: CallContext) -> Result<Completed, Error> {
    match world.local.perform(request(command), context).await? {
        Answer::Commands(commands::Answer::Completed(completed)) => Ok(completed),
        other => panic!("{other:?}"),
    }
}

async fn run(world: &World, command: Command) -> Result<Completed, Error> {
    run_in(world, command, world.next()).await
}

/// The processes of a group that are not yet dead.
pub(crate) fn alive(group: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    let in_group = |stat: &String| {
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[2] == group && fields[0] != "Z"
    };
    processes.filter(in_group).collect()
}

#[tokio::test]
async fn a_command_that_fails_is_an_answer() {
    let world = World::new();
    let ended = run(&world, shell("echo out; echo err >&2; exit 3")).await.unwrap();
    assert_eq!((ended.exit_code, ended.signal), (Some(3), None));
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!((ended.stdout_blob, ended.stderr_blob), (None, None));
    assert_eq!(world.lines.of(Stream::Stdout), ["out"]);
    assert_eq!(world.lines.of(Stream::Stderr), ["err"]);
    let ended = run(&world, shell("kill -9 $$")).await.unwrap();
    assert_eq!((ended.exit_code, ended.signal), (None, Some(9)));
}

#[tokio::test]
async fn it_gets_input_folder_and_a_small_environment() {
    let world = World::new();
    let command = Command {
        stdin: Some(b"from stdin".to_vec().into()),
        environment: BTreeMap::from([("EXTRA".into(), "more".into())]),
        working_directory: Some(world.path("")),
        ..shell("cat; echo; pwd; env | sort")
    };
    let ended = run(&world, command).await.unwrap();
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[..2], ["from stdin", world.path("").trim_end_matches('/')]);
    let names: Vec<&str> = lines[2..].iter().map(|line| line.split('=').next().unwrap()).collect();
    let own = [
        "EXTRA",
        "HOME",
        "LANG",
        "PATH",
        "RUNWRIGHT_EXECUTION_ID",
        "RUNWRIGHT_IDEMPOTENCY_KEY",
        "RUNWRIGHT_STEP",
    ];
    let by_the_shell = ["PWD", "OLDPWD", "SHLVL", "_"];
    assert!(
        names
            .iter()
            .all(|name| own.contains(name) || by_the_shell.contains(name)),
        "{names:?}"
    );
    assert!(own.iter().all(|name| names.contains(name)), "{names:?}");
    assert!(lines.contains(&"RUNWRIGHT_EXECUTION_ID=exec-1") && lines.contains(&"RUNWRIGHT_STEP=one"));
    assert_eq!(
        run(&world, shell("pwd; cat")).await.unwrap().stdout,
        "/\n",
        "no input, the root folder"
    );
}

#[tokio::test]
async fn a_script_is_private_and_removed() {
    let world = World::new();
    let command = Command {
        arguments: vec!["sh".into()],
        script: Some("echo $0; stat -Lc %a $0; echo \"$MORE\"".into()),
        environment: BTreeMap::from([("MORE".into(), "x".into())]),
        ..Default::default()
    };
    let ended = run(&world, command).await.unwrap();
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[1..], ["700", "x"]);
    assert!(!fs::exists(lines[0]).unwrap(), "{}", lines[0]);
}

#[tokio::test]
async fn unknown_things_are_named() {
    let world = World::new();
    let not_found = async |command: Command, words: &str| {
        let error = run(&world, command).await.unwrap_err();
        assert!(
            matches!(&error, Error::NotFound(text) if text.contains(words)),
            "{error}"
        );
    };
    not_found(
        Command {
            arguments: vec!["no-such-program".into()],
            ..Default::default()
        },
        "no-such-program",
    )
    .await;
    not_found(
        Command {
            arguments: vec!["/no/such/program".into()],
            ..Default::default()
        },
        "/no/such/program",
    )
    .await;
    not_found(
        Command {
            working_directory: Some("/no/such/folder".into()),
            ..shell("true")
        },
        "working directory",
    )
    .await;
    not_found(
        Command {
            run_as: Some("no-such-user".into()),
            ..shell("true")
        },
        "no-such-user",
    )
    .await;
    let elsewhere = commands::Request::Run {
        on: Some("elsewhere".into()),
        command: shell("true"),
    };
    assert!(matches!(
        world.perform(Request::Commands(elsewhere)).await,
        Err(Error::NotFound(_))
    ));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::new();
    fs::write(world.path("file"), "no program").unwrap();
    for bad in [
        Command::default(),
        Command {
            arguments: vec![world.path("file")],
            ..Default::default()
        },
        Command {
            arguments: vec!["/bin/../bin/true".into()],
            ..Default::default()
        },
        Command {
            arguments: vec!["bin/true".into()],
            ..Default::default()
        },
        Command {
            working_directory: Some("relative".into()),
            ..shell("true")
        },
        Command {
            working_directory: Some(world.path("file")),
            ..shell("true")
        },
        Command {
            environment: BTreeMap::from([("A=B".into(), "x".into())]),
            ..shell("true")
        },
        shell("a\0b"),
    ] {
        assert!(
            matches!(run(&world, bad.clone()).await, Err(Error::Invalid(_))),
            "{bad:?}"
        );
    }
}

#[tokio::test]
async fn the_path_of_a_call_does_not_change_which_program_runs() {
    let world = World::new();
    fs::write(world.path("true"), "#!/bin/sh\nexit 9\n").unwrap();
    fs::set_permissions(world.path("true"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let environment = BTreeMap::from([("PATH".to_owned(), world.path(""))]);
    let command = Command {
        arguments: vec!["true".into()],
        environment,
        ..Default::default()
    };
    assert_eq!(run(&world, command).await.unwrap().exit_code, Some(0));
}

#[tokio::test]
async fn it_runs_as_another_user() {
    let world = World::new();
    let command = Command {
        arguments: vec!["sh".into()],
        script: Some("id -u; id -G; stat -Lc %U $0; echo $HOME".into()),
        run_as: Some("nobody".into()),
        ..Default::default()
    };
    let outcome = run(&world, command).await;
    if !rustix::process::geteuid().is_root() {
        assert!(
            matches!(&outcome, Err(Error::Invalid(text)) if text.contains("root")),
            "{outcome:?}"
        );
        return;
    }
    let ended = outcome.unwrap();
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!((lines[0], lines[2]), ("65534", "nobody"), "{}", ended.stderr);
    assert!(
        !lines[1].split(' ').any(|group| group == "0"),
        "root's groups are gone: {}",
        lines[1]
    );
    assert_ne!(lines[3], "/root");
}

#[tokio::test]
async fn a_timeout_ends_the_whole_group() {
    let world = World::new();
    let command = Command {
        timeout_ms: Some(2_000),
        ..shell("echo $$; sh -c 'trap \"\" TERM; sleep 300' & sleep 300 & sleep 300")
    };
    let error = run(&world, command).await.unwrap_err();
    assert!(
        matches!(&error, Error::TimedOut(text) if text.contains("standard output ended with")),
        "{error}"
    );
    let group = world.lines.of(Stream::Stdout)[0].clone();
    until("nobody of the group lives", || alive(&group).is_empty()).await;
}

#[tokio::test]
async fn a_command_may_end_itself_when_it_is_asked_to() {
    let world = World::new();
    let text = "trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let error = run(
        &world,
        Command {
            timeout_ms: Some(2_000),
            ..shell(text)
        },
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains("tidied"), "{error}");
    assert_eq!(world.lines.of(Stream::Stdout), ["ready", "tidied"]);
}

#[tokio::test]
async fn the_steps_deadline_counts_as_well() {
    let world = World::new();
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let until = |millis| CallContext {
        deadline: Some(Timestamp::from_millis(now + millis)),
        ..world.next()
    };
    let error = run_in(&world, shell("sleep 300"), until(400)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut(_)), "{error}");
    let error = run_in(&world, shell("echo started"), until(-1)).await.unwrap_err();
    assert!(
        matches!(&error, Error::TimedOut(text) if text.contains("nothing was started")),
        "{error}"
    );
    assert!(world.lines.of(Stream::Stdout).is_empty());
}

#[tokio::test]
async fn a_child_left_behind_does_not_hold_up_the_answer() {
    let world = World::new();
    let ended = run(&world, shell("echo $$; sleep 60 & echo done")).await.unwrap();
    assert_eq!(ended.exit_code, Some(0));
    assert!(ended.stdout.ends_with("done\n"));
    let group = ended.stdout.lines().next().unwrap().to_owned();
    assert_eq!(alive(&group).len(), 1, "a service that a command started lives on");
    let group = rustix::process::Pid::from_raw(group.parse().unwrap()).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn input_that_is_not_read_holds_up_nothing() {
    let world = World::new();
    let stdin = Some(vec![b'x'; 1024 * 1024].into());
    let ended = run(
        &world,
        Command {
            stdin,
            ..shell("exit 4")
        },
    )
    .await
    .unwrap();
    assert_eq!(ended.exit_code, Some(4));
}

#[tokio::test]
async fn a_long_output_is_cut_and_kept_as_a_blob() {
    let world = World::new();
    let ended = run(&world, shell("seq 1 40000; echo short >&2")).await.unwrap();
    assert!(ended.stdout.starts_with("1\n2\n") && ended.stdout.ends_with("39999\n40000\n"));
    assert!(ended.stdout.contains("bytes cut here") && ended.stdout.len() < 66_000);
    let whole = world.local.blobs().get_all(&ended.stdout_blob.unwrap()).await.unwrap();
    let wanted: String = (1..=40_000).map(|n| format!("{n}\n")).collect();
    assert_eq!(String::from_utf8(whole).unwrap(), wanted);
    assert_eq!((ended.stderr.as_str(), ended.stderr_blob), ("short\n", None));
    assert_eq!(world.lines.of(Stream::Stdout).len(), 40_000);
}

#[tokio::test]
async fn secrets_get_in_and_never_out() {
    let world = World::new();
    let text = "cat > $FILE; echo \"$PW\" >> $FILE; cat $FILE; cat $FILE >&2; printf %s \"$PW\" | base64; \
                printf 'tr%%22ub%%204dor%%263-w%%C3%%B6rd tr\\\\\"ub 4dor&3-wörd\\n'; exit 1";
    let environment = BTreeMap::from([
        ("PW".into(), format!("<{PLACEHOLDER}>")),
        ("FILE".into(), world.path("got")),
    ]);
    let stdin = Some(format!("{PLACEHOLDER}\n").into_bytes().into());
    let script = Some(format!("echo '{PLACEHOLDER}' >> $FILE"));
    let ended = run(
        &world,
        Command {
            environment: environment.clone(),
            stdin,
            ..shell(text)
        },
    )
    .await
    .unwrap();
    let scripted = Command {
        arguments: vec!["sh".into()],
        script,
        environment,
        ..Default::default()
    };
    run(&world, scripted).await.unwrap();
    assert_eq!(
        fs::read_to_string(world.path("got")).unwrap(),
        format!("{SECRET}\n<{SECRET}>\n{SECRET}\n")
    );
    for text in [&ended.stdout, &ended.stderr, &world.lines.all()] {
        assert_hidden(text);
        assert!(text.contains(PLACEHOLDER));
    }
    let timed_out = Command {
        timeout_ms: Some(2_000),
        ..shell(&format!("cat {}; sleep 60", world.path("got")))
    };
    assert_hidden(&run(&world, timed_out).await.unwrap_err().to_string());
}

#[tokio::test]
async fn secrets_are_refused_where_others_could_see_them() {
    let world = World::new();
    let error = run(&world, shell(&format!("login {PLACEHOLDER}"))).await.unwrap_err();
    assert!(
        matches!(&error, Error::Invalid(text) if text.contains("standard input")),
        "{error}"
    );
    let not_given = CallContext {
        secrets: Secrets::default(),
        ..world.next()
    };
    let command = Command {
        stdin: Some(PLACEHOLDER.as_bytes().to_vec().into()),
        ..shell("cat")
    };
    assert!(matches!(
        run_in(&world, command, not_given).await,
        Err(Error::Invalid(_))
    ));
}

#[tokio::test]
async fn limits() {
    let world = World::new();
    let stdin = |length| Command {
        stdin: Some(vec![b'x'; length].into()),
        ..shell("wc -c")
    };
    assert_eq!(
        run(&world, stdin(STDIN_BYTES_MAX)).await.unwrap().stdout.trim(),
        STDIN_BYTES_MAX.to_string()
    );
    assert!(matches!(
        run(&world, stdin(STDIN_BYTES_MAX + 1)).await,
        Err(Error::LimitExceeded { .. })
    ));
    let script = |length| Command {
        arguments: vec!["sh".into()],
        script: Some(format!("exit 5\n{}", "#".repeat(length - 7))),
        ..Default::default()
    };
    assert_eq!(run(&world, script(SCRIPT_BYTES_MAX)).await.unwrap().exit_code, Some(5));
    assert!(matches!(
        run(&world, script(SCRIPT_BYTES_MAX + 1)).await,
        Err(Error::LimitExceeded { .. })
    ));
}
