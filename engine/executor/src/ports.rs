//! What the executor needs of the world, beside a [`runwright_store::Store`].

use std::sync::Arc;

use runwright_model::{event::Started, failure::Failure, plan::Plan, time::Timestamp};
use serde_json::{Map, Value};

/// The time, and chance.
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// What time it is. May jump, in both directions.
    fn now(&self) -> Timestamp;

    /// Returns when it is this moment or later. Notices clock jumps within a second or so.
    async fn sleep_until(&self, moment: Timestamp);

    /// Fresh random bytes.
    fn random(&self) -> [u8; 10];
}

/// A runbook ready to run.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Its parameters, checked, with defaults filled in.
    pub parameters: Map<String, Value>,
}

/// Finds runbooks by name, for child executions.
#[async_trait::async_trait]
pub trait Runbooks: Send + Sync {
    /// The runbook of this name with these parameters, as an execution that began so names it.
    async fn prepare(&self, name: &str, parameters: Map<String, Value>, parent: &Started) -> Result<Prepared, Failure>;
}
