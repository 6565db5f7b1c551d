//! The backend of what happens in an account of AWS: requests to services (`wit/aws.wit`), commands on nodes of Systems
//! Manager, parameters in Parameter Store.
//!
//! [`Aws`] knows where a service is, signs with credentials that stay in here, sends, and tries again while a service
//! answers that there are too many requests. Where the engine itself talks to Systems Manager it uses the service's SDK
//! (`ssm/`).
//!
//! ```no_run
//! # async fn example() -> Result<(), runwright_aws::Error> {
//! let aws = runwright_aws::Aws::from_environment().await?;
//! println!("{} in {}", aws.account().await?, aws.region());
//! # Ok(())
//! # }
//! ```
//!
//! # What this crate does not do
//!
//! It knows nothing of the other services: what a request means is the guest's business. It checks no grant; that was done
//! before. It journals nothing, and writes no credential anywhere: a role that a guest assumes for itself is known to the
//! guest by a text that only this crate understands (`roles.rs`).
//!
//! # Where to start
//!
//! [`Aws`] as a [`Backend`], then `endpoint.rs`, `sign.rs` and `roles.rs`, or `ssm/commands.rs`.

mod config;
mod endpoint;
mod retry;
mod roles;
mod sign;
mod ssm;

use std::{sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use reqwest::Client;
use runwright_model::capability::{
    self, Answer, Backend, CallContext, Error as CallError, Outcome,
    aws::{BODY_BYTES_MAX, Request, Response, TIMEOUT_MS_DEFAULT},
    commands,
};

pub use crate::ssm::parameters;
use crate::{config::Account, roles::Roles};

/// Why there is no access to AWS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody says which region.
    #[error("no region is set for AWS: set AWS_REGION, or `region` in the profile")]
    NoRegion,
    /// There are no credentials.
    #[error(
        "there are no credentials for AWS: {0}; give them as the AWS CLI takes them (AWS_PROFILE, AWS_ACCESS_KEY_ID …)"
    )]
    NoCredentials(String),
    /// No client for HTTP.
    #[error("no request can be sent from this machine: {0}; install its CA certificates")]
    NoClient(String),
    /// The token service did not say who we are.
    #[error("AWS does not say whose credentials these are: {0}")]
    Unknown(String),
}

/// Access to an account of AWS. Cheap to clone.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    account: Account,
    client: Client,
    roles: Roles,
    number: tokio::sync::OnceCell<String>,
    under_way: ssm::commands::UnderWay,
    opened: ssm::parameters::Opened,
}

/// A request that is signed as somebody.
pub(crate) struct Signed<'a> {
    pub(crate) request: &'a Request,
    pub(crate) credentials: &'a Credentials,
}

impl Aws {
    /// Finds region, credentials and endpoints as the AWS CLI does: in variables, in the profile, on the machine. The
    /// credentials themselves are looked for when they are needed, and again when they are over.
    ///
    /// # Errors
    ///
    /// [`Error::NoRegion`], [`Error::NoCredentials`], [`Error::NoClient`].
    pub async fn from_environment() -> Result<Self, Error> {
        let client = runwright_client::client().map_err(Error::NoClient)?;
        let account = Account::load(client.clone()).await?;
        Ok(Self(Arc::new(Inner {
            account,
            client,
            roles: Roles::default(),
            number: tokio::sync::OnceCell::new(),
            under_way: ssm::commands::UnderWay::default(),
            opened: ssm::parameters::Opened::default(),
        })))
    }

