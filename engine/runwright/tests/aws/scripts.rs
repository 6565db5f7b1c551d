//! `aws:executeScript`.

use runwright::{Error, model::status::Status};
use serde_json::{Value, json};

use crate::{World, output, succeeded};

/// A document with one script.
fn script(lines: &str) -> String {
    let indented: String = lines.lines().map(|line| format!("        {line}\n")).collect();
    format!(
        "mainSteps:\n  - name: Script\n    action: aws:executeScript\n    inputs:\n      Runtime: python3.11\n      \
         Handler: main\n      InputPayload: {{Name: x}}\n      Script: |\n{indented}"
    )
}

#[tokio::test]
async fn boto3_is_the_real_one() {
    let Some(world) = World::open().await else { return };
    let view = world
        .run(&script(
            "import boto3, datetime, json, os\n\
             from botocore.exceptions import ClientError\n\
             def main(events, context):\n\
             \x20   s3 = boto3.client('s3')\n\
             \x20   s3.create_bucket(Bucket='pages', CreateBucketConfiguration={'LocationConstraint': os.environ['AWS_REGION']})\n\
             \x20   for n in range(5):\n\
             \x20       s3.put_object(Bucket='pages', Key=f'a b/{n}', Body=b'x' * n)\n\
             \x20   pages = s3.get_paginator('list_objects_v2').paginate(Bucket='pages', PaginationConfig={'PageSize': 2})\n\
             \x20   found = [item['Key'] for page in pages for item in page['Contents']]\n\
             \x20   try:\n\
             \x20       boto3.client('sqs').get_queue_url(QueueName='none')\n\
             \x20   except ClientError as error:\n\
             \x20       code = error.response['Error']['Code']\n\
             \x20   body = boto3.resource('s3').Object('pages', 'a b/3').get()['Body'].read().decode()\n\
             \x20   return {'found': found, 'code': code, 'body': body, 'region': context['global:REGION'],\n\
             \x20           'year': datetime.datetime.now().year, 'name': events['Name']}",
        ))
        .await;
    let payload = output(succeeded(&view), "Script", "Payload");
    assert_eq!(payload["found"], json!(["a b/0", "a b/1", "a b/2", "a b/3", "a b/4"]));
    assert!(
        payload["code"].as_str().unwrap().contains("NonExistentQueue"),
        "{payload}"
    );
    assert_eq!(
        (&payload["body"], &payload["region"]),
        (&json!("xxx"), &json!("eu-north-1"))
    );
    assert!(payload["year"].as_i64().unwrap() > 2025);
    assert_eq!(payload["name"], "x");
}

#[tokio::test]
async fn a_sleep_is_a_wait_and_random_numbers_stay_the_same_over_it() {
    let Some(world) = World::open().await else { return };
    let text = script(
        "import random, time, uuid\n\
         def main(events, context):\n\
         \x20   before = [random.random(), str(uuid.uuid4())]\n\
         \x20   began = time.time()\n\
         \x20   time.sleep(1.5)\n\
         \x20   return {'before': before, 'slept': time.time() - began}",
    );
    let (first, second) = (world.run(&text).await, world.run(&text).await);
    let (first, second) = (
        output(succeeded(&first), "Script", "Payload"),
        output(succeeded(&second), "Script", "Payload"),
    );
    assert!(first["slept"].as_f64().unwrap() >= 1.49, "{first}");
    for at in 0..2 {
        assert_ne!(
            first["before"][at], second["before"][at],
            "no two executions draw the same"
        );
    }
}

