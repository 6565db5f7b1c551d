//! `gc`: takes away what ended long ago, and what nothing needs any more.

use std::{path::Path, time::Duration};

use clap::builder::PossibleValuesParser;
use runwright::{
    model::status::Status,
    store::{
        SledStore,
        care::{Collected, Retention, Rule, collect},
        sled::{Compacted, Options},
    },
};
use serde_json::json;

use crate::{
    exit::Exit,
    problem::Problem,
    render::text::{self, count, size},
    settings::Settings,
};

/// The final statuses, in the words of `--status`.
const STATUSES: [&str; 6] = [
    "Success",
    "Failed",
    "TimedOut",
    "Cancelled",
    "RolledBack",
    "RollbackFailed",
];
/// What must have been freed before the database is copied to give it back to the disk.
const WORTH_BYTES: u64 = 64 << 20;

/// Take away executions that ended long ago, and what no other needs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --older-than and --keep, executions that ended well, were cancelled or were rolled back go after 30 days,
those that failed after 90, and those whose rollback failed stay. With one of them, that limit is for every status
named with --status (all but RollbackFailed when none is named); with both, the first that is reached counts.

An execution goes only when it has ended, and together with its parent and children. Plans, plugins and blobs go
when no execution that stays names them. Nothing is collected unless this is run: call it from cron.

Examples:
  runwright gc --dry-run
  runwright gc --older-than 7d --status success
  runwright gc --keep 1000")]
pub(crate) struct Args {
    /// Say what would go, and how many bytes
    #[arg(long)]
    dry_run: bool,
    /// Those that ended so long ago: 90min, 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// All but so many of each status, the newest
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Only those with this status; may be given several times
    #[arg(long, value_name = "STATUS", ignore_case = true, value_parser = PossibleValuesParser::new(STATUSES))]
    status: Vec<String>,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let folder = settings.state_dir()?;
    super::store::must_exist(folder)?;
    let retention = retention(&args)?;
    let store = SledStore::open(folder, Options::default()).map_err(runwright::Error::from)?;
    let collected = collect(&store, &retention, text::now(), args.dry_run)
        .await
        .map_err(runwright::Error::from)?;
    let used = store.size_on_disk().map_err(runwright::Error::from)?;
    drop(store);
    let is_worth = collected.bytes >= WORTH_BYTES && collected.bytes >= used / 4;
    let compacted = match is_worth && !args.dry_run {
        true => compact(folder, settings),
        false => None,
    };
    let object = json!({
        "dryRun": args.dry_run,
        "executions": collected.executions,
        "kept": collected.kept,
        "keptForKin": collected.kept_for_kin,
        "plans": collected.plans,
        "components": collected.components,
        "blobs": collected.blobs,
        "bytes": collected.bytes,
        "bytesOnDisk": compacted.map_or(used, |done| done.bytes_after),
    });
    settings
        .console
        .result(&object, || shown(&collected, args.dry_run, used, compacted))?;
    Ok(Exit::Success)
}

/// Gives the room back to the disk. Without room for the copy it stays with the database, which uses it again.
fn compact(folder: &Path, settings: &Settings) -> Option<Compacted> {
    match SledStore::compact(folder) {
        Ok(done) => Some(done),
        Err(why) => {
            let note = format!("the database keeps the room that became free, and uses it again: {why}");
            settings.console.note(&note);
            None
        }
    }
}

fn shown(collected: &Collected, dry_run: bool, used: u64, compacted: Option<Compacted>) -> String {
    let amount = |number: u64, noun: &str| count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    let is_nothing = *collected
        == Collected {
            kept: collected.kept,
            kept_for_kin: collected.kept_for_kin,
            ..Collected::default()
        };
    let verb = if dry_run { "would take away" } else { "took away" };
    let mut text = match is_nothing {
        true => "nothing to take away\n".to_owned(),
        false => format!(
            "{verb} {}, {}, {}, {}: {}\n",
            amount(collected.executions, "execution"),
            amount(collected.plans, "plan"),
            amount(collected.components, "component"),
            amount(collected.blobs, "blob"),
            size(collected.bytes),
        ),
    };
    let stay = if collected.kept == 1 { "stays" } else { "stay" };
    text.push_str(&format!("{} {stay}", amount(collected.kept, "execution")));
    if collected.kept_for_kin > 0 {
        let kin = collected.kept_for_kin;
        text.push_str(&format!(", {kin} of them only because a parent or a child does"));
    }
    let after = compacted.map_or(used, |done| done.bytes_after);
    text.push_str(&format!("; {} on the disk", size(after)));
    if compacted.is_some() {
        text.push_str(&format!(", {} before", size(used)));
    }
    text.push('\n');
    text
}

fn retention(args: &Args) -> Result<Retention, Problem> {
    let mut retention = Retention::default();
    let rule = Rule {
        keep_for: args.older_than,
        keep_last: args.keep,
    };
    let named = |status: Status| {
        args.status
            .iter()
            .any(|word| word.eq_ignore_ascii_case(status.as_str()))
    };
    if rule != Rule::default() {
        let asked = Status::ALL.into_iter().filter(|status| status.is_final());
        retention.rules = match args.status.is_empty() {
            true => asked
                .filter(|status| *status != Status::RollbackFailed)
                .map(|status| (status, rule))
                .collect(),
            false => asked
                .filter(|status| named(*status))
                .map(|status| (status, rule))
                .collect(),
        };
    } else if !args.status.is_empty() {
        retention.rules.retain(|status, _| named(*status));
        if retention.rules.is_empty() {
            return Err(
                Problem::bad_input("executions with this status are kept until you say otherwise")
                    .help("add --older-than AGE or --keep N"),
            );
        }
    }
    Ok(retention)
}

/// A number and a unit.
fn age(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "min" | "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err("write a number and s, min, h, d or w, as in 30d".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "write a whole number and a unit, as in 30d".to_owned())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| "that is longer than anything was kept".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_units() {
        assert_eq!(age("90min"), Ok(Duration::from_secs(5_400)));
        assert_eq!(age("2w"), Ok(Duration::from_secs(1_209_600)));
        for wrong in [
            "",
            "7",
            "d",
            "-1d",
            "1y",
            "99999999999999999999d",
            "9999999999999999999w",
        ] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_word_is_a_final_status() {
        for word in STATUSES {
            assert!(
                Status::ALL
                    .iter()
                    .any(|status| status.is_final() && status.as_str() == word),
                "{word}"
            );
        }
    }
}
