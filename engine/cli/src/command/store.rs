//! `store`: care for the state directory.

use std::{
    io::{BufReader, BufWriter, Seek as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use runwright::{
    local::keys::{KEY_FILE, StoreKey},
    store::{
        SledStore,
        portable::{self, Contents},
        sled::{Options, Report},
    },
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
    /// Write everything into one file: to keep it, to move it, or to change the backend
    #[command(
        after_help = "The file does not hold the key of this state directory. Values that are encrypted stay so, and are of no\nuse without the file `key`: keep a copy of it apart. No execution may run meanwhile."
    )]
    Export {
        /// The file to write; `-` is standard output
        file: PathBuf,
    },
    /// Add what an export holds
    #[command(
        after_help = "What is here already must be the same, else it is refused (RW-S013); so an import that was interrupted can\nbe run again. Copy the file `key` of the other state directory here first. Executions that have not ended can\ngo on here: make sure that they do not go on there as well."
    )]
    Import {
        /// The file to read; `-` is standard input
        file: PathBuf,
    },
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let folder = settings.state_dir()?;
    if !matches!(args.what, What::Import { .. }) {
        must_exist(folder)?;
    }
    match args.what {
        What::Check => check(folder, settings),
        What::Compact => compact(folder, settings),
        What::Export { file } => export(folder, &file, settings).await,
        What::Import { file } => import(folder, &file, settings).await,
    }
}

/// A typing error must not make an empty state directory.
pub(crate) fn must_exist(folder: &Path) -> Result<(), Problem> {
    if folder.is_dir() {
        return Ok(());
    }
    let what = format!("there is no state directory {}", folder.display());
    Err(Problem::bad_input(what).help("name another with --state-dir"))
}

async fn export(folder: &Path, file: &Path, settings: &Settings) -> Result<Exit, Problem> {
    let store = SledStore::open(folder, Options::default()).map_err(runwright::Error::from)?;
    let key = folder.join(KEY_FILE).exists().then(|| StoreKey::load_or_create(folder));
    let key = key.transpose().map_err(runwright::Error::from)?;
    let key = key.map(|key| key.fingerprint());
    let failed = |why| Problem::trouble(format!("cannot write {}: {why}", file.display()));
    if file == Path::new("-") {
        let mut out = BufWriter::new(std::io::stdout());
        portable::export(&store, key, &mut out)
            .await
            .map_err(runwright::Error::from)?;
        return Ok(Exit::Success);
    }
    // Beside its place first: a file with the right name is whole.
    let mut draft = file.as_os_str().to_owned();
    draft.push(".part");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut out = BufWriter::new(options.open(&draft).map_err(failed)?);
    let exported = portable::export(&store, key, &mut out).await;
    if exported.is_err() {
        // The half would be of no use; that it could not be written is what is told.
        let _ = std::fs::remove_file(&draft);
    }
    let contents = exported.map_err(runwright::Error::from)?;
    out.get_ref().sync_all().map_err(failed)?;
    std::fs::rename(&draft, file).map_err(failed)?;
    settings
        .console
        .result(&object(&contents), || told("wrote", &contents))?;
    settings.console.note(&format!(
        "keep {} apart: without it, secrets and blobs in the export cannot be read",
        folder.join(KEY_FILE).display()
    ));
    Ok(Exit::Success)
}

async fn import(folder: &Path, file: &Path, settings: &Settings) -> Result<Exit, Problem> {
    let failed = |why| Problem::bad_input(format!("cannot read {}: {why}", file.display()));
    let mut input = if file == Path::new("-") {
        all_of_stdin(folder)?
    } else {
        std::fs::File::open(file).map_err(failed)?
    };
    // All of it is looked at before anything is changed.
    let contents = portable::verify(&mut BufReader::new(&input)).map_err(runwright::Error::from)?;
    if let Some(key) = contents.key {
        must_have_key(folder, &key)?;
    }
    input.rewind().map_err(failed)?;
    let store = SledStore::open(folder, Options::default()).map_err(runwright::Error::from)?;
    let contents = portable::import(&store, &mut BufReader::new(input)).await;
    let contents = contents.map_err(runwright::Error::from)?;
    settings
        .console
        .result(&object(&contents), || told("read", &contents))?;
    Ok(Exit::Success)
}

/// Standard input cannot be read twice, so it is kept in a file without a name, beside the store: where there is
/// room for what it holds, there is room for it.
fn all_of_stdin(folder: &Path) -> Result<std::fs::File, Problem> {
    let keep = || {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::tempfile_in(folder)?;
        std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
        file.rewind()?;
        Ok(file)
    };
    keep().map_err(|why: std::io::Error| {
        let what = format!("cannot keep standard input in {}: {why}", folder.display());
        Problem::trouble(what)
    })
}

/// Values that were encrypted under another key would be there and could not be read.
fn must_have_key(folder: &Path, key: &str) -> Result<(), Problem> {
    let path = folder.join(KEY_FILE);
    let fits = path.exists()
        && StoreKey::load_or_create(folder)
            .map_err(runwright::Error::from)?
            .fingerprint()
            == key;
    if fits {
        return Ok(());
    }
    let why = if path.exists() { "is another" } else { "is missing" };
    Err(Problem::bad_input(format!(
        "the export is encrypted under a key, and {} {why}",
        path.display()
    ))
    .help("copy the file `key` of the state directory that was exported there, with mode 0600"))
}

fn object(contents: &Contents) -> serde_json::Value {
    json!({
        "executions": contents.executions,
        "records": contents.records,
        "logLines": contents.log_lines,
        "values": contents.values,
        "there": contents.there,
        "bytes": contents.bytes,
    })
}

fn told(verb: &str, contents: &Contents) -> String {
    let amount = |number: u64, noun: &str| count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    let mut text = format!(
        "{verb} {}, {}, {}, {}: {}",
        amount(contents.executions, "execution"),
        amount(contents.records, "record"),
        amount(contents.log_lines, "log line"),
        amount(contents.values, "value"),
        size(contents.bytes),
    );
    if contents.there > 0 {
        text.push_str(&format!("; {} of them were here already", contents.there));
    }
    text.push('\n');
    text
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
