//! `wit/step.wit`: what a step knows of itself. Needs no grant, and is no call.

use runwright_model::{
    digest::Digest,
    failure::{Failure, FailureKind},
};

use crate::{
    bindings::step,
    codes,
    state::{Ended, State},
};

impl step::Host for State {
    async fn action(&mut self) -> wasmtime::Result<String> {
        Ok(self.step.action.clone())
    }

    async fn globals(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.step.globals.clone())
    }

    async fn attachment(&mut self, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let Some(digest) = self.step.attachments.get(&name).copied() else {
            return Ok(None);
        };
        let bytes = match &self.step.components {
            Some(components) => components.bytes(&digest).await,
            None => None,
        };
        match bytes.filter(|bytes| Digest::of(bytes) == digest) {
            Some(bytes) => Ok(Some(bytes)),
            None => {
                let message = format!(
                    "The attachment `{name}` ({digest}) is not in the store. Put it beside the runbook, and start an \
                     execution of it: what was lost is kept again then."
                );
                let lost = Failure::new(FailureKind::Internal, message).with_code(codes::ATTACHMENT);
                Err(self.end(Ended::Failed(lost)))
            }
        }
    }
}
