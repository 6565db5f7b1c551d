//! Parameter Store: parameters as `wit/parameters.wit` has them, and the values behind placeholders.
//!
//! Names, types, labels and limits are those of the service, which also judges them. What the store of one's own machine
//! promises and the service does not is done here: types that do not change, and a `put` that finds itself again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use aws_credential_types::Credentials;
use aws_sdk_ssm::{
    Client,
    types::{self as service, ParameterHistory},
};
use runwright_model::{
    capability::{
        Answer, CallContext, Error, Outcome,
        parameters::{self, NewValue, Parameter, ParameterType, Request},
    },
    secret::{SecretSource, Secrets, parse_placeholder, placeholder, placeholders},
    time::Timestamp,
};
use zeroize::Zeroizing;

use super::{client, refused, request};
use crate::Aws;

/// The most labels of a version.
pub(super) const LABELS_MAX: u64 = 10;
/// The most versions that are kept.
pub(super) const VERSIONS_MAX: u64 = 100;
/// The most parameters one `get-by-path` answers.
pub const BY_PATH_MAX: usize = 1_000;
/// How many opened secrets are kept in memory: each call of an execution asks for all of its own.
const OPENED_MAX: usize = 1_000;

/// Opened secrets by their placeholders. A placeholder names a version, which does not change.
#[derive(Default)]
pub(crate) struct Opened(Mutex<HashMap<String, Zeroizing<String>>>);

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
    /// The same for the same call.
    pub idempotency_key: &'a str,
    /// Whether the call was made before, and nobody knows what became of it.
    pub again: bool,
    /// The secrets a given value may hold placeholders of.
    pub secrets: Secrets,
}

/// The parameters of an account, as somebody. Cheap to clone.
#[derive(Clone)]
pub struct Parameters {
    client: Client,
    aws: Aws,
}

impl Aws {
    /// Parameters as the engine itself.
    ///
    /// # Errors
    ///
    /// `Unavailable` without credentials.
    pub async fn parameters(&self) -> Result<Parameters, Error> {
        let own = self.0.account.credentials().await;
        Ok(self.parameters_as(own.map_err(|error| Error::Unavailable(error.to_string()))?))
    }

    fn parameters_as(&self, credentials: Credentials) -> Parameters {
        Parameters {
            client: client(self, credentials),
            aws: self.clone(),
        }
    }

    /// Answers a call of a guest.
    pub(crate) async fn parameter(&self, request: Request, context: &CallContext) -> Outcome {
        let store = self.parameters_as(self.credentials_of(context).await?);
        let answer = match request {
            Request::Get { name } => parameters::Answer::Parameter(store.get(&name).await?),
            Request::GetByPath { path, recursive } => {
                let found = store.get_by_path(&path, recursive).await?;
                context.grants.check_found(&found)?;
                parameters::Answer::Parameters(found)
            }
            Request::Put {
                name,
                parameter_type,
                value,
                overwrite,
            } => {
                let put = Put {
                    name: &name,
                    parameter_type,
                    value,
                    overwrite,
                    idempotency_key: &context.idempotency_key,
                    again: context.again,
                    secrets: context.secrets.clone(),
                };
                parameters::Answer::Parameter(store.put(put).await?)
            }
            Request::Delete { name } => {
                store.delete(&name).await?;
                return Ok(Answer::Done);
            }
            Request::History { name } => parameters::Answer::Parameters(store.history(&name).await?),
            Request::Label { name, version, label } => {
                store.label(&name, version, &label).await?;
                return Ok(Answer::Done);
            }
            Request::Reveal { placeholder } => {
                parameters::Answer::Revealed(store.reveal(&placeholder).await?.to_string())
            }
        };
        Ok(Answer::Parameters(answer))
    }
}

impl Parameters {
    /// Reads `name`, `name:version` or `name:label`. Its labels are in the history only.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad name, `Unavailable` when the service does not answer.
    pub async fn get(&self, selector: &str) -> Result<Parameter, Error> {
        Ok(shown(self.read(selector, false).await?))
    }

