//! A hundred thousand executions wait for a person's approval: what they cost in memory, and how fast they are decided.

use std::{path::Path, sync::Arc, time::Instant};

use runwright_model::{event::Signal, status::Status};
use runwright_store::{Page, Store as _};
use serde_json::{Map, json};

use crate::{
    Outcome,
    engine::Engine,
    figures::Measured,
    machine,
    plan::{Scale, fresh},
};

const EXECUTIONS: usize = 100_000;
/// Starts and decisions under way at the same time.
const AT_ONCE: usize = 256;

const RUNBOOK: &str = "\
schemaVersion: '0.3'
mainSteps:
  - {name: Ask, action: 'aws:approve', inputs: {Approvers: ['*'], Message: Go on?}}
";

/// Starts them, and weighs this process before and after.
pub(crate) async fn fill(folder: &Path, scale: Scale) -> Outcome<Measured> {
    let engine = Arc::new(Engine::open(&fresh(folder, "waiting")?, &folder.join("cache")).await?);
    let plan = engine.plan(RUNBOOK.to_owned(), &["aws:approve"]).await?;
    engine.start("warm", &plan, Map::new()).await?;
    engine.quiet().await;
    let base = machine::memory_kib(std::process::id(), "VmRSS");
    let executions = scale.of(EXECUTIONS);
    let begin = Instant::now();
    let starters: Vec<_> = (0..AT_ONCE)
        .map(|starter| {
            let (engine, plan) = (engine.clone(), plan.clone());
            tokio::spawn(async move {
                for number in (starter..executions).step_by(AT_ONCE) {
                    engine.start(&format!("w{number}"), &plan, Map::new()).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for starter in starters {
        starter.await??;
    }
    engine.quiet().await;
    let fill_s = begin.elapsed().as_secs_f64();
    let full = machine::memory_kib(std::process::id(), "VmRSS");
    Arc::into_inner(engine)
        .ok_or("every starter has ended")?
        .close()
        .await?;
    Ok([
        ("base_mib".to_owned(), base / 1024.0),
        ("full_mib".to_owned(), full / 1024.0),
        ("kib_each".to_owned(), (full - base) / executions as f64),
        ("start_per_s".to_owned(), executions as f64 / fill_s),
    ]
    .into())
}

/// Opens the store again, weighs it, and approves all.
pub(crate) async fn decide(folder: &Path, scale: Scale, spawned: Option<u128>) -> Outcome<Measured> {
    let spawned = spawned.ok_or("this role is told when it was started")?;
    let executions = scale.of(EXECUTIONS);
    let engine = Arc::new(Engine::open(&folder.join("waiting"), &folder.join("cache")).await?);
    let open_s = machine::since_s(spawned);
    let open_mib = machine::memory_kib(std::process::id(), "VmRSS") / 1024.0;
    let begin = Instant::now();
    let deciders: Vec<_> = (0..AT_ONCE)
        .map(|decider| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for number in (decider..executions).step_by(AT_ONCE) {
                    let signal = Signal {
                        name: Signal::APPROVE.to_owned(),
                        step: None,
                        by: "ann".to_owned(),
                        payload: json!({ "comment": null }),
                    };
                    engine.executor.signal(&format!("w{number}").parse()?, signal).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for decider in deciders {
        decider.await??;
    }
    engine.quiet().await;
    let decide_s = begin.elapsed().as_secs_f64();
    let ended = engine.store.list(Page {
        statuses: vec![Status::Success],
        ..Page::default()
    });
    let ended = ended.await?.len();
    if ended != executions {
        return Err(format!("{ended} of {executions} ended well").into());
    }
    let decided_mib = machine::memory_kib(std::process::id(), "VmRSS") / 1024.0;
    Arc::into_inner(engine)
        .ok_or("every decider has ended")?
        .close()
        .await?;
    Ok([
        ("open_s".to_owned(), open_s),
        ("open_mib".to_owned(), open_mib),
        ("decided_mib".to_owned(), decided_mib),
        ("decisions_per_s".to_owned(), executions as f64 / decide_s),
    ]
    .into())
}
