//! Region, endpoints and credentials, as the AWS CLI finds them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use reqwest::Client;
use runwright_client::chain;

use crate::Error;

/// Credentials that end sooner than this are fetched anew.
pub(crate) const FRESH_FOR: Duration = Duration::from_secs(300);
/// Sets another endpoint for every service, and with a service's name behind it for one.
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL";

/// Who the engine is for AWS.
pub(crate) struct Account {
    config: SdkConfig,
    region: String,
    /// Endpoints of single services, by the name that they sign with.
    endpoints: HashMap<String, String>,
    known: Mutex<Option<Credentials>>,
}

impl Account {
    pub(crate) async fn load(client: Client) -> Result<Self, Error> {
        let connector = SharedHttpConnector::new(Connector(client));
        let http = http_client_fn(move |_, _| connector.clone());
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .load()
            .await;
        let region = config.region().map(ToString::to_string).ok_or(Error::NoRegion)?;
        let account = Self {
            config,
            region,
            endpoints: endpoints(std::env::vars()),
            known: Mutex::default(),
        };
        account.credentials().await?;
        Ok(account)
    }

    /// What an SDK needs to know.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint that the operator has set for a service, if it is another than the service's own.
    pub(crate) fn endpoint(&self, service: &str) -> Option<&str> {
        self.endpoints
            .get(service)
            .map(String::as_str)
            .or(self.config.endpoint_url())
    }

    /// The engine's own credentials.
    pub(crate) async fn credentials(&self) -> Result<Credentials, Error> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(is_fresh) {
            return Ok(known);
        }
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| Error::NoCredentials("no place to look is left".into()))?;
        let found = provider.provide_credentials().await;
        let found = found.map_err(|error| Error::NoCredentials(chain(&error)))?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }
}

/// Whether credentials last long enough for a request with its retries.
pub(crate) fn is_fresh(credentials: &Credentials) -> bool {
    credentials
        .expiry()
        .is_none_or(|end| end > SystemTime::now() + FRESH_FOR)
}

/// `AWS_ENDPOINT_URL_CODE_BUILD` is that of `code-build`, and of `codebuild`.
fn endpoints(variables: impl Iterator<Item = (String, String)>) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for (name, value) in variables.filter(|(_, value)| !value.is_empty()) {
        let Some(service) = name
            .strip_prefix(ENDPOINT_VARIABLE)
            .and_then(|rest| rest.strip_prefix('_'))
        else {
            continue;
        };
        let service = service.to_ascii_lowercase();
        found.insert(service.replace('_', "-"), value.clone());
        found.insert(service.replace('_', ""), value);
    }
    found
}

/// The way of aws-config to the network, for machine roles: ours, so that there is one TLS and one client.
#[derive(Debug, Clone)]
struct Connector(Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let other = |error: reqwest::Error| ConnectorError::io(error.into());
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?
                .map(|body| body.bytes().map(<[u8]>::to_vec).unwrap_or_default());
            let request = reqwest::Request::try_from(request).map_err(other)?;
            let response = client.execute(request).await.map_err(other)?;
            let mut made = http::Response::builder().status(response.status());
            for (name, value) in response.headers() {
                made = made.header(name, value);
            }
            let body = SdkBody::from(response.bytes().await.map_err(other)?.to_vec());
            let made = made
                .body(body)
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            HttpResponse::try_from(made).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_services_have_endpoints_of_their_own() {
        let variables = [
            ("AWS_ENDPOINT_URL_S3", "http://a"),
            ("AWS_ENDPOINT_URL", "http://b"),
            ("AWS_ENDPOINT_URL_EC2", ""),
        ];
        let found = endpoints(
            variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter(),
        );
        assert_eq!(found, HashMap::from([("s3".to_owned(), "http://a".to_owned())]));
    }
}
