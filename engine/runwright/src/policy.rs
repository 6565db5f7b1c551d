//! The operator's policy files: what plugins may do and use at most on this machine.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use runwright_host::Limits;
use runwright_model::grant::{Policy, Rule};
use runwright_registry::{Demand, KeySource, Trust};
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
    /// What plugins may do. Without it, this file says nothing of that.
    plugins: Option<Vec<Rule>>,
    /// Keys that may have signed, by name.
    #[serde(default)]
    keys: BTreeMap<String, KeySource>,
    /// Who must have signed what.
    #[serde(default)]
    signed: Vec<Demand>,
    #[serde(default)]
    registries: Registries,
    /// Limits of the host, by name.
    #[serde(default)]
    limits: BTreeMap<String, u64>,
}

/// Where components may come from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Registries {
    /// No registry is asked.
    pub(crate) offline: bool,
    /// Folders that are looked into first.
    pub(crate) from: Vec<PathBuf>,
    /// Hosts that may be asked without TLS.
    pub(crate) plain_http: Vec<String>,
}

/// What all policy files together say.
#[derive(Debug, Default)]
pub(crate) struct Operator {
    /// What plugins may do at most.
    pub(crate) policy: Policy,
    /// Who must have signed them.
    pub(crate) trust: Trust,
    /// Where they may come from.
    pub(crate) registries: Registries,
    /// What of the host's limits is other than the program says.
    limits: BTreeMap<String, u64>,
}

impl Operator {
    /// The limits of the host, with what the files say in the place of what the program says.
    pub(crate) fn limits(&self, brought: &Limits) -> Limits {
        let mut all = serde_json::to_value(brought).expect("limits are JSON");
        for (name, value) in &self.limits {
            all[name] = (*value).into();
        }
        serde_json::from_value(all).expect("their names were looked at")
    }

    fn add(&mut self, path: &Path, file: File) -> Result<(), Error> {
        let place = path.display().to_string();
        if let Some(rules) = file.plugins {
            self.policy = std::mem::take(&mut self.policy).with(place.clone(), rules);
        }
        let trust = std::mem::take(&mut self.trust).with(path, file.keys, file.signed);
        self.trust = trust.map_err(|error| refused(place.clone(), error.to_string()))?;
        self.registries.offline |= file.registries.offline;
        self.registries.from.extend(file.registries.from);
        self.registries.plain_http.extend(file.registries.plain_http);
        let known = Limits::default().entries();
        for (name, value) in file.limits {
            if !known.iter().any(|(known, _)| *known == name) {
                let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                let why = format!("`limits` has no `{name}`; there are {}", names.join(", "));
                return Err(refused(place, why));
            }
            // The smaller counts, so that whoever has a state directory cannot raise what the machine's administrator has set.
            let known = self.limits.entry(name).or_insert(value);
            *known = value.min(*known);
        }
        Ok(())
    }
}

/// What all policies say that there are: the machine's, the state directory's, and those that the program brings.
///
/// # Errors
///
/// [`Error::Policy`]: a policy that cannot be read allows nothing, so no engine is opened.
pub(crate) fn load(state_dir: &Path, brought: Policy) -> Result<Operator, Error> {
    let mut operator = Operator {
        policy: brought,
        ..Operator::default()
    };
    for path in [PathBuf::from(OF_THE_MACHINE), state_dir.join(FILE)] {
        match fs::read_to_string(&path) {
            Ok(text) => operator.add(&path, read(&path, &text)?)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(path.display().to_string(), error.to_string())),
        }
    }
    Ok(operator)
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
        assert_eq!(
            load(folder.path(), Policy::default()).unwrap().policy,
            Policy::default()
        );
        let text = "[[plugins]]\naction = 'aws:*'\neverything = true\n\n[[plugins]]\naction = 'acme:*'\n\
                    grants = {commands = ['id', {run = 'systemctl restart *', as = ['root']}], waits = true}\n";
        fs::write(folder.path().join(FILE), text).unwrap();
        let policy = load(folder.path(), Policy::default()).unwrap().policy;
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
        let limits = || {
            load(folder.path(), Policy::default())
                .unwrap()
                .limits(&Limits::default())
        };
        assert_eq!(limits(), Limits::default());
        fs::write(
            folder.path().join(FILE),
            "[limits]\nmemory-bytes = 1000000\ncalls = 7\n",
        )
        .unwrap();
        let found = limits();
        assert_eq!((found.memory_bytes, found.calls), (1_000_000, 7));
        assert_eq!(found.call_cpu_ms, Limits::default().call_cpu_ms);
    }

    #[test]
    fn a_file_may_speak_of_signatures_and_limits_alone() {
        let folder = tempfile::tempdir().unwrap();
        let key = runwright_registry::PrivateKey::generate().unwrap();
        key.write(&folder.path().join("release")).unwrap();
        let text = "[keys]\nrelease = { file = 'release.pub' }\n\n[[signed]]\naction = 'acme:*'\nby = ['release']\n\
                    min-version = '1.2.0'\n\n[registries]\noffline = true\nfrom = ['/srv/plugins']\n\
                    plain-http = ['registry.internal:5000']\n\n[limits]\ncompile-memory-bytes = 7\n";
        fs::write(folder.path().join(FILE), text).unwrap();
        let operator = load(folder.path(), Policy::default()).unwrap();
        assert_eq!(operator.policy, Policy::default(), "nothing is said of grants");
        assert!(operator.trust.check("acme:x", b"c", &[]).is_err() && operator.registries.offline);
        let limits = operator.limits(&Limits::default());
        assert_eq!(
            (limits.compile_memory_bytes, limits.calls),
            (7, Limits::default().calls)
        );

        assert!(why("[limits]\nmemory = 7\n").contains("`limits` has no `memory`"));
        assert!(why("[[signed]]\naction = 'a'\nby = ['nobody']\n").contains("`nobody`"));
        assert!(why("[keys]\nrelease = { file = 'missing.pub' }\n").contains("missing.pub"));
        assert!(why("[[signed]]\naction = 'a'\nmin-version = 'new'\n").contains("runwright.toml:"));
    }
}
