//! What does a step cost that runs a script, in JavaScript and in Python, beside a process of the language's own?
//!
//! `cargo xtask script` and `cargo xtask python` build the components; what is not there is not measured, and named.
#![expect(clippy::print_stderr, reason = "who measures wants to know what is missing")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use criterion::{Criterion, criterion_group, criterion_main};
use runwright_benches::invoke_once;
use runwright_host::{Components, Host, Options};
use runwright_model::digest::Digest;
use serde_json::{Value, json};

const JAVASCRIPT: &str =
    "function handler(payload) {\n  return {Sum: payload.Numbers.reduce((a, b) => a + b, 0)};\n}\n";
const PYTHON: &str = "def handler(payload, context):\n    return {'Sum': sum(payload['Numbers'])}\n";
const BOTO3: &str = "import boto3\n\ndef handler(payload, context):\n    return boto3.client('ec2', region_name='eu-central-1').meta.region_name\n";

/// One component: a file in `target/plugins`.
struct OneFile {
    digest: Digest,
    bytes: Vec<u8>,
}

#[async_trait::async_trait]
impl Components for OneFile {
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>> {
        (*digest == self.digest).then(|| self.bytes.clone())
    }
}

/// A step with a script.
struct Script {
    component: Arc<OneFile>,
    action: &'static str,
    inputs: Value,
}

impl Script {
    fn host(&self, cache: &Path) -> Host {
        let options = Options {
            cache_dir: Some(cache.to_owned()),
            ..Options::new(self.component.clone())
        };
        Host::new(options).expect("a host")
    }

    async fn call(&self, host: &Host) {
        invoke_once(host, self.component.digest, self.action, self.inputs.clone()).await;
    }
}

/// The build's own folder: benches run in `target/release/deps`.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    program.ancestors().nth(3).expect("three folders up").to_owned()
}

fn component(file: &str) -> Option<Arc<OneFile>> {
    let path = target().join("plugins").join(file);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("not measured: there is no {}", path.display());
        return None;
    };
    Some(Arc::new(OneFile {
        digest: Digest::of(&bytes),
        bytes,
    }))
}

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
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("script");
    for (name, file, action, inputs) in measured {
        let Some(component) = component(file) else { continue };
        let script = Script {
            component,
            action,
            inputs,
        };
        // On the disk of the project, where compiled components are mapped from.
        let folder = tempfile::tempdir_in(".").expect("a folder");
        let cache = folder.path().join("cache");
        let host = script.host(&cache);
        runtime.block_on(script.call(&host));
        group.sample_size(50);
        group.bench_function(format!("{name}: a step"), |bencher| {
            bencher.iter(|| runtime.block_on(script.call(&host)));
        });
        group.sample_size(10);
        group.bench_function(format!("{name}: the first step of a process"), |bencher| {
            // Dropped within: a host reserves terabytes of addresses, and a dozen of them are all that there are.
            bencher.iter(|| {
                let host = script.host(&cache);
                runtime.block_on(script.call(&host));
            });
        });
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