    /// The latest versions of what stands under a path, sorted by name.
    ///
    /// # Errors
    ///
    /// `LimitExceeded` when there are more than [`BY_PATH_MAX`], `Invalid` for a bad path.
    pub async fn get_by_path(&self, path: &str, recursive: bool) -> Result<Vec<Parameter>, Error> {
        let trimmed = path.trim().trim_end_matches('/');
        let path = if trimmed.is_empty() && path.trim().starts_with('/') {
            "/"
        } else {
            trimmed
        };
        if !path.starts_with('/') {
            return Err(Error::Invalid(format!(
                "`{path}` is no path of parameters: it must begin with `/`"
            )));
        }
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let asked = self
                .client
                .get_parameters_by_path()
                .path(path)
                .recursive(recursive)
                .set_next_token(next);
            let page = asked.send().await;
            let page = page.map_err(|error| refused(&format!("reading the parameters under `{path}`"), &error))?;
            found.extend(page.parameters.unwrap_or_default().into_iter().map(shown));
            if found.len() > BY_PATH_MAX {
                return Err(Error::LimitExceeded {
                    which: "parameters-by-path".into(),
                    limit: BY_PATH_MAX as u64,
                    used: found.len() as u64,
                });
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// All versions kept, oldest first.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad name.
    pub async fn history(&self, name: &str) -> Result<Vec<Parameter>, Error> {
        let mut versions: Vec<Parameter> = self.versions(name).await?.into_iter().map(shown_version).collect();
        versions.sort_by_key(|parameter| parameter.version);
        Ok(versions)
    }

    /// Writes a new version and answers it; a secure one with its placeholder.
    ///
    /// # Errors
    ///
    /// `Invalid` when it exists and may not, when its type would change, or for a bad name or value; `LimitExceeded`
    /// when no more versions can be kept.
    pub async fn put(&self, put: Put<'_>) -> Result<Parameter, Error> {
        let mark = request::mark(put.idempotency_key);
        let value = new_value(&put)?;
        let before = match self.read(put.name, put.again).await {
            Ok(before) => Some(before),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        if let Some(before) = before {
            if put.again && self.wrote(&put, &before, &value, &mark).await? {
                return Ok(shown(before));
            }
            check_existing(&before, &put)?;
        }
        let generated = matches!(put.value, NewValue::Generated(_));
        let asked = self
            .client
            .put_parameter()
            .name(put.name)
            .value(value.as_str())
            .r#type(type_of(put.parameter_type))
            .overwrite(put.overwrite)
            .set_description(generated.then(|| format!("generated by Runwright, {mark}")));
        let written = asked.send().await;
        let written = written.map_err(|error| refused(&format!("writing the parameter `{}`", put.name), &error))?;
        let version = version(written.version);
        Ok(Parameter {
            name: put.name.to_owned(),
            parameter_type: put.parameter_type,
            value: match put.parameter_type {
                ParameterType::SecureString => placeholder(put.name, version),
                ParameterType::String | ParameterType::StringList => value.to_string(),
            },
            version,
            modified: now(),
            labels: Vec::new(),
        })
    }

    /// Whether the latest version is that of the same call, made before: its value says so, or, when that was drawn by
    /// lot, its description.
    async fn wrote(&self, put: &Put<'_>, before: &service::Parameter, value: &str, mark: &str) -> Result<bool, Error> {
        let same_type = before
            .r#type
            .as_ref()
            .is_some_and(|found| type_from(found) == put.parameter_type);
        match put.value {
            NewValue::Given(_) => Ok(same_type && before.value() == Some(value)),
            NewValue::Generated(_) => {
                let versions = self.versions(put.name).await?;
                let latest = versions.iter().find(|found| found.version == before.version);
                Ok(latest.is_some_and(|found| found.description().is_some_and(|text| text.contains(mark))))
            }
        }
    }

    /// Deletes a parameter with its versions. Succeeds when it is not there.
    ///
    /// # Errors
    ///
    /// `Invalid` for a bad name.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        match self.client.delete_parameter().name(name).send().await {
            Ok(_) => Ok(()),
            Err(error) => match refused(&format!("deleting the parameter `{name}`"), &error) {
                Error::NotFound(_) => Ok(()),
                other => Err(other),
            },
        }
    }

    /// Moves a label to a version.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad label, `LimitExceeded` when the version has too many.
    pub async fn label(&self, name: &str, version: u64, label: &str) -> Result<(), Error> {
        let number = i64::try_from(version).unwrap_or(i64::MAX);
        let asked = self
            .client
            .label_parameter_version()
            .name(name)
            .parameter_version(number)
            .labels(label);
        let what = format!("labelling version {version} of the parameter `{name}`");
        let labelled = asked.send().await.map_err(|error| refused(&what, &error))?;
        match labelled.invalid_labels() {
            [] => Ok(()),
            [bad, ..] => Err(Error::Invalid(format!("{what}: `{bad}` is no label of a parameter"))),
        }
    }

    /// The value behind a placeholder.
    ///
    /// # Errors
    ///
    /// `Invalid` for a text that is no placeholder, `NotFound` when its version is not kept.
    pub async fn reveal(&self, placeholder: &str) -> Result<Zeroizing<String>, Error> {
        if let Some(known) = self.aws.0.opened.get(placeholder) {
            return Ok(known);
        }
        let (name, version) = parse_placeholder(placeholder)
            .ok_or_else(|| Error::Invalid(format!("`{placeholder}` is no placeholder of a secret")))?;
        let found = self.read(&format!("{name}:{version}"), true).await?;
        if found.r#type != Some(service::ParameterType::SecureString) {
            return Err(Error::Invalid(format!("the parameter `{name}` is not secret: read it")));
        }
        let value = Zeroizing::new(found.value.unwrap_or_default());
        self.aws.0.opened.keep(placeholder, &value);
        Ok(value)
    }

    async fn read(&self, selector: &str, opened: bool) -> Result<service::Parameter, Error> {
        let asked = self
            .client
            .get_parameter()
            .name(selector)
            .with_decryption(opened)
            .send()
            .await;
        let answered = asked.map_err(|error| refused(&format!("reading the parameter `{selector}`"), &error))?;
        answered
            .parameter
            .ok_or_else(|| Error::NotFound(format!("there is no parameter `{selector}`")))
    }

