//! Steps: one execution of them, many executions at once, steps without effects, and a store with a past.

use std::{fs::File, path::Path, sync::Arc, time::Instant};

use runwright_benches::document;
use runwright_model::plan::Plan;
use serde_json::Map;

use crate::{
    Outcome, disk,
    engine::Engine,
    figures::{Measured, median},
    machine,
    plan::{Scale, fresh},
};

/// Steps of one execution.
const STEPS: usize = 100;
/// Executions at the same time.
const AT_ONCE: usize = 64;

/// One execution of durable steps after the other, with as many raw appends between them.
pub(crate) async fn single(folder: &Path, scale: Scale) -> Outcome<Measured> {
    let engine = Engine::open(&fresh(folder, "single")?, &folder.join("cache")).await?;
    let plan = engine.durable_steps(STEPS).await?;
    engine.run("warm", &plan).await?;
    let rounds = scale.of(30).max(2);
    let mut rounds_of = Rounds::new(folder)?;
    let processor = machine::processor_s();
    for round in 0..rounds {
        rounds_of.probe()?;
        rounds_of.execution(&engine, &format!("e{round}"), &plan).await?;
    }
    let processor = machine::processor_s() - processor;
    let mut measured = rounds_of.measured();
    measured.insert("processor_us".into(), processor * 1e6 / (rounds * STEPS) as f64);
    engine.close().await?;
    Ok(measured)
}

/// Executions of durable steps, and raw appends between them.
struct Rounds {
    file: File,
    raw_us: Vec<f64>,
    gap_us: Vec<f64>,
    step_us: Vec<f64>,
}

impl Rounds {
    fn new(folder: &Path) -> Outcome<Self> {
        Ok(Self {
            file: File::create(folder.join("raw-rounds"))?,
            raw_us: Vec::new(),
            gap_us: Vec::new(),
            step_us: Vec::new(),
        })
    }

    fn probe(&mut self) -> Outcome<()> {
        self.raw_us.extend(disk::one_writer(&mut self.file, STEPS)?);
        Ok(())
    }

    async fn execution(&mut self, engine: &Engine, id: &str, plan: &Arc<Plan>) -> Outcome<()> {
        engine.effects.take_moments();
        let begin = Instant::now();
        engine.run(id, plan).await?;
        self.step_us.push(begin.elapsed().as_secs_f64() * 1e6 / STEPS as f64);
        let moments = engine.effects.take_moments();
        let gaps = moments.windows(2).map(|two| (two[1] - two[0]).as_secs_f64() * 1e6);
        self.gap_us.extend(gaps);
        Ok(())
    }

    fn measured(mut self) -> Measured {
        let (raw, gap) = (median(&mut self.raw_us), median(&mut self.gap_us));
        [
            ("raw_us".to_owned(), raw),
            ("p50_us".to_owned(), gap),
            ("times_raw".to_owned(), gap / raw),
            // With the execution's own start and end.
            ("step_us".to_owned(), median(&mut self.step_us)),
        ]
        .into()
    }
}

