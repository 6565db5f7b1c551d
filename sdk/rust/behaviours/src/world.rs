//! The cases that ask something of the world.

use std::hash::{BuildHasher as _, RandomState};

use runwright_sdk::{
    AwsRequest, Command, Completed, Error, Failure, Host, NewValue, ParameterType, Question, Request, StartRequest,
    Target, WriteOptions,
};
use serde_json::{Value, json};

use crate::seconds;

/// What the case `rollback` writes.
pub(crate) const KEPT: &str = "/tmp/behaviours/kept";
const NOTE: &str = "/tmp/behaviours/note";
/// The machine the engine runs on.
const HERE: Target = None;
const HOUR_MS: u64 = 3_600_000;

pub(crate) fn act(host: &impl Host, case: &str, text: &str) -> Result<Value, Failure> {
    Ok(match case {
        "command" => {
            let ended = command(host, &["uname", "-s"])?;
            json!({"exit": ended.exit_code, "stdout": ended.stdout})
        }
        "command-exit" => json!(command(host, &["sh", "-c", "exit 3"])?.exit_code),
        "denied" => denied(host)?,
        "denied-uncaught" => json!(command(host, &["reboot"])?.exit_code),
        "files" => files(host)?,
        "parameters" => {
            let value = NewValue::Given("one".to_owned());
            host.put_parameter("/behaviours/one", ParameterType::Plain, &value, true)?;
            json!(host.parameter("/behaviours/one")?.value)
        }
        "secret" => secret(host)?,
        "http" => http(host)?,
        "aws" => aws(host)?,
        "blobs" => {
            let name = host.put_blob(text.as_bytes())?;
            let size = u32::try_from(host.blob_size(&name)?).unwrap_or(u32::MAX);
            json!(String::from_utf8_lossy(&host.blob(&name, 0, size)?))
        }
        "approval" => approval(host)?,
        "sleep" => {
            let before = host.now();
            host.sleep(2 * HOUR_MS)?;
            json!(seconds(before, host.now()))
        }
        "signal" => serde_json::from_str(&host.signal("go", None)?.payload).unwrap_or(Value::Null),
        "child" => child(host, text)?,
        "replay" => replay(host)?,
        "rollback" => {
            host.write_file(&HERE, KEPT, b"kept", &with_folders())?;
            json!("kept")
        }
        other => return Err(Failure::invalid(format!("there is no case `{other}`"))),
    })
}

fn command(host: &impl Host, words: &[&str]) -> Result<Completed, Error> {
    host.run(&HERE, &Command::program(words.iter().copied()))
}

fn with_folders() -> WriteOptions {
    WriteOptions {
        parents: true,
        ..WriteOptions::default()
    }
}

fn denied(host: &impl Host) -> Result<Value, Failure> {
    match command(host, &["reboot"]) {
        Ok(ended) => Ok(json!(ended.how())),
        Err(Error::Denied(denial)) => Ok(json!(denial.missing)),
        Err(other) => Err(other.into()),
    }
}

fn files(host: &impl Host) -> Result<Value, Failure> {
    host.write_file(&HERE, NOTE, b"note", &with_folders())?;
    let read = host.read_file(&HERE, NOTE)?;
    let size = host.stat(&HERE, NOTE)?.map(|facts| facts.size);
    host.remove(&HERE, NOTE)?;
    let gone = host.stat(&HERE, NOTE)?.is_none();
    Ok(json!({"text": String::from_utf8_lossy(&read), "size": size, "gone": gone}))
}

fn secret(host: &impl Host) -> Result<Value, Failure> {
    let secret = host.parameter("/behaviours/secret")?.value;
    let cat = Command {
        stdin: Some(secret.clone().into_bytes()),
        ..Command::program(["cat"])
    };
    host.run(&HERE, &cat)?;
    Ok(json!(secret))
}

fn http(host: &impl Host) -> Result<Value, Failure> {
    let answer = host.send(&Request::new("GET", "http://box.test/hello"))?;
    Ok(json!({"status": answer.status, "body": answer.text()}))
}

fn aws(host: &impl Host) -> Result<Value, Failure> {
    let answer = host.send_aws(&AwsRequest {
        region: Some("eu-west-1".to_owned()),
        headers: vec![(
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )],
        body: b"Action=DescribeRegions&Version=2016-11-15".to_vec(),
        ..AwsRequest::new("ec2", "POST", "/")
    })?;
    Ok(json!({"status": answer.status, "body": answer.text()}))
}

fn approval(host: &impl Host) -> Result<Value, Failure> {
    let decision = host.ask(&Question::new("Go on?"))?;
    let by = decision.votes.first().map(|vote| vote.approver.as_str());
    Ok(json!({"approved": decision.approved, "by": by}))
}

fn child(host: &impl Host, runbook: &str) -> Result<Value, Failure> {
    let id = host.start_execution(&StartRequest {
        runbook: runbook.to_owned(),
        parameters: "{}".to_owned(),
    })?;
    Ok(json!(host.wait_execution(&id)?.status))
}

fn replay(host: &impl Host) -> Result<Value, Failure> {
    // The standard library's only random numbers; the host makes them the same in every replay.
    let random = RandomState::new().hash_one(0) >> 32;
    let word = random.to_string();
    let one = command(host, &["echo", "one", &word])?.stdout;
    let two = command(host, &["echo", "two", &word])?.stdout;
    host.sleep(HOUR_MS)?;
    let three = command(host, &["echo", "three", &word])?.stdout;
    Ok(json!({"stdouts": [one, two, three], "random": random}))
}
