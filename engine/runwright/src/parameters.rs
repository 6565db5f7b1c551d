//! The parameter store, as programs and the command line use it.

use runwright_model::capability::parameters::{NewValue, Parameter, ParameterType};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Engine, Error,
    call::{Call, ParameterCall},
};

/// A parameter to write.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewParameter {
    /// Its name.
    pub name: String,
    /// What it holds. An existing parameter keeps its type: another one is refused.
    pub parameter_type: ParameterType,
    /// The value.
    pub value: NewValue,
    /// Whether it may exist.
    pub overwrite: bool,
}

/// The parameters of an engine. What a method changed is durable when it answers.
///
/// Its errors are [`Error::Capability`], and those of an engine that cannot be asked.
#[derive(Clone, Copy)]
pub struct Parameters<'a>(pub(crate) &'a Engine);

impl Parameters<'_> {
    /// Reads `name`, `name:version` or `name:label`; a secure one with a placeholder for its value.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad name, `Unavailable` when the store fails.
    pub async fn get(&self, selector: &str) -> Result<Parameter, Error> {
        let selector = selector.to_owned();
        self.ask(ParameterCall::Get { selector }).await
    }

    /// The latest versions of all parameters, or of what stands under a path, sorted by name.
    ///
    /// # Errors
    ///
    /// `LimitExceeded` when too many stand under the path, `Invalid` for a bad path.
    pub async fn list(&self, path: Option<&str>) -> Result<Vec<Parameter>, Error> {
        let path = path.map(str::to_owned);
        self.ask(ParameterCall::List { path }).await
    }

    /// All versions kept, oldest first.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad name.
    pub async fn history(&self, name: &str) -> Result<Vec<Parameter>, Error> {
        let name = name.to_owned();
        self.ask(ParameterCall::History { name }).await
    }

    /// Writes a new version and answers it; a secure one with its placeholder.
    ///
    /// # Errors
    ///
    /// `Invalid` when it exists and may not, when its type would change, or for a bad name or value; `LimitExceeded`
    /// when no more versions can be kept.
    pub async fn put(&self, new: NewParameter) -> Result<Parameter, Error> {
        let key = uuid::Uuid::new_v4().to_string();
        self.ask(ParameterCall::Put { new, key }).await
    }

    /// Moves a label to a version.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a bad label, `LimitExceeded` when the version has too many.
    pub async fn label(&self, name: &str, version: u64, label: &str) -> Result<(), Error> {
        let (name, label) = (name.to_owned(), label.to_owned());
        self.ask(ParameterCall::Label { name, version, label }).await
    }

    /// Deletes a parameter with its versions. Succeeds when it is not there.
    ///
    /// # Errors
    ///
    /// `Invalid` for a bad name.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let name = name.to_owned();
        self.ask(ParameterCall::Delete { name }).await
    }

    /// The value behind a placeholder.
    ///
    /// # Errors
    ///
    /// `Invalid` for a text that is no placeholder, `NotFound` when its version is not kept.
    pub async fn reveal(&self, placeholder: &str) -> Result<Zeroizing<String>, Error> {
        let placeholder = placeholder.to_owned();
        self.ask(ParameterCall::Reveal { placeholder })
            .await
            .map(Zeroizing::new)
    }

    async fn ask<T>(&self, call: ParameterCall) -> Result<T, Error>
    where
        T: TryFrom<crate::call::Answer, Error = Error>,
    {
        self.0.ask(None, Call::Parameter(call)).await
    }
}
