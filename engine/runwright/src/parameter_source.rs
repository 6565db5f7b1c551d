//! Where the engine itself reads and writes parameters: in its store, or, with an account, in Parameter Store.
//!
//! Futures of the service's SDK are deep: they are boxed here, so that those around them stay small.

use runwright_aws::{Aws, parameters as account};
use runwright_local::parameters::{ParameterStore, Put};
use runwright_model::{
    capability::{Error, parameters::Parameter},
    secret::Secrets,
};

use crate::{
    call::{Answer, ParameterCall},
    parameters::NewParameter,
};

/// One of the two.
#[derive(Clone)]
pub(crate) enum ParameterSource {
    /// The engine's own store.
    Machine(ParameterStore),
    /// An account of AWS.
    Account(Aws),
}

impl ParameterSource {
    /// Reads `name`, `name:version` or `name:label`.
    pub(crate) async fn get(&self, selector: &str) -> Result<Parameter, Error> {
        match self {
            Self::Machine(store) => store.get(selector).await,
            Self::Account(aws) => Box::pin(async { aws.parameters().await?.get(selector).await }).await,
        }
    }

    /// Does what a person asks. `again` says that it was asked before, and that the answer was lost.
    pub(crate) async fn answer(&self, call: &ParameterCall, again: bool) -> Result<Answer, Error> {
        match self {
            Self::Machine(store) => on_machine(store, call).await,
            Self::Account(aws) => Box::pin(async { in_account(&aws.parameters().await?, call, again).await }).await,
        }
    }
}

async fn on_machine(store: &ParameterStore, call: &ParameterCall) -> Result<Answer, Error> {
    match call {
        ParameterCall::Get { selector } => Ok(store.get(selector).await?.into()),
        ParameterCall::List { path: Some(path) } => Ok(store.get_by_path(path, true).await?.into()),
        ParameterCall::List { path: None } => Ok(store.list().await?.into()),
        ParameterCall::History { name } => Ok(store.history(name).await?.into()),
        ParameterCall::Put { new, key } => Ok(store.put(put(new, key)).await?.into()),
        ParameterCall::Label { name, version, label } => Ok(store.label(name, *version, label).await?.into()),
        ParameterCall::Delete { name } => Ok(store.delete(name).await?.into()),
        ParameterCall::Reveal { placeholder } => Ok(store.reveal(placeholder).await?.to_string().into()),
    }
}

async fn in_account(store: &account::Parameters, call: &ParameterCall, again: bool) -> Result<Answer, Error> {
    match call {
        ParameterCall::Get { selector } => Ok(store.get(selector).await?.into()),
        ParameterCall::List { path } => {
            let path = path.as_deref().unwrap_or("/");
            Ok(store.get_by_path(path, true).await?.into())
        }
        ParameterCall::History { name } => Ok(store.history(name).await?.into()),
        ParameterCall::Put { new, key } => {
            let put = account::Put {
                name: &new.name,
                parameter_type: new.parameter_type,
                value: new.value.clone(),
                overwrite: new.overwrite,
                idempotency_key: key,
                again,
                secrets: Secrets::default(),
            };
            Ok(store.put(put).await?.into())
        }
        ParameterCall::Label { name, version, label } => Ok(store.label(name, *version, label).await?.into()),
        ParameterCall::Delete { name } => Ok(store.delete(name).await?.into()),
        ParameterCall::Reveal { placeholder } => Ok(store.reveal(placeholder).await?.to_string().into()),
    }
}

fn put<'a>(new: &'a NewParameter, key: &'a str) -> Put<'a> {
    Put {
        name: &new.name,
        parameter_type: new.parameter_type,
        value: new.value.clone(),
        overwrite: new.overwrite,
        idempotency_key: Some(key),
        secrets: Secrets::default(),
    }
}
