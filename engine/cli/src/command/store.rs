//! `store`: care for the state directory.

use std::path::Path;

use clap::Subcommand;
use runwright::store::{
    SledStore,
    sled::{Options, Report},
};
use serde_json::json;

use crate::{
    exit::Exit,
    problem::Problem,
    render::text::{count, size, visible},
    settings::Settings,
};

/// Look after the state directory
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Read everything, and say what is damaged
    #[command(after_help = "Changes nothing. Exits with 1 when something is damaged.")]
    Check,
    /// Give back the room that the database does not need any more
    #[command(
        after_help = "Needs as much free room as the compacted store takes. Stopped at any moment, it leaves the\nold store or the new one, whole. No execution may run meanwhile."
    )]
    Compact,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let folder = settings.state_dir()?;
    if !folder.is_dir() {
        return Err(
            Problem::bad_input(format!("there is no state directory {}", folder.display()))
                .help("name another with --state-dir"),
        );
    }
    match args.what {
        What::Check => check(folder, settings),
        What::Compact => compact(folder, settings),
    }
}

fn check(folder: &Path, settings: &Settings) -> Result<Exit, Problem> {
    let store = SledStore::open(folder, Options::default()).map_err(runwright::Error::from)?;
    let report = store.check().map_err(runwright::Error::from)?;
    let sound = report.findings.is_empty();
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| json!({ "what": finding.what, "why": finding.why }))
        .collect();
    let object = json!({
        "sound": sound,
        "executions": report.executions,
        "records": report.records,
        "logLines": report.log_lines,
        "values": report.values,
        "wakes": report.wakes,
        "bytes": report.bytes,
        "findings": findings,
    });
    settings.console.result(&object, || checked(&report))?;
    Ok(if sound { Exit::Success } else { Exit::Failed })
}

fn checked(report: &Report) -> String {
    let amount = |number: u64, noun: &str| count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    let mut text: String = report
        .findings
        .iter()
        .map(|finding| format!("{}: {}\n", visible(&finding.what), visible(&finding.why)))
        .collect();
    let verdict = match report.findings.len() {
        0 => "sound".to_owned(),
        number => format!("{} damaged", count(number, "place")),
    };
    text.push_str(&format!(
        "{verdict}: {}, {}, {}, {}\n",
        amount(report.executions, "execution"),
        amount(report.records, "record"),
        amount(report.log_lines, "log line"),
        size(report.bytes),
    ));
    text
}

fn compact(folder: &Path, settings: &Settings) -> Result<Exit, Problem> {
    let done = SledStore::compact(folder).map_err(runwright::Error::from)?;
    let object = json!({ "bytesBefore": done.bytes_before, "bytesAfter": done.bytes_after, "cells": done.cells });
    settings.console.result(&object, || {
        format!("{} before, {} now\n", size(done.bytes_before), size(done.bytes_after))
    })?;
    Ok(Exit::Success)
}
