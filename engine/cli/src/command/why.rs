//! `why`: what an execution waits for, what stopped it, and what can be done.

use runwright::{
    model::{id::ExecutionId, time::Timestamp},
    view::{ReasonView, WhyView},
};

use crate::{
    exit::Exit,
    open::engine,
    problem::Problem,
    render::{
        paint::Paint,
        text::{self, duration, indented, moment, visible_lines},
    },
    settings::Settings,
};

/// Say what an execution waits for, or why it stopped
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The execution
    #[arg(value_name = "ID")]
    id: ExecutionId,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let engine = engine(settings).await?;
    let view = engine.why(&args.id).await;
    engine.close().await?;
    let view = view?;
    let console = &settings.console;
    console.result(&view, || whole(&view, text::now(), console.paint(), settings))?;
    Ok(Exit::Success)
}

fn whole(view: &WhyView, now: Timestamp, paint: Paint, settings: &Settings) -> String {
    let status = paint.status(view.status, view.status.as_str());
    let mut out = format!("{status}  {}  {}\n", view.runbook, view.id);
    for it in &view.reasons {
        out.push_str(&reason(it, now, paint, settings));
    }
    out
}

fn reason(it: &ReasonView, now: Timestamp, paint: Paint, settings: &Settings) -> String {
    let mut line = visible_lines(&it.text);
    if let Some(since) = it.since {
        line.push_str(&format!("\nsince {} ({})", moment(since), duration(now.since(since))));
    }
    if let Some(until) = it.until {
        let left = until.since(now);
        let left = if left.is_zero() {
            "due".to_owned()
        } else {
            format!("in {}", duration(left))
        };
        line.push_str(&format!("\nuntil {} ({left})", moment(until)));
    }
    let mut out = indented(&line, 2) + "\n";
    for command in &it.next {
        let rest = command.strip_prefix("runwright ").unwrap_or(command);
        out.push_str(&format!("    {}\n", paint.bold(&settings.command(rest))));
    }
    if let Some(child) = &it.child {
        out.push_str(&indented(whole(child, now, paint, settings).trim_end(), 4));
        out.push('\n');
    }
    out
}