    async fn versions(&self, name: &str) -> Result<Vec<ParameterHistory>, Error> {
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let asked = self
                .client
                .get_parameter_history()
                .name(name)
                .set_next_token(next)
                .send()
                .await;
            let page =
                asked.map_err(|error| refused(&format!("reading the history of the parameter `{name}`"), &error))?;
            found.extend(page.parameters.unwrap_or_default());
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
    }
}

#[async_trait::async_trait]
impl SecretSource for Aws {
    /// As the engine itself, whatever role the runbook assumes: placeholders are filled for calls of any kind.
    async fn secrets(&self, placeholders: Vec<String>) -> Result<Secrets, Error> {
        let mut values = BTreeMap::new();
        if !placeholders.is_empty() {
            let store = self.parameters().await?;
            for placeholder in placeholders {
                let value = store.reveal(&placeholder).await?.to_string();
                values.insert(placeholder, value);
            }
        }
        Ok(Secrets::new(values))
    }
}

impl Opened {
    fn get(&self, placeholder: &str) -> Option<Zeroizing<String>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(placeholder)
            .cloned()
    }

    fn keep(&self, placeholder: &str, value: &Zeroizing<String>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= OPENED_MAX {
            kept.clear();
        }
        kept.insert(placeholder.to_owned(), value.clone());
    }
}

/// The text to keep.
fn new_value(put: &Put<'_>) -> Result<Zeroizing<String>, Error> {
    let text = match &put.value {
        NewValue::Generated(characters) => {
            let random = |pool: &mut [u8]| {
                getrandom::fill(pool)
                    .map_err(|error| Error::Unavailable(format!("there is no randomness here: {error}")))
            };
            return parameters::generate(*characters, random).map(Zeroizing::new);
        }
        NewValue::Given(text) => text,
    };
    let secure = put.parameter_type == ParameterType::SecureString;
    if !secure && let Some(found) = placeholders(text).next() {
        return Err(Error::Invalid(format!(
            "the value of `{}` holds the secret placeholder `{found}`: write it as a SecureString",
            put.name
        )));
    }
    if let Some(unknown) = placeholders(text).find(|found| put.secrets.get(found).is_none()) {
        return Err(Error::Invalid(format!(
            "the value holds the placeholder `{unknown}`, which this execution was not given: read the parameter, and use \
             the placeholder that is answered"
        )));
    }
    let filled = Zeroizing::new(put.secrets.fill(text));
    if filled.is_empty() {
        return Err(Error::Invalid("the value of a parameter cannot be empty".into()));
    }
    Ok(filled)
}

fn check_existing(before: &service::Parameter, put: &Put<'_>) -> Result<(), Error> {
    if !put.overwrite {
        return Err(Error::Invalid(format!(
            "the parameter `{}` exists already: allow `overwrite`, or choose another name",
            put.name
        )));
    }
    match before.r#type.as_ref().map(type_from) {
        Some(found) if found != put.parameter_type => Err(Error::Invalid(format!(
            "the parameter `{}` is a {found:?} and cannot become a {:?}: delete it first, or choose another name",
            put.name, put.parameter_type
        ))),
        _ => Ok(()),
    }
}

fn shown(found: service::Parameter) -> Parameter {
    let (name, version) = (found.name.unwrap_or_default(), version(found.version));
    let parameter_type = found.r#type.as_ref().map_or(ParameterType::String, type_from);
    Parameter {
        value: match parameter_type {
            ParameterType::SecureString => placeholder(&name, version),
            ParameterType::String | ParameterType::StringList => found.value.unwrap_or_default(),
        },
        name,
        parameter_type,
        version,
        modified: moment(found.last_modified_date),
        labels: Vec::new(),
    }
}

fn shown_version(found: ParameterHistory) -> Parameter {
    let labels = found.labels.clone().unwrap_or_default();
    let parameter = service::Parameter::builder()
        .set_name(found.name)
        .set_type(found.r#type)
        .set_value(found.value)
        .version(found.version)
        .set_last_modified_date(found.last_modified_date)
        .build();
    Parameter {
        labels,
        ..shown(parameter)
    }
}

/// Versions count from one.
fn version(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn type_of(kind: ParameterType) -> service::ParameterType {
    match kind {
        ParameterType::String => service::ParameterType::String,
        ParameterType::StringList => service::ParameterType::StringList,
        ParameterType::SecureString => service::ParameterType::SecureString,
    }
}

fn type_from(kind: &service::ParameterType) -> ParameterType {
    match kind {
        service::ParameterType::SecureString => ParameterType::SecureString,
        service::ParameterType::StringList => ParameterType::StringList,
        _ => ParameterType::String,
    }
}

fn moment(at: Option<aws_smithy_types::DateTime>) -> Timestamp {
    let millis = at.and_then(|at| at.to_millis().ok());
    Timestamp::from_millis(millis.unwrap_or_default())
}

fn now() -> Timestamp {
    moment(Some(std::time::SystemTime::now().into()))
}
