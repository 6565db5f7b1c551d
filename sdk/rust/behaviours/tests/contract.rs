//! The fake host records calls in the form that the engine's journal keeps, and rollbacks read that form.

use runwright_model::{
    capability::{Answer, Error as ModelError, Request as ModelRequest},
    schema::Schema,
};
use runwright_sdk::{
    AwsRequest, Command, Condition, Decision, DocumentEnd, Error, Host, NewValue, NodeEnd, Outcome, ParameterType,
    Patience, Probed, Question, Received, Request, StartRequest, Vote, WriteOptions, files, schema, testing::FakeHost,
};
use serde_json::Value;

/// Calls every function once, each so that it answers.
fn everything(host: &FakeHost) -> Result<(), Error> {
    let on = Some("web-1".to_owned());
    let command = Command {
        stdin: Some(b"x".to_vec()),
        environment: vec![("A".into(), "1".into())],
        ..Command::script("ls")
    };
    host.run(&on, &command)?;
    host.run_document(&serde_json::json!({"DocumentName": "AWS-RunShellScript"}))?;
    host.make_directory(&on, "/srv", Some(0o700))?;
    host.write_file(
        &on,
        "/srv/a",
        b"a",
        &WriteOptions {
            mode: Some(0o600),
            ..WriteOptions::default()
        },
    )?;
    host.read_file(&on, "/srv/a")?;
    host.stat(&on, "/srv/a")?;
    host.stat(&on, "/srv/b")?;
    host.list_directory(&on, "/srv")?;
    host.link(&on, "/srv/l", "a")?;
    let kept = host.snapshot(&on, "/srv/l")?;
    host.restore(&on, &kept)?;
    host.remove(&on, "/srv/l")?;
    let headers = vec![("a".to_owned(), "b".to_owned())];
    host.send(&Request {
        headers: headers.clone(),
        ..Request::new("GET", "http://x")
    })?;
    host.send_aws(&AwsRequest {
        headers,
        body: b"{}".to_vec(),
        ..AwsRequest::new("dynamodb", "POST", "/")
    })?;
    host.put_parameter("/a", ParameterType::Plain, &NewValue::Given("v".into()), true)?;
    host.put_parameter("/s", ParameterType::Secure, &NewValue::Generated(8), false)?;
    host.label_parameter("/a", 1, "live")?;
    host.parameter("/a:live")?;
    host.parameters_by_path("/", true)?;
    host.parameter_history("/s")?;
    host.reveal("((secret:/s:1))")?;
    host.delete_parameter("/s")?;
    host.ask(&Question {
        message: "?".into(),
        approvers: vec!["*".into()],
        quorum: 1,
        deadline: Some(1),
    })?;
    host.sleep(5)?;
    host.sleep_until(7)?;
    host.signal("Resume", None)?;
    let patience = Patience {
        deadline: 9,
        interval_ms: 1,
        backoff_percent: 100,
        max_interval_ms: 1,
    };
    host.probe(&on, &Condition::Tcp(("db".into(), 1)), patience)?;
    let name = host.put_blob(b"blob")?;
    host.blob(&name, 0, 4)?;
    host.blob_size(&name)?;
    let child = host.start_execution(&StartRequest {
        runbook: "r".into(),
        parameters: "{}".into(),
    })?;
    host.wait_execution(&child).map(drop)
}

fn document() -> DocumentEnd {
    let node = NodeEnd {
        node: "i-1".into(),
        status: "Success".into(),
        response_code: 0,
        stdout: String::new(),
        stderr: String::new(),
    };
    DocumentEnd {
        command_id: "command-1".into(),
        status: "Success".into(),
        details: "Success".into(),
        targets: 1,
        nodes: vec![node],
        errors: 0,
    }
}

fn host() -> FakeHost {
    let vote = Vote {
        approver: "ada".into(),
        approved: true,
        comment: None,
        at: 1,
    };
    FakeHost::new()
        .on_command(|_, _| Ok(FakeHost::exit(0, "")))
        .on_document(|_| Ok(document()))
        .on_request(|_| Ok(FakeHost::respond(200, "text/plain", "ok")))
        .on_aws(|_| Ok(FakeHost::respond(200, "application/x-amz-json-1.0", "{}")))
        .decision(Ok(Decision {
            approved: true,
            votes: vec![vote],
        }))
        .signalled(Ok(Received {
            by: "ada".into(),
            at: 1,
            payload: "{}".into(),
        }))
        .probed(Ok(Probed {
            probes: 1,
            waited_ms: 0,
        }))
        .child(Outcome {
            status: "Success".into(),
            outputs: "{}".into(),
            failure: None,
        })
}

