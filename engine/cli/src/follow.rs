//! Watches executions go on in this process until they end, need a person, or the caller is told to stop.

use std::time::Duration;

use runwright::{
    Engine, Until,
    model::{id::ExecutionId, status::Status},
    view::ExecutionView,
};
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::Instrument as _;

use crate::{
    exit::Exit,
    open::{close, closing_on_error},
    problem::Problem,
    render::{
        execution,
        progress::{self, Progress},
        text,
    },
    settings::Settings,
};

/// Between two looks at an execution, however much happens in it.
const REFRESH: Duration = Duration::from_millis(50);
/// Between two looks when nothing happens: what it waits for has a clock.
const IDLE: Duration = Duration::from_secs(1);
/// Log lines fetched at once.
const LINES_AT_ONCE: usize = 1_000;

/// An execution as a verb answers it to programs.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    view: ExecutionView,
    /// Whether it was there before; only of verbs that start one.
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<bool>,
}

/// An execution as it stood before a verb touched it: only what comes after it is news.
pub(crate) struct Before {
    view: ExecutionView,
    next_line: u64,
}

impl Before {
    /// How it stood.
    pub(crate) fn view(&self) -> &ExecutionView {
        &self.view
    }

    /// How it stands now.
    pub(crate) async fn look(engine: &Engine, id: &ExecutionId) -> Result<Self, Problem> {
        let view = engine.show(id).await?;
        let mut next_line = 0;
        while let Some((last, _)) = engine.logs(id, next_line, LINES_AT_ONCE).await?.last() {
            next_line = last + 1;
        }
        Ok(Self { view, next_line })
    }
}

/// How to follow.
pub(crate) struct Follow<'a> {
    /// The common options.
    pub(crate) settings: &'a Settings,
    /// Stay also when only a person can make it go on.
    pub(crate) stay: bool,
    /// The exit code of a status.
    pub(crate) exit: &'a dyn Fn(Status) -> Exit,
    /// The executions that were there before.
    pub(crate) before: Vec<Before>,
}

