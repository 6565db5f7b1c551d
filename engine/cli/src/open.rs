//! Opening the engine, or only its library, as the settings say.

use std::path::PathBuf;

use runwright::{Builder, Compiler, Engine, Library, Setup, local::commands::Launcher, model::id::ExecutionId};

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
    opened(settings, &setup(settings))
}

/// The same, with components out of this folder and no registry.
pub(crate) fn library_from(settings: &Settings, folder: PathBuf) -> Result<Library, Problem> {
    let setup = Setup {
        from: vec![folder],
        offline: true,
        ..setup(settings)
    };
    opened(settings, &setup)
}

fn opened(settings: &Settings, setup: &Setup) -> Result<Library, Problem> {
    let library = Library::open_with(settings.state_dir()?.to_path_buf(), settings.runbooks.clone(), setup)?;
    Ok(library.with_plugins(settings.plugins.clone()))
}

/// Components of strangers are compiled by this program, started again.
fn setup(settings: &Settings) -> Setup {
    Setup {
        compiler: Some(Compiler::this_program()),
        logins: settings.logins.clone(),
        ..Setup::default()
    }
}

/// The engine for a verb that only looks, or changes a parameter: it makes no execution go on.
pub(crate) async fn engine(settings: &Settings) -> Result<Engine, Problem> {
    Ok(builder(settings)?.drive(false).join().await?)
}

/// The engine for a verb that makes executions go on: while this process holds the store, all that are due.
pub(crate) async fn driving_engine(settings: &Settings) -> Result<Engine, Problem> {
    Ok(builder(settings)?.join().await?)
}

fn builder(settings: &Settings) -> Result<Builder, Problem> {
    Ok(Engine::builder()
        .state_dir(settings.state_dir()?)
        .runbooks(settings.runbooks.clone())
        .plugins(settings.plugins.clone())
        .aws(settings.aws)
        .setup(setup(settings))
        .supervisor(Launcher::this_program()))
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

/// Closes the engine of a verb that made the executions `mine` go on, and says which others stand still now: nobody
/// takes over what this process did for processes that ended before.
pub(crate) async fn close(engine: Engine, settings: &Settings, mine: &[ExecutionId]) -> Result<(), Problem> {
    let left = engine.leaves().await?;
    engine.close().await?;
    let number = left.iter().filter(|row| !mine.contains(&row.id)).count();
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
