//! `list`: executions, newest first.

use clap::builder::PossibleValuesParser;
use runwright::model::status::Status;
use serde_json::Value;

use crate::{
    exit::Exit,
    open::engine,
    problem::Problem,
    render::{list, text},
    settings::Settings,
};

/// The statuses an execution can have, in the words of `--status`.
const STATUSES: [&str; 12] = [
    "Pending",
    "InProgress",
    "Waiting",
    "Paused",
    "Success",
    "Failed",
    "TimedOut",
    "Cancelling",
    "Cancelled",
    "RollingBack",
    "RolledBack",
    "RollbackFailed",
];

/// List executions, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  runwright list --status waiting --limit 5")]
pub(crate) struct Args {
    /// Only those with this status
    #[arg(long, value_name = "STATUS", ignore_case = true, value_parser = PossibleValuesParser::new(STATUSES))]
    status: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let engine = engine(settings).await?;
    let rows = engine.list(args.status.as_deref().and_then(status), args.limit).await;
    engine.close().await?;
    let rows = rows?;
    let console = &settings.console;
    console.result(&rows, || {
        list::executions(&rows, text::now(), console.paint(), console.columns())
    })?;
    Ok(Exit::Success)
}

/// The status of this name, upper and lower case alike.
fn status(word: &str) -> Option<Status> {
    let name = STATUSES.into_iter().find(|name| name.eq_ignore_ascii_case(word))?;
    serde_json::from_value(Value::from(name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_a_status() {
        for word in STATUSES {
            assert_eq!(status(&word.to_lowercase()).unwrap().as_str(), word);
        }
    }
}
