//! What the executor needs of the world, made of the other crates.

use std::{sync::Arc, time::Duration};

use runwright_compiler::Severity;
use runwright_executor::ports::{Clock, Prepared, Runbooks};
use runwright_model::{
    event::Started,
    failure::{Failure, FailureKind},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{Library, attachments, bind, parameter_source::ParameterSource, pin::Pin, place::Place};

/// The machine's clock.
pub(crate) struct SystemClock;

/// The longest sleep at once: a clock that was set is noticed after that.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[async_trait::async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, moment: Timestamp) {
        loop {
            let left = moment.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK_AGAIN)).await;
        }
    }

    fn random(&self) -> [u8; 10] {
        let bytes = uuid::Uuid::new_v4().into_bytes();
        let mut random = [0; 10];
        random.copy_from_slice(&bytes[6..]);
        random
    }
}

/// Runbooks of child executions: found where the parent was started.
pub(crate) struct LibraryRunbooks {
    pub(crate) library: Library,
    pub(crate) parameters: ParameterSource,
    pub(crate) pin: Arc<Pin>,
}

#[async_trait::async_trait]
impl Runbooks for LibraryRunbooks {
    async fn prepare(&self, name: &str, parameters: Map<String, Value>, parent: &Started) -> Result<Prepared, Failure> {
        let failed = |why: String| {
            let message = format!("the runbook {name} cannot be started: {why}");
            Failure::new(FailureKind::InvalidInput, message).with_code(runwright_executor::codes::CHILD)
        };
        let runbook = self
            .library
            .runbook_at(name, &Place::of(&parent.globals))
            .await
            .map_err(|error| failed(error.to_string()))?;
        let Some(plan) = runbook.compiled.plan else {
            let first = runbook
                .compiled
                .diagnostics
                .iter()
                .find(|found| found.severity == Severity::Error);
            return Err(failed(first.map_or_else(String::new, |found| {
                format!("line {}: {} ({})", found.span.line, found.message, found.code)
            })));
        };
        crate::outside::check(&plan).map_err(|error| failed(error.to_string()))?;
        let folder = attachments::folder(runbook.path.as_ref());
        attachments::check(&plan, folder, &self.library.shelf).map_err(|error| failed(error.to_string()))?;
        self.library
            .distribution
            .note(&plan)
            .map_err(|error| failed(error.to_string()))?;
        let parameters = bind::parameters(&plan, parameters, &self.parameters)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let plan = Arc::new(plan);
        let pinned = self.pin.components(&plan).await;
        let lacking = pinned.map_err(|error| failed(error.to_string()))?;
        assert!(lacking.is_empty(), "the library has the components of what it compiled");
        Ok(Prepared { plan, parameters })
    }
}
