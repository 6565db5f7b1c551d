//! The parameter store: `wit/parameters.wit`, and a typed interface for the command line.
//!
//! Names, versions and labels follow the rules of SSM's Parameter Store. Each parameter is one row of
//! [`Table::Parameters`] under its name without the leading `/`, changed by compare-and-set. The value of a
//! secure one is an envelope ([`crate::keys`]); whoever reads it gets a placeholder.

mod backend;
mod name;
mod record;

use std::{collections::BTreeMap, sync::Arc};

use runwright_model::{
    capability::{
        Error,
        parameters::{self, NewValue, Parameter, ParameterType},
    },
    secret::{SecretSource, Secrets, parse_placeholder, placeholder, placeholders},
};
use runwright_store::{Expect, Store, Table};
use zeroize::Zeroizing;

use self::{
    name::{Name, Selector, check_label, check_value, limit, parse_selector, path_prefix},
    record::{Record, Value, Version, associated},
};
use crate::{clock, error::store_failed, keys};

pub use self::{
    name::{LABEL_CHARS_MAX, LEVELS_MAX, NAME_CHARS_MAX},
    record::{LABELS_MAX, VERSIONS_MAX},
};

/// The most parameters one `get-by-path` answers.
pub const BY_PATH_MAX: usize = 1_000;
/// How often a change is tried again when others change the same parameter at the same time.
const TRIES_MAX: usize = 32;

/// A parameter to write.
#[derive(Debug, Clone)]
pub struct Put<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it holds. An existing parameter keeps its type: another one is refused.
    pub parameter_type: ParameterType,
    /// The value.
    pub value: NewValue,
    /// Whether it may exist.
    pub overwrite: bool,
    /// The same for the same call: a second `put` with it finds the version the first one wrote.
    pub idempotency_key: Option<&'a str>,
    /// The secrets a given value may hold placeholders of.
    pub secrets: Secrets,
}

/// Parameters in a store. Cheap to clone. What a method changed is durable when it answers.
#[derive(Clone)]
pub struct ParameterStore {
    store: Arc<dyn Store>,
    key: Arc<keys::StoreKey>,
}

