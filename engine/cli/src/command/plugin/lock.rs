//! `plugin lock`: pins the plugins of a runbook by digest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use runwright::Source;
use serde_json::json;

use super::project::component;
use crate::{exit::Exit, open::library, problem::Problem, settings::Settings};

const AFTER_HELP: &str = "\
Examples:
  runwright plugin lock deploy.yaml
  runwright plugin lock deploy.yaml --check   in CI: exits with 2 when a pin is missing or old

Writes the digest of each component under `plugins:` into its `sha256`: of the file now, or of what the registry
has under the tag now. Comments and layout stay as they are. A component that must not be used is not pinned; neither is
a version below the highest that was pinned or used on this machine, unless --allow-downgrade says so.";

/// Write the digests of a runbook's plugins into it
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The runbook's file
    #[arg(value_name = "RUNBOOK")]
    runbook: PathBuf,
    /// Write nothing; say whether there is something to write
    #[arg(long)]
    check: bool,
    /// Pin a version also when a higher one was pinned or used here before
    #[arg(long)]
    allow_downgrade: bool,
}

pub(crate) async fn run(args: &Args, settings: &Settings) -> Result<Exit, Problem> {
    let shown = args.runbook.display().to_string();
    let text = fs::read_to_string(&args.runbook).map_err(|why| Problem::bad_input(format!("{shown}: {why}")))?;
    let name = args.runbook.file_stem().unwrap_or_default().to_string_lossy();
    let source = Source {
        name: name.into_owned(),
        origin: shown.clone(),
        text,
    };
    let folder = args.runbook.parent().unwrap_or(Path::new(""));
    let library = library(settings)?;
    let (locked, pinned) = library.lock(&source, folder, args.allow_downgrade).await?;
    for it in &pinned {
        component(&folder.join(&it.path), settings)?;
        if let (Some(version), Some(before)) = (&it.version, &it.lower_than) {
            settings
                .console
                .note(&format!("{} goes back from version {before} to {version}", it.action));
        }
    }
    let changed = locked != source.text;
    if changed && !args.check {
        replace(&args.runbook, &locked).map_err(|why| Problem::trouble(format!("{shown} cannot be written: {why}")))?;
        library.locked(&pinned)?;
    }
    let result = json!({"runbook": shown, "changed": changed, "plugins": pinned});
    settings.console.result(&result, || {
        if pinned.is_empty() {
            return format!("{shown} binds no plugins\n");
        }
        let lines = pinned.iter().map(|it| {
            let word = match &it.was {
                None => "pinned",
                Some(was) if *was == it.sha256 => "as it was",
                Some(_) => "changed",
            };
            format!("{}  {}  {word}\n", it.action, it.sha256)
        });
        lines.collect()
    })?;
    Ok(if changed && args.check {
        Exit::BadInput
    } else {
        Exit::Success
    })
}

/// A reader sees the old text or the new one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, text)?;
    fs::set_permissions(&beside, fs::metadata(path)?.permissions())?;
    fs::rename(beside, path)
}
