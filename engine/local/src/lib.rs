//! Makes capability calls happen on this machine.
//!
//! [`Local`] is the [`Backend`] of everything that has an effect here: commands, files, HTTP requests,
//! parameters, blobs, and single tries of probes.
//!
//! ```no_run
//! use std::{path::Path, sync::Arc};
//!
//! use runwright_local::{Local, keys::StoreKey, parameters::Put};
//! use runwright_model::capability::parameters::{NewValue, ParameterType};
//!
//! # async fn example(store: Arc<dyn runwright_store::Store>) -> Result<(), Box<dyn std::error::Error>> {
//! let key = StoreKey::load_or_create(Path::new("/var/lib/runwright"))?;
//! let local = Local::new(store, key);
//! let written = local.parameters().put(Put {
//!     name: "/app/db/password",
//!     parameter_type: ParameterType::SecureString,
//!     value: NewValue::Generated(32),
//!     overwrite: false,
//!     idempotency_key: None,
//!     secrets: Default::default(),
//! });
//! assert_eq!(written.await?.value, "((secret:/app/db/password:1))");
//! # Ok(())
//! # }
//! ```
//!
//! # What this crate does not do
//!
//! It decides nothing: whether a call is granted was asked before, and is asked again only for what shows itself on
//! the way (the path behind a link, the next hop of a redirect, what stands under a path of parameters). It journals
//! nothing and waits for nobody: approvals, sleeps, signals and child executions are the engine's own.
//!
//! # Where to start
//!
//! [`Local`], then the module of a capability. `tests/` shows each granted, denied and unknown.

mod account;
pub mod blobs;
mod clock;
pub mod commands;
mod error;
pub mod files;
mod fill;
pub mod http;
pub mod keys;
pub mod parameters;
pub mod probe;
mod target;

use std::{path::Path, sync::Arc};

use runwright_model::{
    capability::{self, Backend, CallContext, Outcome, Request, aws, waits},
    secret::{SecretSource, Secrets},
};
use runwright_store::Store;

pub use crate::error::Error;
use crate::{
    blobs::BlobStore,
    commands::{Commands, Launcher},
    files::Files,
    http::Http,
    keys::StoreKey,
    parameters::ParameterStore,
};

/// The backends of this machine, over one store. Cheap to clone.
#[derive(Clone)]
pub struct Local {
    commands: Commands,
    files: Files,
    http: Http,
    parameters: ParameterStore,
    blobs: BlobStore,
    store: Arc<dyn Store>,
}

impl Local {
    /// Backends that keep blobs and parameters in this store, encrypted under this key. Commands run under this process,
    /// and nobody knows what became of them when it is killed: see [`supervised`](Self::supervised).
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: StoreKey) -> Self {
        let key = Arc::new(key);
        let blobs = BlobStore::new(store.clone(), key.clone());
        Self {
            commands: Commands::new(blobs.clone()),
            files: Files::new(blobs.clone()),
            http: Http::new(),
            parameters: ParameterStore::new(store.clone(), key),
            blobs,
            store,
        }
    }

    /// Starts a supervisor process for each command, so that it outlives the engine: a call that is made again after a
    /// crash attaches to it, or finds how it ended. Its records are in `commands` in this directory, which is the
    /// engine's own.
    #[must_use]
    pub fn supervised(self, launcher: Launcher, state_dir: &Path) -> Self {
        Self {
            commands: self.commands.supervised(launcher, state_dir.join("commands")),
            ..self
        }
    }

    /// Forgets the commands of executions that have ended or are not in the store any more. For whoever has just
    /// opened the store.
    pub async fn sweep(&self) {
        self.commands.sweep(&*self.store).await;
    }

    /// The parameter store.
    #[must_use]
    pub fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }

    /// The blobs.
    #[must_use]
    pub fn blobs(&self) -> &BlobStore {
        &self.blobs
    }
}

#[async_trait::async_trait]
impl Backend for Local {
    async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        let function = request.function();
        let secrets = context.secrets.clone();
        let outcome = match request {
            Request::Commands(request) => self.commands.perform(request, context).await,
            Request::Files(request) => self.files.perform(request, context).await,
            Request::Http(request) => self.http.perform(request, context).await,
            Request::Parameters(request) => self.parameters.perform(request, context).await,
            Request::Blobs(request) => self.blobs.perform(request).await,
            Request::Aws(request) => Err(no_account(&request)),
            Request::Waits(waits::Request::Probe { on, probe, patience }) => {
                self.probe_once(&on, &probe, patience, context).await
            }
            Request::Waits(
                waits::Request::Sleep { .. } | waits::Request::SleepUntil { .. } | waits::Request::Signal { .. },
            )
            | Request::Approvals(_)
            | Request::Executions(_) => Err(not_here(function)),
        };
        outcome.map_err(|error| hidden(error, &secrets))
    }

    async fn stop(&self, request: &Request, context: &CallContext) {
        match request {
            Request::Commands(_) => self.commands.stop(&context.idempotency_key).await,
            Request::Files(_)
            | Request::Http(_)
            | Request::Aws(_)
            | Request::Parameters(_)
            | Request::Approvals(_)
            | Request::Waits(_)
            | Request::Blobs(_)
            | Request::Executions(_) => {}
        }
    }

    fn survives(&self, request: &Request) -> bool {
        match request {
            Request::Commands(_) => self.commands.survive(),
            Request::Files(_)
            | Request::Http(_)
            | Request::Aws(_)
            | Request::Parameters(_)
            | Request::Approvals(_)
            | Request::Waits(_)
            | Request::Blobs(_)
            | Request::Executions(_) => false,
        }
    }

    async fn settled(&self, idempotency_key: &str) {
        self.commands.settled(idempotency_key).await;
    }
}

#[async_trait::async_trait]
impl SecretSource for Local {
    async fn secrets(&self, placeholders: Vec<String>) -> Result<Secrets, capability::Error> {
        self.parameters.secrets(placeholders.iter().map(String::as_str)).await
    }
}

/// An engine with an account has a backend of its own for these.
fn no_account(request: &aws::Request) -> capability::Error {
    let operations = request.operations().join(", ");
    capability::Error::Unavailable(format!(
        "{operations} was not sent: this engine has no access to AWS; start it with `--aws`, and with credentials as \
         the AWS CLI finds them"
    ))
}

fn not_here(function: &str) -> capability::Error {
    capability::Error::Invalid(format!(
        "`{function}` is answered by the engine itself and never reaches a machine"
    ))
}

/// The error with secrets taken out of its message: what a system says may repeat what it was given.
fn hidden(error: capability::Error, secrets: &Secrets) -> capability::Error {
    use capability::Error as E;
    match error {
        E::NotFound(text) => E::NotFound(secrets.redact(&text)),
        E::Invalid(text) => E::Invalid(secrets.redact(&text)),
        E::Throttled(text) => E::Throttled(secrets.redact(&text)),
        E::TimedOut(text) => E::TimedOut(secrets.redact(&text)),
        E::Unavailable(text) => E::Unavailable(secrets.redact(&text)),
        E::Uncertain(text) => E::Uncertain(secrets.redact(&text)),
        same @ (E::Denied { .. } | E::LimitExceeded { .. }) => same,
    }
}