impl ParameterStore {
    /// Parameters in this store, secure ones under this key.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: Arc<keys::StoreKey>) -> Self {
        Self { store, key }
    }

    /// Reads `name`, `name:version` or `name:label`.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad name, `Unavailable` when the store fails.
    pub async fn get(&self, selector: &str) -> Result<Parameter, Error> {
        let (name, selector) = parse_selector(selector)?;
        let (record, _) = self.existing(&name).await?;
        Ok(shown(&record, record.select(&selector)?))
    }

    /// The latest versions of what stands under a path, sorted by name.
    ///
    /// # Errors
    ///
    /// `LimitExceeded` when there are more than [`BY_PATH_MAX`], `Invalid` for a bad path.
    pub async fn get_by_path(&self, path: &str, recursive: bool) -> Result<Vec<Parameter>, Error> {
        let prefix = path_prefix(path)?;
        let mut found = self.scan(&prefix).await?;
        if !recursive {
            found.retain(|p| !p.name.trim_start_matches('/')[prefix.len()..].contains('/'));
        }
        if found.len() > BY_PATH_MAX {
            return Err(limit("parameters-by-path", BY_PATH_MAX, found.len()));
        }
        Ok(found)
    }

    /// The latest version of every parameter, sorted by name.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the store fails.
    pub async fn list(&self) -> Result<Vec<Parameter>, Error> {
        self.scan("").await
    }

    /// All versions kept, oldest first.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad name.
    pub async fn history(&self, name: &str) -> Result<Vec<Parameter>, Error> {
        let (record, _) = self.existing(&Name::parse(name)?).await?;
        Ok(record.versions.iter().map(|version| shown(&record, version)).collect())
    }

    /// Writes a new version and answers it; a secure one with its placeholder.
    ///
    /// # Errors
    ///
    /// `Invalid` when it exists and may not, when its type would change, or for a bad name or value;
    /// `LimitExceeded` when [`VERSIONS_MAX`] are kept and the oldest has a label.
    pub async fn put(&self, put: Put<'_>) -> Result<Parameter, Error> {
        let name = Name::parse(put.name)?;
        let value = new_value(&put)?;
        for _ in 0..TRIES_MAX {
            let before = self.row(&name).await?;
            if let Some((record, _)) = &before {
                if let Some(written) = put.idempotency_key.and_then(|key| record.written_by(key)) {
                    return Ok(shown(record, written));
                }
                check_existing(record, &put)?;
            }
            let after = self.with_version(&name, before.as_ref().map(|(record, _)| record), &put, &value)?;
            if self.replace(&name, before.map(|(_, row)| row), &after).await? {
                return Ok(shown(&after, after.latest()));
            }
        }
        Err(contended(&name))
    }

    /// Deletes a parameter with its versions. Succeeds when it is not there.
    ///
    /// # Errors
    ///
    /// `Invalid` for a bad name.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let name = Name::parse(name)?;
        self.store
            .delete(Table::Parameters, name.key().as_bytes())
            .await
            .map_err(store_failed)?;
        self.store.sync().await.map_err(store_failed)
    }

    /// Moves a label to a version.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad label, `LimitExceeded` when the version has [`LABELS_MAX`].
    pub async fn label(&self, name: &str, version: u64, label: &str) -> Result<(), Error> {
        check_label(label)?;
        let name = Name::parse(name)?;
        for _ in 0..TRIES_MAX {
            let (mut record, row) = self.existing(&name).await?;
            record.label(version, label)?;
            if self.replace(&name, Some(row), &record).await? {
                return Ok(());
            }
        }
        Err(contended(&name))
    }

    /// The value behind a placeholder.
    ///
    /// # Errors
    ///
    /// `Invalid` for a text that is no placeholder, `NotFound` when its version is not kept.
    pub async fn reveal(&self, placeholder: &str) -> Result<Zeroizing<String>, Error> {
        let (name, version) = parse_placeholder(placeholder)
            .ok_or_else(|| Error::Invalid(format!("`{placeholder}` is no placeholder of a secret")))?;
        let name = Name::parse(name)?;
        let (record, _) = self.existing(&name).await?;
        match &record.select(&Selector::Version(version))?.value {
            Value::Plain(_) => Err(Error::Invalid(format!(
                "the parameter `{}` is not secret: read it",
                record.name
            ))),
            Value::Sealed(sealed) => {
                let what = format!("version {version} of the parameter `{}`", record.name);
                let plain = self.key.open(&associated(name.key(), version), &sealed.0, &what)?;
                let text = std::str::from_utf8(&plain).map_err(|_| Error::Unavailable(format!("{what} is damaged")))?;
                Ok(Zeroizing::new(text.to_owned()))
            }
        }
    }

    /// The values behind placeholders.
    ///
    /// # Errors
    ///
    /// As [`reveal`](Self::reveal), for the first that fails.
    pub async fn secrets(&self, placeholders: impl IntoIterator<Item = &str>) -> Result<Secrets, Error> {
        let mut values = BTreeMap::new();
        for placeholder in placeholders {
            if !values.contains_key(placeholder) {
                let value = self.reveal(placeholder).await?;
                values.insert(placeholder.to_owned(), value.to_string());
            }
        }
        Ok(Secrets::new(values))
    }

    /// The record with one more version.
    fn with_version(&self, name: &Name, before: Option<&Record>, put: &Put<'_>, value: &str) -> Result<Record, Error> {
        let number = before.map_or(1, |record| record.latest().number + 1);
        let value = match put.parameter_type {
            ParameterType::String | ParameterType::StringList => Value::Plain(value.to_owned()),
            ParameterType::SecureString => {
                Value::Sealed(self.key.seal(&associated(name.key(), number), value.as_bytes())?.into())
            }
        };
        let version = Version {
            number,
            value,
            modified: clock::now(),
            labels: Vec::new(),
            written_by: put.idempotency_key.map(str::to_owned),
        };
        match before {
            None => Ok(Record {
                name: name.shown.clone(),
                parameter_type: put.parameter_type,
                versions: vec![version],
            }),
            Some(record) => {
                let mut record = record.clone();
                record.push(version)?;
                Ok(record)
            }
        }
    }

    async fn existing(&self, name: &Name) -> Result<(Record, Vec<u8>), Error> {
        let row = self.row(name).await?;
        row.ok_or_else(|| Error::NotFound(format!("there is no parameter `{}`", name.shown)))
    }

    /// The record, and the bytes it was read from, which a change expects to find.
    async fn row(&self, name: &Name) -> Result<Option<(Record, Vec<u8>)>, Error> {
        let row = self
            .store
            .get(Table::Parameters, name.key().as_bytes())
            .await
            .map_err(store_failed)?;
        row.map(|bytes| Ok((decode(&bytes, &name.shown)?, bytes))).transpose()
    }

    async fn replace(&self, name: &Name, before: Option<Vec<u8>>, after: &Record) -> Result<bool, Error> {
        let expect = before.map_or(Expect::Absent, Expect::Value);
        let row = serde_json::to_vec(after).expect("a parameter is JSON");
        let key = name.key().as_bytes();
        let put = self
            .store
            .put(Table::Parameters, key, row, expect)
            .await
            .map_err(store_failed)?;
        if put {
            self.store.sync().await.map_err(store_failed)?;
        }
        Ok(put)
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<Parameter>, Error> {
        let rows = self
            .store
            .scan(Table::Parameters, prefix.as_bytes(), None, 0)
            .await
            .map_err(store_failed)?;
        rows.into_iter()
            .map(|(key, row)| {
                let record = decode(&row, &String::from_utf8_lossy(&key))?;
                Ok(shown(&record, record.latest()))
            })
            .collect()
    }
}

