//! Every function of every interface: the request arrives as it was meant, the answer as it was given, and a
//! denial or an error is an answer too.

#![expect(clippy::too_many_lines, reason = "tables of cases")]

use std::collections::BTreeMap;

use runwright_model::{
    capability::{
        Answer, Capability, Error, Outcome, Request, approvals, aws, blobs, commands, executions, files, http,
        parameters, waits,
    },
    failure::FailureKind,
    invocation::Called,
    status::Status,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use crate::common::{Script, call, failure, host, outputs, run};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn target() -> Option<String> {
    Some("web-1".into())
}

fn stat() -> files::Stat {
    files::Stat {
        kind: files::Kind::Symlink,
        size: 1 << 40,
        mode: 0o4755,
        owner: "root".into(),
        group: "1000".into(),
        modified: at(77),
        link: Some("../x".into()),
        sha256: Some("ab".into()),
    }
}

fn bare_stat(kind: files::Kind) -> files::Stat {
    files::Stat {
        kind,
        link: None,
        sha256: None,
        ..stat()
    }
}

fn parameter(kind: parameters::ParameterType) -> parameters::Parameter {
    parameters::Parameter {
        name: "/a/b".into(),
        parameter_type: kind,
        value: "v,w".into(),
        version: 7,
        modified: at(5),
        labels: vec!["prod".into(), "x".into()],
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn commands_table() -> Vec<(Request, Answer)> {
    let full = commands::Command {
        arguments: vec!["sh".into(), "-c".into(), String::new()],
        script: Some("echo ä".into()),
        stdin: Some(vec![0, 255].into()),
        environment: BTreeMap::from([("A".into(), "1".into()), ("B".into(), String::new())]),
        working_directory: Some("/srv".into()),
        run_as: Some("app".into()),
        timeout_ms: Some(u64::MAX),
    };
    let ended = commands::Completed {
        exit_code: Some(-1),
        signal: Some(9),
        stdout: "out".into(),
        stderr: "err".into(),
        stdout_blob: Some("sha256:1".into()),
        stderr_blob: Some("sha256:2".into()),
        duration_ms: 12,
    };
    let run = |on, command| Request::Commands(commands::Request::Run { on, command });
    let completed = |completed| Answer::Commands(commands::Answer::Completed(completed));
    vec![
        (run(target(), full), completed(ended)),
        (
            run(None, commands::Command::default()),
            completed(commands::Completed::default()),
        ),
        (
            Request::Commands(commands::Request::RunDocument {
                request: object(json!({"DocumentName": "é", "Parameters": {"commands": ["x"]}})),
            }),
            Answer::Commands(commands::Answer::Document(commands::DocumentEnd {
                command_id: "c".into(),
                status: "Failed".into(),
                details: "Failed".into(),
                targets: 2,
                errors: 1,
                nodes: vec![commands::NodeEnd {
                    node: "i-1".into(),
                    status: "Failed".into(),
                    response_code: -1,
                    stdout: "out".into(),
                    stderr: "err".into(),
                }],
            })),
        ),
    ]
}

fn files_table() -> Vec<(Request, Answer)> {
    use files::{Answer as A, Kind, Request as R, Snapshot, WriteOptions};
    let path = || "/etc/é".to_owned();
    let options = WriteOptions {
        mode: Some(0o600),
        owner: Some("o".into()),
        group: Some("g".into()),
        parents: true,
    };
    let kept = Snapshot {
        path: path(),
        before: Some(stat()),
        contents: Some("blob".into()),
    };
    let absent = Snapshot {
        path: path(),
        before: None,
        contents: None,
    };
    let on = target;
    let bare = |kind| A::Stat(Some(bare_stat(kind)));
    let answered = vec![
        (R::Read { on: on(), path: path() }, A::Contents(vec![1, 0, 255].into())),
        (R::Stat { on: on(), path: path() }, A::Stat(Some(stat()))),
        (R::Stat { on: None, path: path() }, A::Stat(None)),
        (R::Stat { on: None, path: path() }, bare(Kind::File)),
        (R::Stat { on: None, path: path() }, bare(Kind::Directory)),
        (R::Stat { on: None, path: path() }, bare(Kind::Other)),
        (
            R::ListDirectory { on: on(), path: path() },
            A::Names(vec!["a".into(), "b".into()]),
        ),
        (R::Snapshot { on: on(), path: path() }, A::Snapshot(kept.clone())),
        (R::Snapshot { on: on(), path: path() }, A::Snapshot(absent.clone())),
    ];
    let ordered = vec![
        R::Write {
            on: on(),
            path: path(),
            contents: vec![0, 1].into(),
            options,
        },
        R::Write {
            on: None,
            path: path(),
            contents: Vec::new().into(),
            options: WriteOptions::default(),
        },
        R::MakeDirectory {
            on: on(),
            path: path(),
            mode: Some(0o700),
        },
        R::Link {
            on: on(),
            path: path(),
            points_to: "../y".into(),
        },
        R::Remove { on: on(), path: path() },
        R::Restore {
            on: on(),
            snapshot: kept,
        },
        R::Restore {
            on: None,
            snapshot: absent,
        },
    ];
    let answered = answered
        .into_iter()
        .map(|(request, answer)| (Request::Files(request), Answer::Files(answer)));
    answered
        .chain(
            ordered
                .into_iter()
                .map(|request| (Request::Files(request), Answer::Done)),
        )
        .collect()
}

fn http_table() -> Vec<(Request, Answer)> {
    let request = http::Request {
        method: "POST".into(),
        url: "https://x/y?z".into(),
        headers: vec![("A".into(), "1".into()), ("A".into(), "2".into())],
        body: Some(vec![3, 0].into()),
        timeout_ms: Some(5),
        redirects: 3,
    };
    let response = http::Response {
        status: 599,
        headers: vec![("b".into(), "c".into())],
        body: vec![9].into(),
    };
    vec![
        (Request::Http(request), Answer::Http(response)),
        (
            Request::Http(http::Request::default()),
            Answer::Http(http::Response::default()),
        ),
    ]
}

fn aws_table() -> Vec<(Request, Answer)> {
    let request = aws::Request {
        service: "s3".into(),
        region: Some("eu-north-1".into()),
        host: Some("s3.eu-north-1.amazonaws.com".into()),
        method: "PUT".into(),
        path: "/b/k?x=y".into(),
        headers: vec![("A".into(), "1".into())],
        body: vec![3, 0].into(),
        credentials: Some("c".into()),
        timeout_ms: Some(7),
    };
    let response = aws::Response {
        status: 599,
        headers: vec![("b".into(), "c".into())],
        body: vec![9].into(),
    };
    vec![
        (Request::Aws(request), Answer::Aws(response)),
        (
            Request::Aws(aws::Request::default()),
            Answer::Aws(aws::Response::default()),
        ),
    ]
}

fn parameters_table() -> Vec<(Request, Answer)> {
    use parameters::{Answer as A, NewValue, ParameterType as T, Request as R};
    let name = || "/a/b".to_owned();
    let put = |parameter_type, value, overwrite| R::Put {
        name: name(),
        parameter_type,
        value,
        overwrite,
    };
    let answered = vec![
        (
            R::Get { name: "/a/b:7".into() },
            A::Parameter(parameter(T::SecureString)),
        ),
        (
            R::GetByPath {
                path: "/a".into(),
                recursive: true,
            },
            A::Parameters(vec![parameter(T::String), parameter(T::StringList)]),
        ),
        (
            R::GetByPath {
                path: "/a".into(),
                recursive: false,
            },
            A::Parameters(Vec::new()),
        ),
        (
            put(T::String, NewValue::Given("v".into()), true),
            A::Parameter(parameter(T::String)),
        ),
        (
            put(T::StringList, NewValue::Given("v".into()), false),
            A::Parameter(parameter(T::StringList)),
        ),
        (
            put(T::SecureString, NewValue::Generated(32), false),
            A::Parameter(parameter(T::SecureString)),
        ),
        (R::History { name: name() }, A::Parameters(vec![parameter(T::String)])),
        (
            R::Reveal {
                placeholder: "((secret:/a/b:7))".into(),
            },
            A::Revealed("the value".into()),
        ),
    ];
    let ordered = vec![
        R::Delete { name: name() },
        R::Label {
            name: name(),
            version: 3,
            label: "l".into(),
        },
    ];
    let answered = answered
        .into_iter()
        .map(|(request, answer)| (Request::Parameters(request), Answer::Parameters(answer)));
    answered
        .chain(
            ordered
                .into_iter()
                .map(|request| (Request::Parameters(request), Answer::Done)),
        )
        .collect()
}

fn waits_table() -> Vec<(Request, Answer)> {
    use waits::{Answer as A, Patience, Probe, Request as R, Signal};
    let patience = Patience {
        deadline: at(9),
        interval_ms: 1,
        backoff_percent: 150,
        max_interval_ms: 60_000,
    };
    let probe = |on, probe| R::Probe { on, probe, patience };
    let probed = || A::Probed {
        probes: 3,
        waited_ms: 1 << 33,
    };
    let signal = Signal {
        by: "ann".into(),
        at: at(4),
        payload: json!({"a": [1, null]}),
    };
    let answered = vec![
        (
            R::Signal {
                name: "go".into(),
                deadline: Some(at(8)),
            },
            A::Signal(signal.clone()),
        ),
        (
            R::Signal {
                name: "go".into(),
                deadline: None,
            },
            A::Signal(Signal {
                payload: Value::Null,
                ..signal
            }),
        ),
        (
            probe(
                target(),
                Probe::Tcp {
                    host: "h".into(),
                    port: 65_535,
                },
            ),
            probed(),
        ),
        (
            probe(
                None,
                Probe::Http {
                    url: "http://h".into(),
                    status: Some(204),
                },
            ),
            probed(),
        ),
        (
            probe(
                None,
                Probe::Http {
                    url: "http://h".into(),
                    status: None,
                },
            ),
            probed(),
        ),
        (probe(None, Probe::File { path: "/x".into() }), probed()),
        (
            probe(
                None,
                Probe::Command {
                    arguments: vec!["a".into(), "b".into()],
                },
            ),
            probed(),
        ),
    ];
    let ordered = vec![R::Sleep { duration_ms: 1 }, R::SleepUntil { moment: at(i64::MAX) }];
    let answered = answered
        .into_iter()
        .map(|(request, answer)| (Request::Waits(request), Answer::Waits(answer)));
    answered
        .chain(
            ordered
                .into_iter()
                .map(|request| (Request::Waits(request), Answer::Done)),
        )
        .collect()
}

fn other_tables() -> Vec<(Request, Answer)> {
    let question = |deadline| {
        let approvers = vec!["ann".into(), "*".into()];
        Request::Approvals(approvals::Request {
            message: "ok?".into(),
            approvers,
            quorum: 2,
            deadline,
        })
    };
    let vote = |comment| approvals::Vote {
        approver: "ann".into(),
        approved: true,
        comment,
        at: at(3),
    };
    let decision = |approved, votes| Answer::Approvals(approvals::Decision { approved, votes });
    let id = || "child-1".parse().unwrap();
    let end = |status, failure| {
        let outputs = object(json!({"s.o": "v", "a.b": [1]}));
        Answer::Executions(executions::Answer::Ended(executions::ChildEnd {
            status,
            outputs,
            failure,
        }))
    };
    let start = executions::Request::Start {
        runbook: "r".into(),
        parameters: object(json!({"P": ["x"]})),
    };
    let wait = || Request::Executions(executions::Request::Wait { id: id() });
    let blob = |request| Request::Blobs(request);
    vec![
        (
            question(Some(at(6))),
            decision(true, vec![vote(Some("fine".into())), vote(None)]),
        ),
        (question(None), decision(false, Vec::new())),
        (
            Request::Executions(start),
            Answer::Executions(executions::Answer::Started(id())),
        ),
        (wait(), end(Status::Success, None)),
        (wait(), end(Status::RollbackFailed, Some("why".into()))),
        (
            blob(blobs::Request::Put {
                contents: vec![0; 70_000].into(),
            }),
            Answer::Blobs(blobs::Answer::Name("n".into())),
        ),
        (
            blob(blobs::Request::Get {
                name: "n".into(),
                offset: u64::MAX,
                length: u32::MAX,
            }),
            Answer::Blobs(blobs::Answer::Contents(vec![5, 0].into())),
        ),
        (
            blob(blobs::Request::Size { name: "n".into() }),
            Answer::Blobs(blobs::Answer::Size(u64::MAX)),
        ),
    ]
}

pub(crate) fn table() -> Vec<(Request, Answer)> {
    [
        commands_table(),
        files_table(),
        http_table(),
        aws_table(),
        parameters_table(),
        waits_table(),
        other_tables(),
    ]
    .concat()
}

#[tokio::test]
async fn every_field_of_every_function_arrives() {
    let host = host();
    for (request, answer) in table() {
        let outcome: Outcome = Ok(answer);
        let calls = Script::always(outcome.clone());
        let returned = outputs(run(&host, &calls, call(&request)).await);
        assert_eq!(calls.requests(), std::slice::from_ref(&request));
        assert_eq!(returned, serde_json::to_value(&outcome).unwrap(), "{request:?}");
    }
}

#[tokio::test]
async fn the_table_has_every_function() {
    let functions: std::collections::BTreeSet<_> = table().iter().map(|(request, _)| request.function()).collect();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
    for capability in Capability::ALL {
        let text = std::fs::read_to_string(format!("{wit}/{capability}.wit")).unwrap();
        for line in text.lines().filter(|line| line.contains(": func(")) {
            let function = format!("{capability}.{}", line.trim().split(':').next().unwrap());
            assert!(functions.contains(function.as_str()), "{function} is not tried");
        }
    }
}

#[tokio::test]
async fn a_denial_is_an_answer() {
    let host = host();
    for (request, _) in table() {
        let denied = Error::Denied {
            capability: request.capability(),
            missing: format!("{}: true", request.capability()),
        };
        let outcome: Outcome = Err(denied);
        let returned = outputs(run(&host, &Script::always(outcome.clone()), call(&request)).await);
        assert_eq!(returned, serde_json::to_value(&outcome).unwrap());
    }
}

#[tokio::test]
async fn every_error_is_an_answer() {
    let host = host();
    let request = Request::Blobs(blobs::Request::Size { name: "n".into() });
    for error in [
        Error::NotFound("no such thing".into()),
        Error::Invalid("i".into()),
        Error::Throttled("t".into()),
        Error::TimedOut("o".into()),
        Error::LimitExceeded {
            which: "blob-bytes".into(),
            limit: 5,
            used: u64::MAX,
        },
        Error::Unavailable("u".into()),
        Error::Uncertain("?".into()),
    ] {
        let outcome: Outcome = Err(error);
        let returned = outputs(run(&host, &Script::always(outcome.clone()), call(&request)).await);
        assert_eq!(returned, serde_json::to_value(&outcome).unwrap());
    }
}

#[tokio::test]
async fn an_answer_of_another_function_is_the_engines_failure() {
    let host = host();
    for (request, answer) in table() {
        let wrong = match answer {
            Answer::Done => Answer::Blobs(blobs::Answer::Size(1)),
            _ => Answer::Done,
        };
        let failure = failure(run(&host, &Script::always(Ok(wrong)), call(&request)).await);
        assert_eq!(
            (failure.kind, failure.code.as_deref()),
            (FailureKind::Internal, Some("RW-H016"))
        );
        assert!(failure.message.contains(request.function()), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_sequence_is_answered_in_order() {
    let size = |name: &str| Request::Blobs(blobs::Request::Size { name: name.into() });
    let calls = Script::new(|request| match request {
        Request::Blobs(blobs::Request::Size { name }) => {
            Called::Answered(Ok(Answer::Blobs(blobs::Answer::Size(name.len() as u64))))
        }
        other => panic!("{other:?}"),
    });
    let requests = [size("a"), size("bb"), size("ccc")];
    let returned = outputs(run(&host(), &calls, json!({"do": "sequence", "requests": requests})).await);
    let sizes: Vec<u64> = returned["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["Ok"]["blobs"]["size"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [1, 2, 3]);
    assert_eq!(calls.requests(), requests);
}
