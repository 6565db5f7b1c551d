//! Killed with thousands in flight: each a step, a durable sleep, a step. They are killed while all sleep, and started
//! again when all are due.

use std::{
    io::{BufRead as _, Write as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use runwright_executor::ports::Clock as _;
use runwright_model::status::Status;
use runwright_store::{Page, Store as _};
use serde_json::Map;

use crate::{
    Outcome,
    engine::{Engine, WallClock},
    figures::Measured,
    machine,
    plan::{Run, Scale, fresh},
};

const EXECUTIONS: usize = 10_000;
const STARTERS: usize = 256;

/// How long from the first start to the end of the sleeps.
fn sleep(scale: Scale) -> Duration {
    match scale {
        Scale::Full => Duration::from_secs(25),
        Scale::Quick => Duration::from_secs(4),
    }
}

/// Fills, kills, waits until all are due, and resumes.
pub(crate) fn measure(run: &Run<'_>) -> Outcome<Measured> {
    let begin = Instant::now();
    let (mut child, mut lines) = run.spawn("crash-fill")?;
    let mut asleep = String::new();
    let read = lines.read_line(&mut asleep);
    // SIGKILL.
    child.kill()?;
    child.wait()?;
    read?;
    if asleep.trim() != "asleep" {
        return Err("the executions did not fall asleep".into());
    }
    // Two seconds more than the sleeps can last: the process took a moment to begin them.
    let left = (sleep(run.scale) + Duration::from_secs(2)).saturating_sub(begin.elapsed());
    std::thread::sleep(left);
    run.role("crash-resume")
}

/// Starts them all, says so when all sleep, and waits to be killed.
pub(crate) async fn fill(folder: &Path, scale: Scale) -> Outcome<Measured> {
    let engine = Arc::new(Engine::open(&fresh(folder, "crash")?, &folder.join("cache")).await?);
    let plan = engine.step_sleep_step().await?;
    let until = WallClock.now().after(sleep(scale));
    let executions = scale.of(EXECUTIONS);
    let starters: Vec<_> = (0..STARTERS)
        .map(|starter| {
            let (engine, plan) = (engine.clone(), plan.clone());
            tokio::spawn(async move {
                for number in (starter..executions).step_by(STARTERS) {
                    let parameters: Map<_, _> = [("Until".to_owned(), until.to_string().into())].into_iter().collect();
                    engine.start(&format!("c{number}"), &plan, parameters).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for starter in starters {
        starter.await??;
    }
    engine.quiet().await;
    if engine.effects.done() != executions || WallClock.now() >= until {
        let done = engine.effects.done();
        return Err(format!("{done} of {executions} slept in time: the machine is too busy").into());
    }
    crate::print("asleep");
    std::io::stdout().flush()?;
    std::future::pending().await
}

/// Opens the store again, and watches.
pub(crate) async fn resume(folder: &Path, scale: Scale, spawned: Option<u128>) -> Outcome<Measured> {
    let spawned = spawned.ok_or("this role is told when it was started")?;
    let executions = scale.of(EXECUTIONS);
    let engine = Engine::open(&folder.join("crash"), &folder.join("cache")).await?;
    let open_s = machine::since_s(spawned);
    let patience = Instant::now() + Duration::from_secs(120);
    while engine.effects.done() == 0 && Instant::now() < patience {
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    let first_s = machine::since_s(spawned);
    while engine.effects.done() < executions && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    engine.quiet().await;
    let all_s = machine::since_s(spawned);
    let ended = engine.store.list(Page {
        statuses: vec![Status::Success],
        ..Page::default()
    });
    let ended = ended.await?.len();
    if ended != executions {
        return Err(format!("{ended} of {executions} ended well").into());
    }
    let processor_s = machine::processor_s();
    engine.close().await?;
    Ok([
        ("open_s".to_owned(), open_s),
        ("first_s".to_owned(), first_s),
        ("all_s".to_owned(), all_s),
        ("processor_s".to_owned(), processor_s),
    ]
    .into())
}