#[async_trait::async_trait]
impl SecretSource for ParameterStore {
    async fn secrets(&self, placeholders: Vec<String>) -> Result<Secrets, Error> {
        Self::secrets(self, placeholders.iter().map(String::as_str)).await
    }
}

/// The text to keep, checked.
fn new_value(put: &Put<'_>) -> Result<Zeroizing<String>, Error> {
    match &put.value {
        NewValue::Generated(characters) => {
            parameters::generate(*characters, |pool| Ok(keys::random(pool)?)).map(Zeroizing::new)
        }
        NewValue::Given(text) => {
            let secure = put.parameter_type == ParameterType::SecureString;
            if !secure && let Some(found) = placeholders(text).next() {
                return Err(Error::Invalid(format!(
                    "the value of `{}` holds the secret placeholder `{found}`: write it as a SecureString",
                    put.name
                )));
            }
            let filled = Zeroizing::new(crate::fill::text(&put.secrets, text, "the value")?);
            check_value(&filled)?;
            Ok(filled)
        }
    }
}

fn check_existing(record: &Record, put: &Put<'_>) -> Result<(), Error> {
    if !put.overwrite {
        return Err(Error::Invalid(format!(
            "the parameter `{}` exists already: allow `overwrite`, or choose another name",
            record.name
        )));
    }
    if record.parameter_type != put.parameter_type {
        return Err(Error::Invalid(format!(
            "the parameter `{}` is a {:?} and cannot become a {:?}: delete it first, or choose another name",
            record.name, record.parameter_type, put.parameter_type
        )));
    }
    Ok(())
}

/// A version as it is answered.
fn shown(record: &Record, version: &Version) -> Parameter {
    Parameter {
        name: record.name.clone(),
        parameter_type: record.parameter_type,
        value: match &version.value {
            Value::Plain(text) => text.clone(),
            Value::Sealed(_) => placeholder(&record.name, version.number),
        },
        version: version.number,
        modified: version.modified,
        labels: version.labels.clone(),
    }
}

fn decode(row: &[u8], name: &str) -> Result<Record, Error> {
    let record: Result<Record, _> = serde_json::from_slice(row);
    record.ok().filter(|record| !record.versions.is_empty()).ok_or_else(|| {
        Error::Unavailable(format!(
            "the parameter `{name}` is damaged in the store: restore a copy"
        ))
    })
}

fn contended(name: &Name) -> Error {
    Error::Throttled(format!(
        "the parameter `{}` is being changed by many at once: try again",
        name.shown
    ))
}