    /// The region of requests that name none.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.account.region()
    }

    /// The partition of the region: `aws`, `aws-cn`, `aws-us-gov` and so on.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        endpoint::partition(self.region()).name
    }

    /// The number of the account. Asked of the token service once.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredentials`], [`Error::Unknown`].
    pub async fn account(&self) -> Result<String, Error> {
        let asked = self.0.number.get_or_try_init(|| async {
            let credentials = self.0.account.credentials().await?;
            let request = roles::who_am_i(self.region());
            let signed = Signed {
                request: &request,
                credentials: &credentials,
            };
            let response = self
                .exchange(&signed)
                .await
                .map_err(|error| Error::Unknown(error.to_string()))?;
            let text = String::from_utf8_lossy(&response.body.0).into_owned();
            let number = roles::element(&text, "Account").map(str::to_owned);
            number.ok_or_else(|| Error::Unknown(format!("status {}: {text:.300}", response.status)))
        });
        asked.await.cloned()
    }

    /// Sends a request of a guest.
    async fn request(&self, request: Request, context: &CallContext) -> Outcome {
        if context.again && !request.only_reads() {
            return Err(uncertain(&request));
        }
        let limit = Duration::from_millis(request.timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT));
        let limit = retry::time_left(limit, context.deadline)?;
        let operations = request.operations().join(", ");
        let sent = tokio::time::timeout(limit, self.send(request, context)).await;
        sent.unwrap_or_else(|_| {
            Err(CallError::TimedOut(format!(
                "{operations} was not answered within {:.1} s",
                limit.as_secs_f64()
            )))
        })
        .map(Answer::Aws)
    }

    async fn send(&self, request: Request, context: &CallContext) -> Result<Response, CallError> {
        let size = request.body.0.len() as u64;
        if size > BODY_BYTES_MAX {
            return Err(too_large("aws-request-bytes", size));
        }
        let request = self.complete(request, context)?;
        let credentials = self.credentials(&request, context).await?;
        let signed = Signed {
            request: &request,
            credentials: &credentials,
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let response = self.exchange(&signed).await;
            match retry::pause(attempt, &request, &response) {
                Some(pause) => {
                    tracing::debug!(service = %request.service, attempt, "a service asks for patience");
                    tokio::time::sleep(pause).await;
                }
                None => return response.map(|response| self.0.roles.hide(&request, response)),
            }
        }
    }

    /// With region and secrets filled in.
    fn complete(&self, mut request: Request, context: &CallContext) -> Result<Request, CallError> {
        let named = request
            .region
            .take()
            .filter(|region| !region.is_empty() && region != "aws-global" && region != "local");
        request.region = Some(named.unwrap_or_else(|| self.region().to_owned()));
        for (_, value) in &mut request.headers {
            *value = context.secrets.fill(value);
        }
        if let Ok(text) = std::str::from_utf8(&request.body.0) {
            request.body = context.secrets.fill(text).into_bytes().into();
        }
        Ok(request)
    }

    /// Whose word counts in this execution: that of the runbook's role, else the engine's.
    async fn credentials_of(&self, context: &CallContext) -> Result<Credentials, CallError> {
        let none = |error: Error| CallError::Unavailable(error.to_string());
        let own = self.0.account.credentials().await.map_err(none)?;
        match &context.role {
            Some(role) => {
                let asked = roles::assume(role, &context.execution, self.region())?;
                self.role(&asked, &own).await
            }
            None => Ok(own),
        }
    }

    /// Whose word counts for this request: the role that the guest assumed, else that of the execution.
    async fn credentials(&self, request: &Request, context: &CallContext) -> Result<Credentials, CallError> {
        let base = self.credentials_of(context).await?;
        match &request.credentials {
            None => Ok(base),
            Some(text) => {
                let asked = roles::asked(text, self.region())?;
                // The guest could have made the text up: it may not do by it what it may not do itself.
                context.grants.check_aws(&asked)?;
                self.role(&asked, &base).await
            }
        }
    }

    /// The credentials that this request to the token service gives; those it gave before, while they last.
    async fn role(&self, asked: &Request, base: &Credentials) -> Result<Credentials, CallError> {
        if let Some(known) = self.0.roles.known(asked, base) {
            return Ok(known);
        }
        let response = self
            .exchange(&Signed {
                request: asked,
                credentials: base,
            })
            .await?;
        let given = roles::given(&response)?;
        self.0.roles.keep(asked, base, &given);
        Ok(given)
    }

    /// One request, one answer.
    async fn exchange(&self, signed: &Signed<'_>) -> Result<Response, CallError> {
        let url = endpoint::url(signed.request, &self.0.account)?;
        let request = sign::signed(signed, &url)?;
        let unavailable = |error: reqwest::Error| {
            let host = url.host_str().unwrap_or_default();
            CallError::Unavailable(format!(
                "{} at {host} gave no answer: {}",
                signed.request.service,
                runwright_client::chain(&error)
            ))
        };
        let response = self.0.client.execute(request).await.map_err(unavailable)?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into(),
            )
        });
        let headers = headers.collect();
        let body = whole(response).await?;
        Ok(Response {
            status,
            headers,
            body: body.into(),
        })
    }
}

