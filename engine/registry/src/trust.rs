//! What the operator demands of components before they are used: who must have signed them, and how old they may be.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use runwright_model::grant::matches;
use semver::Version;
use serde::{Deserialize, Deserializer};

use crate::{
    Error,
    key::PublicKey,
    signature::{Proof, Verdict},
};

/// A key that an operator trusts, as it is written in a policy file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum KeySource {
    /// A PEM file; a relative path is one beside the policy file.
    File(PathBuf),
    /// The PEM text itself.
    Pem(String),
}

/// What is demanded of the components of some actions, as it is written in a policy file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Demand {
    /// The actions, in which `*` stands for any text.
    pub action: String,
    /// The names of keys, of which one must have signed. Without any, nobody need have.
    #[serde(default)]
    pub by: Vec<String>,
    /// The lowest version.
    #[serde(default, deserialize_with = "version")]
    pub min_version: Option<Version>,
    /// Whether a lower version than one that was used before may be used.
    #[serde(default)]
    pub allow_downgrade: bool,
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// The demands of all policies that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust(Vec<Book>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Book {
    origin: String,
    keys: BTreeMap<String, PublicKey>,
    demands: Vec<Demand>,
}

impl Trust {
    /// One more policy: the file in which it stands, its keys by name, and its demands, of which the first that fits
    /// counts.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] when a key cannot be read, or a demand names one that is not there.
    pub fn with(mut self, file: &Path, keys: BTreeMap<String, KeySource>, demands: Vec<Demand>) -> Result<Self, Error> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let origin = file.display().to_string();
        let read = |(name, source): (String, KeySource)| {
            let key = match source {
                KeySource::File(path) => PublicKey::read(&folder.join(path)),
                KeySource::Pem(text) => PublicKey::from_pem(&text, &format!("`{name}` in {origin}")),
            };
            Ok::<_, Error>((name, key?))
        };
        let keys: BTreeMap<String, PublicKey> = keys.into_iter().map(read).collect::<Result<_, _>>()?;
        let named = demands.iter().flat_map(|demand| &demand.by);
        if let Some(missing) = named.into_iter().find(|name| !keys.contains_key(*name)) {
            return Err(Error::Key {
                origin: format!("`{missing}`"),
                why: format!("a demand of {origin} names it, and it is not under `[keys]` there"),
            });
        }
        if !keys.is_empty() || !demands.is_empty() {
            self.0.push(Book { origin, keys, demands });
        }
        Ok(self)
    }

    /// Whether nothing is demanded of any component.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks who signed a component that claims to provide an action. To be asked before it is compiled.
    ///
    /// # Errors
    ///
    /// [`Error::Unsigned`], [`Error::WronglySigned`], [`Error::OtherContent`].
    pub fn check(&self, action: &str, component: &[u8], proofs: &[Proof]) -> Result<(), Error> {
        self.demands(action)
            .filter(|(_, demand)| !demand.by.is_empty())
            .try_for_each(|(book, demand)| book.check(demand, action, component, proofs))
    }

    /// Checks a version against those demanded, and against the highest that was used before.
    ///
    /// # Errors
    ///
    /// [`Error::TooOld`], [`Error::Downgrade`].
    pub fn check_version(&self, action: &str, version: &Version, before: Option<&Version>) -> Result<(), Error> {
        for (book, demand) in self.demands(action) {
            if let Some(least) = demand.min_version.as_ref().filter(|least| version < least) {
                return Err(Error::TooOld {
                    action: action.to_owned(),
                    origin: book.origin.clone(),
                    version: version.clone(),
                    least: least.clone(),
                });
            }
            if let Some(before) = before.filter(|before| !demand.allow_downgrade && version < before) {
                return Err(Error::Downgrade {
                    action: action.to_owned(),
                    version: version.clone(),
                    before: before.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether a version of this action must not become lower: it is remembered then.
    #[must_use]
    pub fn remembers(&self, action: &str) -> bool {
        self.demands(action).any(|(_, demand)| !demand.allow_downgrade)
    }

    /// The names of all keys here that signed a component, each with the file in which it stands.
    #[must_use]
    pub fn signers(&self, component: &[u8], proofs: &[Proof]) -> Vec<String> {
        let mut found = Vec::new();
        for book in &self.0 {
            for (name, key) in &book.keys {
                if proofs.iter().any(|proof| proof.check(key, component) == Verdict::Good) && !found.contains(name) {
                    found.push(name.clone());
                }
            }
        }
        found
    }

    /// For each policy that says anything of this action, what it demands.
    fn demands(&self, action: &str) -> impl Iterator<Item = (&Book, &Demand)> {
        self.0.iter().filter_map(move |book| {
            let fits = |demand: &&Demand| matches(&demand.action, action);
            Some((book, book.demands.iter().find(fits)?))
        })
    }
}

impl Book {
    fn check(&self, demand: &Demand, action: &str, component: &[u8], proofs: &[Proof]) -> Result<(), Error> {
        let mut other_content = None;
        for name in &demand.by {
            let key = &self.keys[name];
            for proof in proofs {
                match proof.check(key, component) {
                    Verdict::Good => return Ok(()),
                    Verdict::Other => {}
                    Verdict::OtherContent { signed, found } => {
                        other_content = Some(Error::OtherContent {
                            action: action.to_owned(),
                            signer: name.clone(),
                            signed,
                            found,
                        });
                    }
                }
            }
        }
        if let Some(error) = other_content {
            return Err(error);
        }
        let (action, origin, wanted) = (action.to_owned(), self.origin.clone(), demand.by.join(" or "));
        Err(match proofs.len() {
            0 => Error::Unsigned { action, origin, wanted },
            number => Error::WronglySigned {
                action,
                origin,
                wanted,
                count: if number == 1 {
                    "a signature".to_owned()
                } else {
                    format!("{number} signatures")
                },
            },
        })
    }
}

/// Checks a component against one key, whatever any policy says.
///
/// # Errors
///
/// [`Error::Unsigned`], [`Error::WronglySigned`], [`Error::OtherContent`]; `what` stands in the place of the action.
pub fn verify(what: &str, key: PublicKey, name: &str, component: &[u8], proofs: &[Proof]) -> Result<(), Error> {
    let demand = Demand {
        action: "*".to_owned(),
        by: vec![name.to_owned()],
        min_version: None,
        allow_downgrade: true,
    };
    let book = Book {
        origin: "--key".to_owned(),
        keys: BTreeMap::from([(name.to_owned(), key)]),
        demands: Vec::new(),
    };
    book.check(&demand, what, component, proofs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::PrivateKey;

    fn trust(demands: &str, keys: &[(&str, &PrivateKey)]) -> Trust {
        let keys = keys
            .iter()
            .map(|(name, key)| ((*name).to_owned(), KeySource::Pem(key.public().to_pem())))
            .collect();
        Trust::default()
            .with(Path::new("/p.toml"), keys, serde_json::from_str(demands).unwrap())
            .unwrap()
    }

    fn code(result: Result<(), Error>) -> &'static str {
        result.map_or_else(|error| error.code(), |()| "good")
    }

    #[test]
    fn one_of_the_keys_must_have_signed_these_bytes() {
        let (release, ci, other) = (
            PrivateKey::generate().unwrap(),
            PrivateKey::generate().unwrap(),
            PrivateKey::generate().unwrap(),
        );
        let trust = trust(
            r#"[{"action": "acme:free"}, {"action": "acme:*", "by": ["release", "ci"]}]"#,
            &[("release", &release), ("ci", &ci)],
        );
        let by = |key: &PrivateKey| Proof::Detached(key.sign(b"component"));
        assert_eq!(
            code(trust.check("acme:x", b"component", &[by(&other), by(&ci)])),
            "good"
        );
        assert_eq!(code(trust.check("acme:x", b"component", &[])), "RW-P113");
        assert_eq!(code(trust.check("acme:x", b"component", &[by(&other)])), "RW-P114");
        assert_eq!(code(trust.check("acme:x", b"tampered", &[by(&release)])), "RW-P114");
        assert_eq!(code(trust.check("acme:free", b"component", &[])), "good");
        assert_eq!(
            code(trust.check("other:x", b"component", &[])),
            "good",
            "nothing is said of it"
        );
        assert_eq!(trust.signers(b"component", &[by(&other), by(&ci)]), ["ci"]);
    }

    #[test]
    fn every_policy_counts() {
        let (one, two) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        let demands = r#"[{"action": "*", "by": ["k"]}]"#;
        let both = trust(demands, &[("k", &one)])
            .with(
                Path::new("/q.toml"),
                BTreeMap::from([("k".to_owned(), KeySource::Pem(two.public().to_pem()))]),
                serde_json::from_str(demands).unwrap(),
            )
            .unwrap();
        let by = |key: &PrivateKey| Proof::Detached(key.sign(b"c"));
        assert_eq!(code(both.check("a:b", b"c", &[by(&one)])), "RW-P114");
        assert_eq!(code(both.check("a:b", b"c", &[by(&one), by(&two)])), "good");
    }

    #[test]
    fn versions_do_not_go_back() {
        let demands =
            r#"[{"action": "acme:old", "allow-downgrade": true}, {"action": "acme:*", "min-version": "1.2.0"}]"#;
        let trust = trust(demands, &[]);
        let version = |text: &str| text.parse::<Version>().unwrap();
        let check = |action: &str, now: &str, before: Option<&str>| {
            let before = before.map(version);
            code(trust.check_version(action, &version(now), before.as_ref()))
        };
        assert_eq!(check("acme:x", "1.2.0", None), "good");
        assert_eq!(check("acme:x", "1.1.9", None), "RW-P117");
        assert_eq!(check("acme:x", "1.2.0-rc.1", None), "RW-P117");
        assert_eq!(check("acme:x", "1.3.0", Some("1.4.0")), "RW-P116");
        assert_eq!(check("acme:x", "1.10.0", Some("1.9.0")), "good");
        assert_eq!(check("acme:old", "1.3.0", Some("1.4.0")), "good");
        assert!(trust.remembers("acme:x") && !trust.remembers("acme:old") && !trust.remembers("other:x"));
    }

    #[test]
    fn a_demand_for_a_key_that_nobody_has_is_refused() {
        let demands: Vec<Demand> = serde_json::from_str(r#"[{"action": "*", "by": ["k"]}]"#).unwrap();
        let refused = Trust::default().with(Path::new("/p.toml"), BTreeMap::new(), demands);
        assert!(refused.unwrap_err().to_string().contains("`k`"));
    }
}
