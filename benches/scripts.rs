//! What does a step cost that runs a script, in JavaScript and in Python, beside a process of the language's own?
//!
//! `cargo xtask script` and `cargo xtask python` build the components.
#![expect(clippy::print_stderr, reason = "who measures wants to know what is missing")]

use std::process::Command;

use criterion::{Criterion, criterion_group, criterion_main};
use runwright_benches::{Built, target};
use serde_json::json;

const JAVASCRIPT: &str =
    "function handler(payload) {\n  return {Sum: payload.Numbers.reduce((a, b) => a + b, 0)};\n}\n";
const PYTHON: &str = "def handler(payload, context):\n    return {'Sum': sum(payload['Numbers'])}\n";
const BOTO3: &str = "import boto3\n\ndef handler(payload, context):\n    return boto3.client('ec2', region_name='eu-central-1').meta.region_name\n";

fn scripts(criterion: &mut Criterion) {
    let payload = json!({"Numbers": [1, 2, 3]});
    let python =
        |text: &str| json!({"Runtime": "python3.11", "Handler": "handler", "Script": text, "InputPayload": payload});
    let javascript = json!({"Script": JAVASCRIPT, "InputPayload": payload});
    let measured = [
        ("JavaScript", "script.wasm", "rw:script", javascript),
        ("Python", "python.wasm", "aws:executeScript", python(PYTHON)),
        (
            "Python, boto3 client of ec2",
            "python.wasm",
            "aws:executeScript",
            python(BOTO3),
        ),
    ];
    let mut group = criterion.benchmark_group("script");
    for (name, file, action, inputs) in measured {
        if let Some(script) = Built::find(format!("plugins/{file}"), action, inputs) {
            script.measure(&mut group, name);
        }
    }
    group.finish();
}

/// The same work in a process of its own, which is what a step costs that runs the language's interpreter as a command.
fn processes(criterion: &mut Criterion) {
    let with_boto3 = target().join("python/moto/bin/python");
    let with_boto3 = with_boto3.to_str().expect("a path in UTF-8");
    let measured = [
        (
            "node",
            "node",
            "-e",
            "console.log(JSON.stringify({Sum: [1, 2, 3].reduce((a, b) => a + b, 0)}))",
        ),
        (
            "python3",
            "python3",
            "-c",
            "import json; print(json.dumps({'Sum': sum([1, 2, 3])}))",
        ),
        (
            "python3, boto3 client of ec2",
            with_boto3,
            "-c",
            "import boto3; print(boto3.client('ec2', region_name='eu-central-1').meta.region_name)",
        ),
    ];
    let mut group = criterion.benchmark_group("process");
    group.sample_size(10);
    for (name, program, option, text) in measured {
        let run = || Command::new(program).arg(option).arg(text).output();
        if !run().is_ok_and(|output| output.status.success()) {
            eprintln!("not measured: {program} cannot do it here");
            continue;
        }
        group.bench_function(name, |bencher| bencher.iter(run));
    }
    group.finish();
}

criterion_group!(benches, scripts, processes);
criterion_main!(benches);
