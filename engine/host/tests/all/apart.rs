//! Components compiled in a process of their own.

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use runwright_host::{COMPILE, Compiler, Components, Error, Host, Limits, Options};
use runwright_model::digest::Digest;
use runwright_testguest::COMPONENT;

use crate::common::Shelf;

const PROGRAM: &str = env!("CARGO_BIN_EXE_runwright-compiler");

fn host(compiler: Compiler, limits: Limits, cache: Option<&Path>) -> Host {
    Host::new(Options {
        compiler: Some(compiler),
        cache_dir: cache.map(|folder| folder.join("cache")),
        limits,
        instances: 10,
        ..Options::new(Arc::new(Shelf(vec![COMPONENT.to_vec()])))
    })
    .unwrap()
}

async fn refused(limits: Limits, component: &[u8]) -> Error {
    let host = host(Compiler::program(PROGRAM), limits, None);
    let error = host.load(component.to_vec()).await.unwrap_err();
    // The engine is none the worse for it.
    assert!(host.load(b"(component)".to_vec()).await.is_err());
    error
}

/// One function that is long and says nothing.
fn long(instructions: usize) -> Vec<u8> {
    let body = "i32.const 1 i32.xor local.tee 0 i32.const 3 i32.mul ".repeat(instructions);
    let text = format!("(component (core module (func (export \"f\") (param i32) (result i32) local.get 0 {body})))");
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn what_is_compiled_apart_runs_here() {
    let folder = tempfile::tempdir().unwrap();
    let digest = Digest::of(COMPONENT);
    let apart = host(Compiler::program(PROGRAM), Limits::default(), Some(folder.path()));
    assert_eq!(apart.describe(&digest).await.unwrap().action, "test:misbehave");
    // From then on it is in the cache, and no compiler is needed.
    let without = host(Compiler::program("/nowhere"), Limits::default(), Some(folder.path()));
    assert_eq!(without.describe(&digest).await.unwrap().action, "test:misbehave");
}

#[tokio::test]
async fn limits_of_compiling_are_told_by_name() {
    let memory = Limits {
        compile_memory_bytes: 48 << 20,
        ..Limits::default()
    };
    let error = refused(memory, &long(100_000)).await;
    assert_eq!(error.code(), "RW-H040", "{error}");
    assert!(
        error.to_string().contains("limit `compile-memory-bytes` exceeded"),
        "{error}"
    );
    assert!(error.to_string().contains("50331648 bytes (48 MiB)"), "{error}");
    assert!(
        error
            .to_string()
            .contains("raise `compile-memory-bytes` under `[limits]` in runwright.toml")
    );
    let computing = Limits {
        compile_cpu_ms: 1000,
        ..Limits::default()
    };
    let error = refused(computing, &long(250_000)).await;
    assert!(error.to_string().contains("limit `compile-cpu-ms` exceeded"), "{error}");
    let time = Limits {
        compile_wall_ms: 0,
        ..Limits::default()
    };
    let error = refused(time, COMPONENT).await;
    assert!(
        error.to_string().contains("limit `compile-wall-ms` exceeded"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_component_is_told_as_here() {
    let mut broken = COMPONENT.to_vec();
    broken.truncate(broken.len() / 2);
    let apart = refused(Limits::default(), &broken).await;
    let here = Host::new(Options::new(Arc::new(Shelf(Vec::new())))).unwrap();
    let here = here.load(broken).await.unwrap_err();
    assert_eq!(apart.to_string(), here.to_string());
    assert_eq!(apart.code(), "RW-H003");
}

#[tokio::test]
async fn a_program_that_is_no_compiler_is_told_as_such() {
    for program in ["/nowhere/compiler", "/bin/true", "/bin/echo", "/bin/cat"] {
        let host = host(Compiler::program(program), Limits::default(), None);
        let error = host.load(COMPONENT.to_vec()).await.unwrap_err();
        let codes = ["RW-H042", "RW-H041"];
        assert!(codes.contains(&error.code()), "{program}: {error}");
        assert!(error.to_string().len() < 5000, "{error}");
    }
}

/// Has the guest as a part of itself.
struct Own;

#[async_trait::async_trait]
impl Components for Own {
    async fn bytes(&self, _: &Digest) -> Option<Vec<u8>> {
        Some(COMPONENT.to_vec())
    }

    fn is_trusted(&self, _: &Digest) -> bool {
        true
    }
}

#[tokio::test]
async fn what_is_part_of_the_program_is_compiled_here() {
    let host = Host::new(Options {
        compiler: Some(Compiler::program("/nowhere")),
        instances: 10,
        ..Options::new(Arc::new(Own))
    })
    .unwrap();
    host.load(COMPONENT.to_vec()).await.unwrap();
}

/// The compiler while it waits for its component.
fn waiting() -> Child {
    let limits = serde_json::to_string(&Limits::default()).unwrap();
    let child = Command::new(PROGRAM)
        .args([COMPILE, &limits])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let began = Instant::now();
    while !fs::read_to_string(&status).unwrap().contains("NoNewPrivs:\t1") {
        assert!(began.elapsed() < Duration::from_secs(60), "it gives nothing away");
        std::thread::yield_now();
    }
    child
}

#[test]
fn the_compiler_has_nothing_within_reach() {
    let mut child = waiting();
    let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
    let limits = of("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max file size"), "0", "it writes no file");
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max cpu time"), "180");
    assert!(limit("Max address space").parse::<u64>().unwrap() > 4 << 30);
    assert!(of("environ").is_empty());
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    assert_eq!(open, 3, "its three pipes");
    if rustix::process::geteuid().is_root() {
        let status = of("status");
        assert!(status.contains("Uid:\t65534\t65534\t65534\t65534"), "{status}");
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
        let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
        assert_ne!(
            network(&child.id().to_string()),
            network("self"),
            "it has a network of its own, with nothing in it"
        );
    }
    drop(child.stdin.take());
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    assert_eq!(
        child.wait().unwrap().code(),
        Some(3),
        "nothing is no component: {words}"
    );
}
