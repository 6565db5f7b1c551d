//! Changing files so that the change can be undone.
//!
//! [`replace`] and [`link`] keep what was there before they change it; [`undo`] puts it back from the calls
//! recorded, however far the step came. Use them together.

use serde::Deserialize;

use crate::{Call, Done, Error, Facts, Failure, Host, Kept, Kind, Level, Target, WriteOptions};

/// New contents for a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacement<'a> {
    /// On which machine.
    pub on: &'a Target,
    /// Absolute path.
    pub path: &'a str,
    /// What it shall hold. May hold secret placeholders.
    pub contents: &'a [u8],
    /// The SHA-256 of the contents in hexadecimal, to write only what differs; `None` writes always.
    pub sha256: Option<&'a str>,
    /// Mode, owner and group; whether missing folders are made.
    pub options: WriteOptions,
}

/// What [`replace`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Whether anything is different from before.
    pub changed: bool,
    /// SHA-256 of what the file holds now, in hexadecimal; empty when nobody knows it.
    pub sha256: String,
}

/// Gives a file new contents, unless it has them already with the mode and owner wanted.
///
/// # Errors
///
/// Those of the capability, naming the path. A file of more than 64 MiB cannot be kept, so it is not replaced.
pub fn replace(host: &impl Host, new: &Replacement<'_>) -> Result<Replaced, Failure> {
    let doing = format!("writing `{}`", new.path);
    let failed = |error: Error| Failure::from(error).while_doing(&doing);
    let before = host.snapshot(new.on, new.path).map_err(failed)?.before;
    if before.as_ref().is_some_and(|facts| is_as_wanted(facts, new)) {
        return Ok(Replaced {
            changed: false,
            sha256: new.sha256.unwrap_or_default().to_owned(),
        });
    }
    if before.is_none() && new.options.parents {
        note_missing_folders(host, new.on, new.path);
    }
    host.write_file(new.on, new.path, new.contents, &new.options)
        .map_err(failed)?;
    let after = host.stat(new.on, new.path).map_err(failed)?;
    // Contents with placeholders have another digest once they are filled in, so the file itself is asked.
    let sha256 = after
        .as_ref()
        .and_then(|facts| facts.sha256.clone())
        .or_else(|| new.sha256.map(str::to_owned))
        .unwrap_or_default();
    Ok(Replaced {
        changed: differs(before.as_ref(), after.as_ref()),
        sha256,
    })
}

fn is_as_wanted(facts: &Facts, new: &Replacement<'_>) -> bool {
    let wanted = &new.options;
    facts.kind == Kind::File
        && new.sha256.is_some_and(|sha256| facts.sha256.as_deref() == Some(sha256))
        && wanted.mode.is_none_or(|mode| mode == facts.mode)
        && wanted.owner.as_ref().is_none_or(|owner| *owner == facts.owner)
        && wanted.group.as_ref().is_none_or(|group| *group == facts.group)
}

fn differs(before: Option<&Facts>, after: Option<&Facts>) -> bool {
    let told = |facts: &Facts| {
        (
            facts.kind,
            facts.mode,
            facts.owner.clone(),
            facts.group.clone(),
            facts.link.clone(),
            facts.sha256.clone(),
        )
    };
    before.map(told) != after.map(told)
}

/// Asks for each folder above `path` whether it is there, upwards until one is: the answers tell [`undo`]
/// which folders the write made. A refusal ends the search; those folders then stay after a rollback.
fn note_missing_folders(host: &impl Host, on: &Target, path: &str) {
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        if above.is_empty() || !matches!(host.stat(on, above), Ok(None)) {
            return;
        }
        folder = above;
    }
}

/// Makes a symbolic link, unless it is there already. Answers what was there before.
///
/// # Errors
///
/// Those of the capability, naming the path. A folder is not replaced by a link.
pub fn link(
    host: &impl Host,
    on: &Target,
    path: &str,
    points_to: &str,
    parents: bool,
) -> Result<Option<Facts>, Failure> {
    let doing = format!("linking `{path}`");
    let failed = |error: Error| Failure::from(error).while_doing(&doing);
    let before = host.snapshot(on, path).map_err(failed)?.before;
    if before.as_ref().and_then(|facts| facts.link.as_deref()) == Some(points_to) {
        return Ok(before);
    }
    if before.is_none() && parents {
        note_missing_folders(host, on, path);
        if let Some((above, _)) = path.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
            host.make_directory(on, above, None).map_err(failed)?;
        }
    }
    host.link(on, path, points_to).map_err(failed)?;
    Ok(before)
}

#[derive(Deserialize, PartialEq)]
struct Place {
    on: Target,
    path: String,
}

/// Puts back every file that [`replace`] or [`link`] changed, last change first, and removes the folders made
/// for them if they are empty. Safe to call when there is nothing to undo, and again.
///
/// # Errors
///
/// The first file that could not be put back, naming it.
pub fn undo(host: &impl Host, done: &Done) -> Result<(), Failure> {
    for (place, kept) in changed(done).into_iter().rev() {
        host.restore(&place.on, &kept)
            .map_err(|error| Failure::from(error).while_doing(&format!("putting `{}` back", place.path)))?;
        host.log(Level::Info, &format!("put `{}` back as it was", place.path));
        for folder in missing_folders(done, &place) {
            match host.remove(&place.on, &folder) {
                Ok(()) => host.log(Level::Info, &format!("removed the folder `{folder}`")),
                Err(error) => {
                    host.log(
                        Level::Warn,
                        &format!("left the folder `{folder}`: {}", Failure::from(error).message),
                    );
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The snapshots whose path was changed afterwards, in order.
fn changed(done: &Done) -> Vec<(Place, Kept)> {
    let mut kept: Vec<(Place, Kept, bool)> = Vec::new();
    for call in &done.calls {
        let Some(place) = call.request_as::<Place>() else {
            continue;
        };
        match call.function.as_str() {
            "files.snapshot" => kept.extend(call.answer_as().map(|snapshot: Kept| (place, snapshot, false))),
            "files.write" | "files.link" | "files.remove" if call.may_have_happened() => {
                if let Some(entry) = kept.iter_mut().rev().find(|(kept_at, ..)| *kept_at == place) {
                    entry.2 = true;
                }
            }
            _ => {}
        }
    }
    kept.into_iter()
        .filter(|(.., changed)| *changed)
        .map(|(place, snapshot, _)| (place, snapshot))
        .collect()
}

/// The folders above a path that were not there when the step looked, deepest first.
fn missing_folders(done: &Done, place: &Place) -> Vec<String> {
    let absent = |call: &Call| {
        let looked = call.request_as::<Place>()?;
        let above = looked.on == place.on && place.path.starts_with(&format!("{}/", looked.path));
        (above && call.answer_as::<Option<Facts>>() == Some(None)).then_some(looked.path)
    };
    let mut folders: Vec<String> = done.calls_of("files.stat").filter_map(absent).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.len()));
    folders.dedup();
    folders
}

/// Permission bits from their usual octal form: `644`, `0644` or `0o644`.
///
/// # Errors
///
/// A failure naming the input `Mode` when the text is none.
pub fn parse_mode(text: &str) -> Result<u32, Failure> {
    u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8)
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| {
            Failure::invalid(format!(
                "input `Mode` is `{text}`: write permission bits in octal, as in \"0644\""
            ))
        })
}
