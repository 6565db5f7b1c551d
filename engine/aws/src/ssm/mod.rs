//! Systems Manager, through its SDK: commands on managed nodes, and parameters.
//!
//! The SDK has its own retries, which are right for whatever may be asked twice. SendCommand may not: it has no token by
//! which the service would know it again, so `commands` sends it itself, once.

pub(crate) mod commands;
pub mod parameters;
mod request;

use aws_credential_types::Credentials;
use aws_sdk_ssm::{
    Client,
    config::{Builder, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
};
use runwright_model::capability::Error;

use crate::{Aws, retry};

/// The most characters of a service's message in ours.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// A client with these credentials. Cheap enough to be made for each call: nothing is connected by it.
pub(crate) fn client(aws: &Aws, credentials: Credentials) -> Client {
    with_retries(
        aws,
        credentials,
        RetryConfig::standard().with_max_attempts(retry::ATTEMPTS_MAX),
    )
}

/// The same, which sends each request once.
fn client_that_asks_once(aws: &Aws, credentials: Credentials) -> Client {
    with_retries(aws, credentials, RetryConfig::disabled())
}

fn with_retries(aws: &Aws, credentials: Credentials, retries: RetryConfig) -> Client {
    let account = &aws.0.account;
    let mut config = Builder::from(account.config())
        .region(Region::new(aws.region().to_owned()))
        .credentials_provider(credentials)
        .retry_config(retries);
    if let Some(endpoint) = account.endpoint("ssm") {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

/// What became of a request that did not succeed. `what` says what was asked, as in "reading the parameter `/x`".
pub(crate) fn refused<E, R>(what: &str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let Some(service) = error.as_service_error() else {
        return Error::Unavailable(format!(
            "{what}: Systems Manager gave no answer: {}",
            runwright_client::chain(error)
        ));
    };
    let code = service.code().unwrap_or("an error without a code");
    let message: String = service
        .message()
        .unwrap_or_default()
        .chars()
        .take(MESSAGE_CHARS_MAX)
        .collect();
    let text = format!("{what}: {code}: {message}");
    match code {
        "ParameterNotFound" | "ParameterVersionNotFound" | "InvalidDocument" | "InvalidInstanceId" => {
            Error::NotFound(text)
        }
        "InternalServerError" | "InternalFailure" | "ServiceUnavailable" => Error::Unavailable(text),
        "ParameterVersionLabelLimitExceeded" => exceeded("parameter-labels", parameters::LABELS_MAX),
        "ParameterMaxVersionLimitExceeded" => exceeded("parameter-versions", parameters::VERSIONS_MAX),
        "TooManyUpdates" => Error::Throttled(text),
        code if retry::is_throttling(code) => Error::Throttled(text),
        _ => Error::Invalid(text),
    }
}

fn exceeded(which: &str, limit: u64) -> Error {
    Error::LimitExceeded {
        which: which.to_owned(),
        limit,
        used: limit + 1,
    }
}
