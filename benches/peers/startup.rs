//! The `runwright` command: from the start of the process to the first step of a runbook, and to the end of all.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::Value;

use crate::{
    Outcome,
    figures::{Measured, median},
    machine,
    plan::{Run, Scale, fresh},
};

pub(crate) fn measure(run: &Run<'_>) -> Outcome<Measured> {
    let runwright = run.runwright.ok_or("no binary was named with --runwright")?;
    let state = fresh(run.folder, "startup")?;
    let runbook = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../runbooks/quickstart.yaml");
    let (mut firsts, mut wholes) = (Vec::new(), Vec::new());
    let rounds = match run.scale {
        Scale::Full => 40,
        Scale::Quick => 3,
    };
    // The first one compiles the plugins, and is not counted.
    for round in 0..=rounds {
        let (begin, wall) = (Instant::now(), machine::wall_ns());
        let output = Command::new(runwright)
            .arg("--state-dir")
            .arg(state.join("state"))
            .args(["--output", "json", "--quiet", "run"])
            .arg(&runbook)
            .arg("-p")
            .arg(format!("Folder={}", state.display()))
            .stdin(Stdio::null())
            .output()?;
        let whole_ms = begin.elapsed().as_secs_f64() * 1e3;
        if !output.status.success() {
            let [error, result] =
                [output.stderr, output.stdout].map(|text| String::from_utf8_lossy(&text).into_owned());
            return Err(format!("runwright ended with {}: {error}{result}", output.status).into());
        }
        if round > 0 {
            firsts.push(first_step_ms(&serde_json::from_slice(&output.stdout)?, wall)?);
            wholes.push(whole_ms);
        }
    }
    Ok([
        ("first_step_ms".to_owned(), median(&mut firsts)),
        ("whole_ms".to_owned(), median(&mut wholes)),
    ]
    .into())
}

/// From the start of the process to the moment at which the journal has the first step begin. The journal counts whole
/// milliseconds, so half of one is added.
fn first_step_ms(view: &Value, wall_ns: u128) -> Outcome<f64> {
    let steps = view["steps"].as_array().ok_or("an execution has steps")?;
    let began = steps.iter().filter_map(|step| step["startedAt"].as_f64());
    let first = began.fold(f64::INFINITY, f64::min);
    Ok(first + 0.5 - wall_ns as f64 / 1e6)
}
