//! Who makes which capability call happen: this machine, or AWS.

use std::sync::Arc;

use runwright_aws::Aws;
use runwright_local::Local;
use runwright_model::capability::{Backend, CallContext, Outcome, Request};

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
}

#[async_trait::async_trait]
impl Backend for Backends {
    async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        match (request, &self.aws) {
            (Request::Aws(request), Some(aws)) => aws.perform(request, context).await,
            (request, _) => self.local.perform(request, context).await,
        }
    }

    async fn stop(&self, idempotency_key: &str) {
        self.local.stop(idempotency_key).await;
    }

    fn survives(&self, request: &Request) -> bool {
        self.local.survives(request)
    }

    async fn settled(&self, idempotency_key: &str) {
        self.local.settled(idempotency_key).await;
    }
}