#[tokio::test]
async fn a_traceback_has_the_lines_of_the_script() {
    let Some(world) = World::open().await else { return };
    let view = world
        .run(&script(
            "def inner():\n\
             \x20   return {}['missing']\n\
             def main(events, context):\n\
             \x20   inner()",
        ))
        .await;
    assert_eq!(view.status, Status::Failed);
    let told = view.steps[0].failure.as_ref().unwrap().message.clone();
    for part in [
        "line 4, in main",
        "line 2, in inner",
        "return {}['missing']",
        "KeyError: 'missing'",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[tokio::test]
async fn the_sandbox_has_nothing_but_the_services() {
    let Some(world) = World::open().await else { return };
    let view = world
        .run(&script(
            "import os, socket, subprocess\n\
             def attempt(work):\n\
             \x20   try:\n\
             \x20       return 'did: ' + str(work())\n\
             \x20   except BaseException as error:\n\
             \x20       return type(error).__name__\n\
             def main(events, context):\n\
             \x20   import boto3\n\
             \x20   keys = boto3.Session().get_credentials().get_frozen_credentials()\n\
             \x20   return {'file': attempt(lambda: open('/etc/passwd').read()), 'list': attempt(lambda: os.listdir('/')),\n\
             \x20           'socket': attempt(lambda: socket.create_connection(('127.0.0.1', 80))),\n\
             \x20           'process': attempt(lambda: subprocess.run(['id'])), 'keys': list(keys)}",
        ))
        .await;
    let payload = output(succeeded(&view), "Script", "Payload");
    for name in ["file", "socket", "process"] {
        assert!(!payload[name].as_str().unwrap().starts_with("did:"), "{payload}");
    }
    assert!(!payload["keys"].to_string().contains("AKIA"), "{payload}");
}

/// A role that a script assumes works, and neither the script nor the journal has its credentials.
#[tokio::test]
async fn a_role_is_assumed_without_its_credentials() {
    let Some(world) = World::open().await else { return };
    let text = script(
        "import boto3\n\
         def main(events, context):\n\
         \x20   given = boto3.client('sts').assume_role(RoleArn='arn:aws:iam::123456789012:role/other', RoleSessionName='session')['Credentials']\n\
         \x20   sts = boto3.client('sts', aws_access_key_id=given['AccessKeyId'], aws_secret_access_key=given['SecretAccessKey'],\n\
         \x20                      aws_session_token=given['SessionToken'])\n\
         \x20   return {'given': [given['SecretAccessKey'], given['SessionToken']], 'who': sts.get_caller_identity()['Arn']}",
    );
    let view = world
        .run(&format!("assumeRole: arn:aws:iam::123456789012:role/runbook\n{text}"))
        .await;
    let payload = output(succeeded(&view), "Script", "Payload");
    assert!(
        payload["who"].as_str().unwrap().contains(":assumed-role/other/session"),
        "{payload}"
    );
    assert!(
        payload["given"][0]
            .as_str()
            .unwrap()
            .starts_with("runwright-assumed-role:"),
        "{payload}"
    );
    assert_eq!(payload["given"][1], json!("withheld-by-runwright"));
}

#[tokio::test]
async fn what_cannot_run_says_why() {
    let Some(world) = World::open().await else { return };
    let cases: [(&str, Value); 4] = [
        ("'{{ Runtime }}'", json!("it runs python3")),
        ("python3.11", json!("no function `main`")),
        ("python3.11", json!("line 1")),
        ("python3.11", json!("cannot be written as JSON")),
    ];
    let texts = [
        "x = 1",
        "def other(): pass",
        "def main(:",
        "def main(e, c):\n    return object()",
    ];
    for ((runtime, expected), text) in cases.iter().zip(texts) {
        let document = script(text).replace("python3.11", runtime);
        let parameters = "parameters: {Runtime: {type: String, default: PowerShell 7.4}}";
        let view = world.run(&format!("{document}{parameters}\n")).await;
        assert_eq!(view.status, Status::Failed);
        let told = view.steps[0].failure.as_ref().unwrap().message.clone();
        assert!(told.contains(expected.as_str().unwrap()), "{expected}: {told}");
    }
    // What stands in the document is refused before anything runs.
    let ruby = format!(
        "schemaVersion: '0.3'\n{}",
        script("x = 1").replace("python3.11", "ruby3.4")
    );
    let refused = world.run_whole(&ruby, json!({})).await.unwrap_err();
    let Error::Document { diagnostics, .. } = refused else {
        panic!("{refused}");
    };
    assert!(
        diagnostics[0].message.contains("\"ruby3.4\" does not match"),
        "{diagnostics:?}"
    );
}
