//! Opening the engine, or only its library, as the settings say.

use runwright::{
    Engine, Library,
    model::{id::ExecutionId, status::Status},
};

use crate::{problem::Problem, render::text::count, settings::Settings};

/// Something to wait for in a verb that is not asynchronous itself.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Problem::trouble(format!("the machine gives no threads: {why}")))?;
    let outcome = runtime.block_on(future);
    // A call that does not want to stop must not keep the process: the journal knows where it stands.
    runtime.shutdown_background();
    outcome
}

/// Runbooks and plugins, without the store: works beside a running engine.
pub(crate) fn library(settings: &Settings) -> Result<Library, Problem> {
    Ok(Library::open(
        settings.state_dir()?.to_path_buf(),
        settings.runbooks.clone(),
    )?)
}

/// The engine, with its store.
pub(crate) async fn engine(settings: &Settings) -> Result<Engine, Problem> {
    let builder = Engine::builder()
        .state_dir(settings.state_dir()?)
        .runbooks(settings.runbooks.clone());
    Ok(builder.open().await?)
}

/// The engine for a verb that makes the executions `mine` go on: it also says which others stand still.
pub(crate) async fn engine_for(settings: &Settings, mine: &[ExecutionId]) -> Result<Engine, Problem> {
    let engine = engine(settings).await?;
    closing_on_error(&engine, hint_at_unfinished(&engine, settings, mine)).await?;
    Ok(engine)
}

/// Closes the engine when the work fails, so that nothing buffered is lost.
pub(crate) async fn closing_on_error<T>(
    engine: &Engine,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    match work.await {
        Ok(value) => Ok(value),
        Err(problem) => {
            // The first problem is the one to show.
            let _ = engine.clone().close().await;
            Err(problem)
        }
    }
}

/// Says that executions stand still because the process that ran them ended, except those in `mine`.
async fn hint_at_unfinished(engine: &Engine, settings: &Settings, mine: &[ExecutionId]) -> Result<(), Problem> {
    let rows = engine.unfinished().await?;
    // One that waits is not in trouble: `list --status waiting` shows it.
    let stopped = rows
        .iter()
        .filter(|row| row.status != Status::Waiting && row.status != Status::Paused);
    let number = stopped
        .filter(|row| row.parent.is_none() && !mine.contains(&row.id))
        .count();
    if number > 0 {
        let verb = if number == 1 {
            "has not ended, and no process runs it"
        } else {
            "have not ended, and no process runs them"
        };
        let (list, resume) = (settings.command("list"), settings.command("resume"));
        let number = count(number, "execution");
        settings
            .console
            .note(&format!("{number} {verb}: `{list}` shows, `{resume}` goes on"));
    }
    Ok(())
}
