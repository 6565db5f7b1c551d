//! The operator's policy files: what plugins may do and use at most on this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use runwright_host::Limits;
use runwright_model::grant::{Policy, Rule};
use serde::Deserialize;

use crate::Error;

/// The policy of the machine, which only its administrator writes.
const OF_THE_MACHINE: &str = "/etc/runwright/runwright.toml";
/// The policy of a state directory.
const FILE: &str = "runwright.toml";

/// A policy file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Without rules, everything is allowed that runbooks grant.
    plugins: Option<Vec<Rule>>,
    limits: Option<Limits>,
}

/// All policies that there are: the machine's, the state directory's, and those that the program brings.
///
/// # Errors
///
/// [`Error::Policy`]: a policy that cannot be read allows nothing, so no engine is opened.
pub(crate) fn load(state_dir: &Path, brought: Policy) -> Result<Policy, Error> {
    let mut policy = brought;
    for (file, text) in texts(state_dir)? {
        if let Some(rules) = read(&file, &text)?.plugins {
            policy = policy.with(file.display().to_string(), rules);
        }
    }
    Ok(policy)
}

/// What a call of a plugin may use: the defaults, but for the limits that a file names. Where both files name one, the
/// smaller counts, so that whoever has a state directory cannot raise what the machine's administrator has set.
///
/// # Errors
///
/// [`Error::Policy`], as [`load`].
pub(crate) fn limits(state_dir: &Path) -> Result<Limits, Error> {
    let mut named = toml::Table::new();
    for (file, text) in texts(state_dir)? {
        if read(&file, &text)?.limits.is_none() {
            continue;
        }
        let whole: toml::Table = toml::from_str(&text).expect("it was read a moment ago");
        let here = whole.get("limits").and_then(toml::Value::as_table);
        for (name, value) in here.into_iter().flatten() {
            let other = named.get(name).and_then(toml::Value::as_integer);
            if other.is_none_or(|other| value.as_integer().is_some_and(|value| value < other)) {
                named.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(named.try_into().expect("each was read a moment ago"))
}

/// The files that there are.
fn texts(state_dir: &Path) -> Result<Vec<(PathBuf, String)>, Error> {
    let files = [PathBuf::from(OF_THE_MACHINE), state_dir.join(FILE)];
    let mut texts = Vec::new();
    for file in files {
        match fs::read_to_string(&file) {
            Ok(text) => texts.push((file, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(file.display().to_string(), error.to_string())),
        }
    }
    Ok(texts)
}

fn read(file: &Path, text: &str) -> Result<File, Error> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let place = before.map_or_else(String::new, |before| {
            let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
            format!(":{}:{column}", before.matches('\n').count() + 1)
        });
        refused(format!("{}{place}", file.display()), error.message().to_owned())
    })
}

fn refused(place: String, why: String) -> Error {
    Error::Policy { place, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        let error = load(folder.path(), Policy::default()).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "DIR")
    }

    #[test]
    fn a_file_is_read_and_its_mistakes_are_placed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path(), Policy::default()).unwrap(), Policy::default());
        let text = "[[plugins]]\naction = 'aws:*'\neverything = true\n\n[[plugins]]\naction = 'acme:*'\n\
                    grants = {commands = ['id', {run = 'systemctl restart *', as = ['root']}], waits = true}\n";
        fs::write(folder.path().join(FILE), text).unwrap();
        let policy = load(folder.path(), Policy::default()).unwrap();
        assert_ne!(policy, Policy::default());

        let found = why("[[plugins]]\naction = 'acme:*'\ngrants = {command = ['id']}\n");
        assert!(found.starts_with("the policy DIR/runwright.toml:3:"), "{found}");
        assert!(found.contains("unknown field `command`"), "{found}");
        assert!(
            why("plugins = 7").contains("DIR/runwright.toml:1:11"),
            "{}",
            why("plugins = 7")
        );
        assert!(
            why("[[plugins").contains("DIR/runwright.toml:1:"),
            "{}",
            why("[[plugins")
        );
    }

    #[test]
    fn limits_are_raised_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(limits(folder.path()).unwrap(), Limits::default());
        let file = folder.path().join(FILE);
        fs::write(&file, "[limits]\nmemory-bytes = 1000000\ncalls = 7\n").unwrap();
        let found = limits(folder.path()).unwrap();
        assert_eq!((found.memory_bytes, found.calls), (1_000_000, 7));
        assert_eq!(found.call_cpu_ms, Limits::default().call_cpu_ms);
        assert_eq!(
            load(folder.path(), Policy::default()).unwrap(),
            Policy::default(),
            "a file without rules forbids nothing"
        );
        let wrong = why("[limits]\nmemory = 1\n");
        assert!(wrong.contains("unknown field `memory`"), "{wrong}");
    }
}