impl Follow<'_> {
    /// Follows one execution, writes it as the result, and closes the engine.
    pub(crate) async fn one(&self, engine: Engine, id: &ExecutionId, existing: Option<bool>) -> Result<Exit, Problem> {
        let mine = std::slice::from_ref(id);
        let (view, stopped) = closing_on_error(&engine, self.watch(&engine, mine)).await?;
        close(engine, self.settings, mine).await?;
        let answer = view.into_iter().next().map(|view| Answer { view, existing });
        let Some(answer) = answer else {
            return Ok(stopped.unwrap_or(Exit::Failed));
        };
        self.settings.console.result(&answer, || self.summary(&answer.view))?;
        Ok(stopped.unwrap_or((self.exit)(answer.view.status)))
    }

    /// Follows several, writes them as the result, and closes the engine. The exit code is that of the worst.
    pub(crate) async fn several(&self, engine: Engine, ids: &[ExecutionId]) -> Result<Exit, Problem> {
        let (views, stopped) = closing_on_error(&engine, self.watch(&engine, ids)).await?;
        close(engine, self.settings, ids).await?;
        self.settings
            .console
            .result(&views, || views.iter().map(|view| self.summary(view)).collect())?;
        let worst = views
            .iter()
            .map(|view| (self.exit)(view.status))
            .fold(Exit::Success, Exit::worst);
        Ok(stopped.unwrap_or(worst))
    }

    fn summary(&self, view: &ExecutionView) -> String {
        let console = &self.settings.console;
        execution::summary(view, text::now(), console.paint(), &|rest| self.settings.command(rest))
    }

    /// The executions as they stand at the end, and the exit code of the signal that cut it short.
    async fn watch(&self, engine: &Engine, ids: &[ExecutionId]) -> Result<(Vec<ExecutionView>, Option<Exit>), Problem> {
        let mut stop = Stop::listen()?;
        let settings = self.settings.clone();
        // Who does not stay reads in the result how it goes on.
        let command = self
            .stay
            .then(|| -> progress::Command { Box::new(move |rest| settings.command(rest)) });
        let mut progress = progress::new(self.settings.console, command);
        let mut views = Vec::new();
        for id in ids {
            let span = tracing::info_span!("follow", execution = %id);
            let outcome = self
                .watch_one(engine, id, &mut stop, &mut *progress)
                .instrument(span)
                .await;
            let stopped = match outcome {
                Ok(stopped) => stopped,
                Err(problem) => {
                    progress.finish();
                    return Err(problem);
                }
            };
            views.push(engine.show(id).await?);
            if let Some(exit) = stopped {
                progress.finish();
                self.say_left_behind(engine, ids).await;
                stop.leave_at_once_when_asked_again(exit);
                return Ok((views, Some(exit)));
            }
        }
        progress.finish();
        Ok((views, None))
    }

    /// Returns the exit code of the signal that cut it short.
    async fn watch_one(
        &self,
        engine: &Engine,
        id: &ExecutionId,
        stop: &mut Stop,
        progress: &mut dyn Progress,
    ) -> Result<Option<Exit>, Problem> {
        let until = if self.stay { Until::Ended } else { Until::NeedsPerson };
        let wait = engine.wait(id, until);
        tokio::pin!(wait);
        let (mut seen, mut next_line) = (0, 0);
        if let Some(before) = self.before.iter().find(|before| before.view.id == *id) {
            progress.prime(&before.view);
            next_line = before.next_line;
        }
        loop {
            next_line = look(engine, id, next_line, progress).await?;
            tokio::select! {
                biased;
                exit = stop.asked() => return Ok(Some(exit)),
                ended = &mut wait => {
                    ended?;
                    look(engine, id, next_line, progress).await?;
                    return Ok(None);
                }
                count = next_change(engine, id, seen) => seen = count?,
            }
        }
    }

    async fn say_left_behind(&self, engine: &Engine, ids: &[ExecutionId]) {
        let console = &self.settings.console;
        let names: Vec<&str> = ids.iter().map(ExecutionId::as_str).collect();
        let names = names.join(" ");
        let resume = self.settings.command(&format!("resume {names}"));
        if engine.has_successor().await {
            console.say(&format!("left: {names} goes on with another process"));
            console.say(&format!("    `{resume}` watches it again"));
            return;
        }
        console.say(&format!("stopped: {names} stands where it is, and nothing is lost"));
        console.say(&format!("    goes on with `{resume}`"));
        console.say("    what is under way comes to a stop first; Ctrl-C again leaves at once");
    }
}

/// Shows the execution as it stands, with the log lines from `next_line` on; answers the number of the next one.
async fn look(
    engine: &Engine,
    id: &ExecutionId,
    mut next_line: u64,
    progress: &mut dyn Progress,
) -> Result<u64, Problem> {
    let moment = text::now();
    let view = engine.show(id).await?;
    loop {
        let mut lines = engine.logs(id, next_line, LINES_AT_ONCE).await?;
        let all = lines.len();
        if !view.status.is_final() {
            // Lines later than the view may be of a step that it does not know to have begun.
            lines.truncate(lines.iter().take_while(|(_, line)| line.at <= moment).count());
        }
        next_line = lines.last().map_or(next_line, |(number, _)| number + 1);
        progress.update(&view, &lines, text::now());
        if lines.len() < LINES_AT_ONCE || lines.len() < all {
            return Ok(next_line);
        }
    }
}

/// The count after the next change, at most [`IDLE`] later, and not before [`REFRESH`].
async fn next_change(engine: &Engine, id: &ExecutionId, seen: u64) -> Result<u64, Problem> {
    tokio::time::sleep(REFRESH).await;
    let changed = tokio::time::timeout(IDLE, engine.changed(id, seen)).await;
    Ok(changed.unwrap_or(Ok(seen))?)
}

/// Ctrl-C and SIGTERM.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// From now on these signals do not end the process.
    pub(crate) fn listen() -> Result<Self, Problem> {
        let listen = |kind| signal(kind).map_err(|why| Problem::trouble(format!("signals cannot be caught: {why}")));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for one; answers the exit code that goes with it.
    pub(crate) async fn asked(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }

    /// The next signal ends the process: the journal keeps what is needed.
    fn leave_at_once_when_asked_again(mut self, exit: Exit) {
        tokio::spawn(async move {
            self.asked().await;
            std::process::exit(i32::from(exit as u8));
        });
    }
}