#[async_trait::async_trait]
impl Backend for Aws {
    async fn perform(&self, request: capability::Request, context: CallContext) -> Outcome {
        use capability::Request as R;
        let function = request.function();
        let outcome = match request {
            R::Aws(request) => self.request(request, &context).await,
            R::Commands(commands::Request::RunDocument { request }) => {
                let ended = self.run_document(request, &context).await;
                ended.map(|end| Answer::Commands(commands::Answer::Document(end)))
            }
            R::Parameters(request) => self.parameter(request, &context).await,
            R::Commands(commands::Request::Run { .. })
            | R::Files(_)
            | R::Http(_)
            | R::Approvals(_)
            | R::Waits(_)
            | R::Blobs(_)
            | R::Executions(_) => Err(CallError::Invalid(format!("`{function}` is nothing that AWS does"))),
        };
        outcome.map_err(|error| hidden(error, &context))
    }

    async fn stop(&self, request: &capability::Request, context: &CallContext) {
        if let capability::Request::Commands(commands::Request::RunDocument { request }) = request {
            self.stop_document(request, context).await;
        }
    }

    /// A command goes on at the service, and its remark says whose it is.
    fn survives(&self, request: &capability::Request) -> bool {
        use capability::Request as R;
        match request {
            R::Commands(_) => true,
            R::Aws(_)
            | R::Parameters(_)
            | R::Files(_)
            | R::Http(_)
            | R::Approvals(_)
            | R::Waits(_)
            | R::Blobs(_)
            | R::Executions(_) => false,
        }
    }
}

/// A body, if it is not too long.
async fn whole(mut response: reqwest::Response) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    let broken = |error: reqwest::Error| {
        CallError::Unavailable(format!("an answer broke off: {}", runwright_client::chain(&error)))
    };
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        let used = (body.len() + chunk.len()) as u64;
        if used > BODY_BYTES_MAX {
            return Err(too_large("aws-answer-bytes", used));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn too_large(which: &str, used: u64) -> CallError {
    CallError::LimitExceeded {
        which: which.into(),
        limit: BODY_BYTES_MAX,
        used,
    }
}

fn uncertain(request: &Request) -> CallError {
    CallError::Uncertain(format!(
        "{} was on its way when the engine stopped, and nobody knows whether the service did it: look there, then repair \
         the step or repeat it",
        request.operations().join(", ")
    ))
}

/// The error with secrets taken out of its message.
fn hidden(error: CallError, context: &CallContext) -> CallError {
    use CallError as E;
    let redact = |text: String| context.secrets.redact(&text);
    match error {
        E::NotFound(text) => E::NotFound(redact(text)),
        E::Invalid(text) => E::Invalid(redact(text)),
        E::Throttled(text) => E::Throttled(redact(text)),
        E::TimedOut(text) => E::TimedOut(redact(text)),
        E::Unavailable(text) => E::Unavailable(redact(text)),
        E::Uncertain(text) => E::Uncertain(redact(text)),
        same @ (E::Denied { .. } | E::LimitExceeded { .. }) => same,
    }
}