/// Rounds of many executions at once, and of many raw writers.
pub(crate) async fn many(folder: &Path, scale: Scale) -> Outcome<Measured> {
    let engine = Arc::new(Engine::open(&fresh(folder, "many")?, &folder.join("cache")).await?);
    let plan = engine.durable_steps(STEPS).await?;
    at_once(&engine, &plan, "warm", AT_ONCE).await?;
    let executions = scale.of(192 * 3).max(AT_ONCE / 8);
    let (mut rates, mut raws, mut shares, mut processors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..scale.of(5).max(2) {
        let raw = disk::many_writers(folder, disk::group_time(scale))?;
        let (begin, processor) = (Instant::now(), machine::processor_s());
        at_once(&engine, &plan, &format!("r{round}"), executions).await?;
        let steps = (executions * STEPS) as f64;
        let rate = steps / begin.elapsed().as_secs_f64();
        processors.push((machine::processor_s() - processor) * 1e6 / steps);
        rates.push(rate);
        raws.push(raw);
        shares.push(rate / raw);
    }
    close(engine).await?;
    Ok([
        ("steps_per_s".to_owned(), median(&mut rates)),
        ("raw_64_per_s".to_owned(), median(&mut raws)),
        ("share_of_raw".to_owned(), median(&mut shares)),
        ("processor_us".to_owned(), median(&mut processors)),
    ]
    .into())
}

/// Runs so many executions, 64 of them at a time.
async fn at_once(engine: &Arc<Engine>, plan: &Arc<Plan>, name: &str, executions: usize) -> Outcome<()> {
    let runners: Vec<_> = (0..AT_ONCE)
        .map(|runner| {
            let (engine, plan, name) = (engine.clone(), plan.clone(), name.to_owned());
            tokio::spawn(async move {
                for number in (runner..executions).step_by(AT_ONCE) {
                    engine.run(&format!("{name}-{number}"), &plan).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for runner in runners {
        runner.await??;
    }
    engine.effects.take_moments();
    Ok(())
}

async fn close(engine: Arc<Engine>) -> Outcome<()> {
    Arc::into_inner(engine).ok_or("every runner has ended")?.close().await
}

/// Steps that only compute.
pub(crate) async fn pure(folder: &Path, scale: Scale) -> Outcome<Measured> {
    const PURE_STEPS: usize = 1_000;
    let engine = Engine::open(&fresh(folder, "pure")?, &folder.join("cache")).await?;
    let plan = engine.plan(document(PURE_STEPS, false), &["rw:assert"]).await?;
    let parameters: Map<_, _> = [("Value".to_owned(), "x".into())].into_iter().collect();
    let mut times = Vec::new();
    let mut processor = 0.0;
    for round in 0..scale.of(20).max(2) {
        let id = format!("p{round}");
        let (begin, before) = (Instant::now(), machine::processor_s());
        engine.start(&id, &plan, parameters.clone()).await?;
        engine.executor.wait(&id.parse()?, false).await?;
        times.push(begin.elapsed().as_secs_f64() * 1e6 / PURE_STEPS as f64);
        processor += machine::processor_s() - before;
    }
    processor *= 1e6 / (PURE_STEPS * times.len()) as f64;
    engine.close().await?;
    Ok([
        ("step_us".to_owned(), median(&mut times)),
        ("processor_us".to_owned(), processor),
    ]
    .into())
}

/// The same execution in a fresh store and in one with a million steps behind it, turn about.
pub(crate) async fn history(folder: &Path, scale: Scale) -> Outcome<Measured> {
    let cache = folder.join("cache");
    let old = Arc::new(Engine::open(&fresh(folder, "old")?, &cache).await?);
    let plan = old.durable_steps(STEPS).await?;
    let executions = scale.of(1_000_000 / STEPS);
    let begin = Instant::now();
    at_once(&old, &plan, "past", executions).await?;
    let fill_s = begin.elapsed().as_secs_f64();
    let new = Engine::open(&fresh(folder, "new")?, &cache).await?;
    new.run("warm", &plan).await?;
    let (mut olds, mut news) = (Rounds::new(folder)?, Rounds::new(folder)?);
    for round in 0..scale.of(30).max(2) {
        let id = format!("e{round}");
        news.probe()?;
        news.execution(&new, &id, &plan).await?;
        olds.execution(&old, &id, &plan).await?;
    }
    let size = old.store.size_on_disk()? as f64;
    let (old_figures, mut measured) = (olds.measured(), news.measured());
    let (old_us, new_us) = (old_figures["p50_us"], measured["p50_us"]);
    measured.extend([
        ("old_p50_us".to_owned(), old_us),
        ("times_fresh".to_owned(), old_us / new_us),
        ("steps".to_owned(), (executions * STEPS) as f64),
        ("fill_s".to_owned(), fill_s),
        ("mib_on_disk".to_owned(), size / (1 << 20) as f64),
    ]);
    new.close().await?;
    close(old).await?;
    std::fs::remove_dir_all(folder.join("old"))?;
    Ok(measured)
}