#[test]
fn calls_are_recorded_as_the_journal_keeps_them() {
    let host = host();
    everything(&host).unwrap();
    let calls = host.done(None).calls;
    assert_eq!(calls.len(), 32);
    for call in calls {
        let request: ModelRequest = serde_json::from_str(&call.request).expect(&call.function);
        assert_eq!(request.function(), call.function);
        assert_eq!(
            serde_json::to_value(&request).unwrap(),
            serde_json::from_str::<serde_json::Value>(&call.request).unwrap()
        );
        let answer = call.answer.unwrap().unwrap();
        let parsed: Answer = serde_json::from_str(&answer).expect(&call.function);
        assert_eq!(
            serde_json::to_value(&parsed).unwrap(),
            serde_json::from_str::<serde_json::Value>(&answer).unwrap()
        );
    }
}

/// A rollback reads what the step asked for and was told, also where a capability has one function.
#[test]
fn a_rollback_reads_every_call() {
    let host = host();
    everything(&host).unwrap();
    for call in host.done(None).calls {
        assert!(
            call.request_as::<Value>().is_some(),
            "{}: {}",
            call.function,
            call.request
        );
    }
    #[derive(serde::Deserialize)]
    struct Answer {
        status: u16,
    }
    for function in ["http.send", "aws.send"] {
        let answer: Answer = host.done(None).last(function).expect(function);
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn what_the_runbook_carries_is_there() {
    let host = FakeHost::new()
        .with_attachment("notes.txt", b"x")
        .with_global("REGION", "eu-west-1");
    assert_eq!(host.attachment("notes.txt"), Some(b"x".to_vec()));
    assert_eq!(host.attachment("none.txt"), None);
    assert_eq!(host.global("REGION").as_deref(), Some("eu-west-1"));
    assert_eq!(host.global("AWS_PARTITION").as_deref(), Some("aws"));
}

#[test]
fn errors_are_recorded_as_the_journal_keeps_them() {
    let denial = runwright_sdk::Denial {
        capability: "files".into(),
        missing: "files.read: [/x]".into(),
    };
    let excess = runwright_sdk::Excess {
        which: "file-read-bytes".into(),
        limit: 1,
        used: 2,
    };
    let message = || "why".to_owned();
    let errors = [
        (Error::Denied(denial), false),
        (Error::NotFound(message()), false),
        (Error::Invalid(message()), false),
        (Error::Throttled(message()), false),
        (Error::TimedOut(message()), true),
        (Error::LimitExceeded(excess), false),
        (Error::Unavailable(message()), true),
        (Error::Uncertain(message()), true),
    ];
    for (error, may_have_happened) in errors {
        let host = FakeHost::new().refuse("files.read", error.clone());
        host.read_file(&None, "/x").unwrap_err();
        let call = host.done(None).calls.remove(0);
        assert_eq!(call.may_have_happened(), may_have_happened, "{error:?}");
        serde_json::from_str::<ModelError>(&call.answer.unwrap().unwrap_err()).expect("the model's form");
    }
}

#[test]
fn every_shape_is_in_the_subset_the_engine_reads() {
    let shape = schema::object()
        .open()
        .describe("All of them.")
        .required(
            "S",
            schema::string("s")
                .at_least(1)
                .at_most(2)
                .pattern("x")
                .default("x")
                .one_of(["x"]),
        )
        .optional("L", schema::list("l", schema::integer("i").at_least(1)).at_most(3))
        .optional("M", schema::map("m", schema::number("n")))
        .optional("A", schema::any_of("a", [schema::boolean("b"), schema::any("any")]));
    let parsed: Schema = serde_json::from_str(&shape.to_string()).unwrap();
    assert_eq!(parsed.required, ["S"]);
    assert_eq!(parsed.properties.len(), 4);
}

#[test]
fn several_attempts_are_undone_to_the_very_first_state() {
    let host = FakeHost::new();
    host.link(&None, "/etc/l", "first").unwrap();
    let mut calls = Vec::new();
    for to in ["second", "third"] {
        let before = host.functions().len();
        files::link(&host, &None, "/etc/l", to, false).unwrap();
        calls.extend(host.done(None).calls.into_iter().skip(before));
    }
    files::undo(&host, &runwright_sdk::Done { outputs: None, calls }).unwrap();
    assert_eq!(
        host.stat(&None, "/etc/l").unwrap().unwrap().link.as_deref(),
        Some("first")
    );
}
