//! What the plugin can be told to do.

use std::{
    env, fs,
    hash::{BuildHasher, RandomState},
    hint::black_box,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{
    call,
    exports::runwright::plugin::action::{Context, Done, Failure, FailureKind},
    runwright::plugin::{blobs, log, step},
    wrong,
};

/// Does what `inputs.do` says, and answers the outputs as text.
pub fn perform(context: &Context, done: Option<&Done>, inputs: &Value) -> Result<String, Failure> {
    let outputs = match text(inputs, "do") {
        "echo" => echo(context, inputs),
        "loop" => spin(u64::MAX),
        "spin" => spin(number(inputs, "times")),
        "alloc" => allocate(number(inputs, "bytes")),
        "try-alloc" => try_allocate(number(inputs, "bytes")),
        "recurse" => json!({"depth": recurse(number(inputs, "times"))}),
        "panic" => panic!("{}", text(inputs, "message")),
        "unreachable" => core::arch::wasm32::unreachable(),
        "out-of-bounds" => out_of_bounds(),
        "exit" => std::process::exit(i32::try_from(number(inputs, "code")).unwrap_or(1)),
        "rubbish" => return Ok(text(inputs, "text").to_owned()),
        "huge" => json!({"text": "x".repeat(size(inputs, "bytes"))}),
        "fail" => return Err(failure(inputs)),
        "log" => write_log(inputs),
        "progress" => progress(inputs),
        "print" => print(inputs),
        "sleep" => sleep(number(inputs, "ms")),
        "clock" => clock(),
        "random" => random(),
        "world" => world(),
        "show-done" => show_done(done),
        "call" => call::make(inputs.get("request").unwrap_or(&Value::Null))?,
        "sequence" => sequence(inputs)?,
        "many-calls" => many_calls(number(inputs, "times")),
        "big-argument" => big_argument(size(inputs, "bytes")),
        unknown => return Err(wrong(format!("`{unknown}` is nothing this plugin can do"))),
    };
    Ok(outputs.to_string())
}

fn text<'a>(inputs: &'a Value, key: &str) -> &'a str {
    inputs.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(inputs: &Value, key: &str) -> u64 {
    inputs.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn size(inputs: &Value, key: &str) -> usize {
    usize::try_from(number(inputs, key)).unwrap_or(usize::MAX)
}

fn echo(context: &Context, inputs: &Value) -> Value {
    json!({
        "inputs": inputs,
        "context": {
            "execution-id": context.execution_id,
            "step": context.step,
            "visit": context.visit,
            "attempt": context.attempt,
            "idempotency-key": context.idempotency_key,
            "deadline": context.deadline,
            "trace-parent": context.trace_parent,
        },
        "step": { "action": step::action(), "globals": step::globals() },
    })
}

fn spin(times: u64) -> Value {
    let mut sum = 0_u64;
    for turn in 0..times {
        sum = black_box(sum.wrapping_add(turn));
    }
    json!({"sum": sum})
}

fn allocate(bytes: u64) -> Value {
    let block = vec![1_u8; usize::try_from(bytes).unwrap_or(usize::MAX)];
    json!({"last": black_box(&block).last()})
}

fn try_allocate(bytes: u64) -> Value {
    let mut block: Vec<u8> = Vec::new();
    let allocated = block
        .try_reserve_exact(usize::try_from(bytes).unwrap_or(usize::MAX))
        .is_ok();
    black_box(&block);
    json!({"allocated": allocated})
}

/// Goes this deep, on the stack the host limits as well as on the guest's own.
#[inline(never)]
fn recurse(times: u64) -> u64 {
    if times == 0 {
        0
    } else {
        black_box(recurse(black_box(times - 1))) + 1
    }
}

fn out_of_bounds() -> Value {
    let address = black_box(usize::MAX - 16) as *const u8;
    // SAFETY: none. This is the point: the sandbox has to catch it.
    json!({"byte": unsafe { address.read_volatile() }})
}

fn failure(inputs: &Value) -> Failure {
    Failure {
        kind: match text(inputs, "kind") {
            "invalid-input" => FailureKind::InvalidInput,
            "verification" => FailureKind::Verification,
            "denied" => FailureKind::Denied,
            "throttled" => FailureKind::Throttled,
            "timed-out" => FailureKind::TimedOut,
            "limit-exceeded" => FailureKind::LimitExceeded,
            "uncertain" => FailureKind::Uncertain,
            "rejected" => FailureKind::Rejected,
            _ => FailureKind::Failed,
        },
        message: match number(inputs, "message-bytes") {
            0 => text(inputs, "message").to_owned(),
            _ => "é".repeat(size(inputs, "message-bytes") / 2),
        },
        retryable: inputs.get("retryable").and_then(Value::as_bool).unwrap_or_default(),
        details: inputs.get("details").and_then(Value::as_str).map(str::to_owned),
    }
}

fn write_log(inputs: &Value) -> Value {
    let level = match text(inputs, "level") {
        "debug" => log::Level::Debug,
        "warn" => log::Level::Warn,
        "error" => log::Level::Error,
        _ => log::Level::Info,
    };
    let line = match number(inputs, "bytes") {
        0 => text(inputs, "text").to_owned(),
        _ => "x".repeat(size(inputs, "bytes")),
    };
    for _ in 0..number(inputs, "times").max(1) {
        log::write(level, &line);
    }
    json!({})
}

fn progress(inputs: &Value) -> Value {
    log::progress(number(inputs, "done"), number(inputs, "total"), text(inputs, "text"));
    json!({})
}

fn print(inputs: &Value) -> Value {
    let written = match text(inputs, "to") {
        "stderr" => std::io::stderr().write_all(text(inputs, "text").as_bytes()),
        _ => std::io::stdout()
            .write_all(text(inputs, "text").as_bytes())
            .and_then(|()| std::io::stdout().flush()),
    };
    json!({"written": written.is_ok()})
}

fn sleep(ms: u64) -> Value {
    let (wall, start) = (wall_ms(), Instant::now());
    thread::sleep(Duration::from_millis(ms));
    json!({"monotonic-ms": start.elapsed().as_millis() as u64, "wall-ms": wall_ms() - wall})
}

fn wall_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

fn clock() -> Value {
    let start = Instant::now();
    black_box(spin(100_000));
    json!({"wall-ms": wall_ms(), "moved-ns": start.elapsed().as_nanos() as u64})
}

fn random() -> Value {
    let mut bytes = [0; 24];
    let secure = getrandom::fill(&mut bytes).is_ok();
    json!({"secure": secure, "bytes": bytes, "hash": RandomState::new().hash_one(1)})
}

fn world() -> Value {
    let mut input = Vec::new();
    let stdin = std::io::stdin()
        .read_to_end(&mut input)
        .map_or_else(|e| e.to_string(), |n| format!("{n} bytes"));
    json!({
        "variables": env::vars().count(),
        "arguments": env::args().count(),
        "stdin": stdin,
        "read": fs::read("/etc/passwd").err().map(|e| e.to_string()),
        "list": fs::read_dir("/").err().map(|e| e.to_string()),
        "write": fs::write("x", "x").err().map(|e| e.to_string()),
        "connect": TcpStream::connect(("127.0.0.1", 9)).err().map(|e| e.to_string()),
        "listen": TcpListener::bind(("127.0.0.1", 0)).err().map(|e| e.to_string()),
        "datagram": UdpSocket::bind(("127.0.0.1", 0)).err().map(|e| e.to_string()),
        "lookup": TcpStream::connect("localhost:9").err().map(|e| e.to_string()),
    })
}

fn show_done(done: Option<&Done>) -> Value {
    let shown = done.map(|done| {
        let calls: Vec<Value> = done
            .calls
            .iter()
            .map(|call| {
                json!([
                    call.function,
                    call.request,
                    call.answer.as_ref().map(|a| match a {
                        Ok(answer) => json!({"ok": answer}),
                        Err(error) => json!({"error": error}),
                    })
                ])
            })
            .collect();
        json!({"outputs": done.outputs, "calls": calls})
    });
    log::write(log::Level::Info, &json!(shown).to_string());
    json!({})
}

fn sequence(inputs: &Value) -> Result<Value, Failure> {
    let requests = inputs
        .get("requests")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let outcomes: Result<Vec<Value>, Failure> = requests.iter().map(call::make).collect();
    Ok(json!({"outcomes": outcomes?}))
}

fn many_calls(times: u64) -> Value {
    let answered = (0..times).filter(|_| blobs::size("sha256:00").is_ok()).count();
    json!({"answered": answered})
}

fn big_argument(bytes: usize) -> Value {
    json!({"kept": blobs::put(&vec![7; bytes]).is_ok()})
}
