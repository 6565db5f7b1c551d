//! Who makes which capability call happen: this machine, or AWS.

use std::sync::Arc;

use runwright_aws::Aws;
use runwright_local::Local;
use runwright_model::{
    capability::{Backend, CallContext, Error, Outcome, Request, commands},
    secret::{SecretSource, Secrets},
};

/// The backends of this engine.
pub(crate) struct Backends {
    local: Local,
    aws: Option<Aws>,
}

impl Backends {
    /// Without AWS, its requests are answered by the machine: that it cannot.
    pub(crate) fn new(local: Local, aws: Option<Aws>) -> Arc<Self> {
        Arc::new(Self { local, aws })
    }

    fn of(&self, request: &Request) -> &dyn Backend {
        match (request, &self.aws) {
            (
                Request::Aws(_) | Request::Parameters(_) | Request::Commands(commands::Request::RunDocument { .. }),
                Some(aws),
            ) => aws,
            _ => &self.local,
        }
    }
}

#[async_trait::async_trait]
impl Backend for Backends {
    async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        self.of(&request).perform(request, context).await
    }

    async fn stop(&self, request: &Request, context: &CallContext) {
        self.of(request).stop(request, context).await;
    }

    fn survives(&self, request: &Request) -> bool {
        self.of(request).survives(request)
    }

    async fn settled(&self, idempotency_key: &str) {
        self.local.settled(idempotency_key).await;
    }
}

/// With an account, its Parameter Store has the secrets, and this machine has none.
#[async_trait::async_trait]
impl SecretSource for Backends {
    async fn secrets(&self, placeholders: Vec<String>) -> Result<Secrets, Error> {
        match &self.aws {
            Some(aws) => aws.secrets(placeholders).await,
            None => SecretSource::secrets(&self.local, placeholders).await,
        }
    }
}
