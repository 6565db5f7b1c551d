//! The operator's policy files: what plugins may do at most on this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

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
    plugins: Vec<Rule>,
}

/// All policies that there are: the machine's, the state directory's, and those that the program brings.
///
/// # Errors
///
/// [`Error::Policy`]: a policy that cannot be read allows nothing, so no engine is opened.
pub(crate) fn load(state_dir: &Path, brought: Policy) -> Result<Policy, Error> {
    let files = [PathBuf::from(OF_THE_MACHINE), state_dir.join(FILE)];
    files
        .iter()
        .try_fold(brought, |policy, file| match fs::read_to_string(file) {
            Ok(text) => Ok(policy.with(file.display().to_string(), rules(file, &text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(policy),
            Err(error) => Err(refused(file.display().to_string(), error.to_string())),
        })
}

fn rules(file: &Path, text: &str) -> Result<Vec<Rule>, Error> {
    let read: Result<File, toml::de::Error> = toml::from_str(text);
    read.map(|file| file.plugins).map_err(|error| {
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
}
