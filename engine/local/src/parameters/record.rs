//! A parameter as it is kept: one row with all its versions. Pure.

use runwright_model::{
    bytes::Bytes,
    capability::{Error, parameters::ParameterType},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::name::{Selector, limit};

/// The most versions kept of a parameter.
pub const VERSIONS_MAX: usize = 100;
/// The most labels on a version.
pub const LABELS_MAX: usize = 10;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The name as it was first written.
    pub(super) name: String,
    pub(super) parameter_type: ParameterType,
    /// Oldest first; never empty.
    pub(super) versions: Vec<Version>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) value: Value,
    pub(super) modified: Timestamp,
    pub(super) labels: Vec<String>,
    /// The idempotency key of the call that wrote it.
    pub(super) written_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Value {
    Plain(String),
    /// An envelope of the store's key, bound to [`associated`].
    Sealed(Bytes),
}

/// What binds an envelope to its parameter and version.
pub(super) fn associated(key: &str, number: u64) -> Vec<u8> {
    format!("parameter:{key}:{number}").into_bytes()
}

impl Record {
    pub(super) fn latest(&self) -> &Version {
        self.versions.last().expect("a parameter has a version")
    }

    pub(super) fn written_by(&self, idempotency_key: &str) -> Option<&Version> {
        self.versions
            .iter()
            .find(|v| v.written_by.as_deref() == Some(idempotency_key))
    }

    pub(super) fn select(&self, selector: &Selector) -> Result<&Version, Error> {
        let found = match selector {
            Selector::Latest => Some(self.latest()),
            Selector::Version(number) => self.versions.iter().find(|v| v.number == *number),
            Selector::Label(label) => self.versions.iter().find(|v| v.labels.contains(label)),
        };
        found.ok_or_else(|| match selector {
            Selector::Label(label) => self.unknown(&format!("version with the label `{label}`")),
            Selector::Version(number) => self.unknown(&format!("version {number}")),
            Selector::Latest => self.unknown("version"),
        })
    }

    fn unknown(&self, what: &str) -> Error {
        let (first, last) = (self.versions.first().map_or(0, |v| v.number), self.latest().number);
        Error::NotFound(format!(
            "the parameter `{}` has no {what}; versions {first} to {last} are kept",
            self.name
        ))
    }

    /// Adds a version, and takes away the oldest when there are too many.
    pub(super) fn push(&mut self, version: Version) -> Result<(), Error> {
        if self.versions.len() >= VERSIONS_MAX {
            if !self.versions[0].labels.is_empty() {
                // The label would silently point to nothing, so somebody has to move it first.
                return Err(limit("parameter-versions", VERSIONS_MAX, self.versions.len() + 1));
            }
            self.versions.remove(0);
        }
        self.versions.push(version);
        Ok(())
    }

    /// Moves a label, which is on one version at most.
    pub(super) fn label(&mut self, number: u64, label: &str) -> Result<(), Error> {
        let has = self.select(&Selector::Version(number))?.labels.len();
        if self
            .select(&Selector::Version(number))?
            .labels
            .iter()
            .any(|l| l == label)
        {
            return Ok(());
        }
        if has >= LABELS_MAX {
            return Err(limit("parameter-labels", LABELS_MAX, has + 1));
        }
        for version in &mut self.versions {
            version.labels.retain(|l| l != label);
            if version.number == number {
                version.labels.push(label.to_owned());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> Version {
        Version {
            number,
            value: Value::Plain(number.to_string()),
            modified: Timestamp::from_millis(0),
            labels: Vec::new(),
            written_by: None,
        }
    }

    fn record(versions: u64) -> Record {
        let mut record = Record {
            name: "/x".into(),
            parameter_type: ParameterType::String,
            versions: vec![version(1)],
        };
        (2..=versions).for_each(|n| record.push(version(n)).unwrap());
        record
    }

    #[test]
    fn the_oldest_version_goes_unless_it_has_a_label() {
        let mut full = record(100);
        full.push(version(101)).unwrap();
        assert_eq!((full.versions.len(), full.versions[0].number), (100, 2));
        full.label(2, "keep").unwrap();
        assert!(matches!(full.push(version(102)), Err(Error::LimitExceeded { .. })));
        full.label(50, "keep").unwrap();
        full.push(version(102)).unwrap();
    }

    #[test]
    fn a_label_is_on_one_version_and_a_version_has_ten() {
        let mut record = record(2);
        (0..LABELS_MAX).for_each(|n| record.label(1, &format!("l{n}")).unwrap());
        assert!(matches!(record.label(1, "more"), Err(Error::LimitExceeded { .. })));
        record.label(1, "l3").unwrap();
        record.label(2, "l3").unwrap();
        assert_eq!(record.select(&Selector::Label("l3".into())).unwrap().number, 2);
        assert!(record.label(3, "l3").is_err());
        assert!(
            record
                .select(&Selector::Label("none".into()))
                .unwrap_err()
                .to_string()
                .contains("versions 1 to 2")
        );
    }
}
