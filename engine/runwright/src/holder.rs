//! The store and what works over it, in the one process that holds them.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use runwright_aws::Aws;
use runwright_executor::{Executor, Ports};
use runwright_local::{Local, keys::StoreKey};
use runwright_store::{Store, memory::MemoryStore, sled::SledStore};

use crate::{
    Error, Library,
    adapter::{LibraryRunbooks, SystemClock},
    backends::Backends,
    builder::{Kept, Options},
    guard::Guard,
    parameter_source::ParameterSource,
    pin::Pin,
    shelf::Shelf,
    view::ExecutionRow,
};

/// The longest wait for tasks that were told to end and still have the store.
const RELEASE_WAIT: Duration = Duration::from_secs(5);

/// Holds the store, and answers calls (`answer.rs`).
pub(crate) struct Holder {
    pub(crate) executor: Executor,
    pub(crate) parameters: ParameterSource,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) pin: Arc<Pin>,
    /// Access to AWS, if the engine has it.
    pub(crate) aws: Option<Aws>,
    shelf: Shelf,
    /// How many have the store without this holder.
    lent: usize,
    /// Clears away what executions that are over left of their commands.
    sweeping: tokio::task::JoinHandle<()>,
}

impl Holder {
    /// Opens the store and claims it.
    pub(crate) async fn open(options: &Options, library: &Library) -> Result<Self, Error> {
        let policy = crate::policy::load(&options.state_dir, options.policy.clone())?.policy;
        let aws = if options.aws {
            Some(Aws::from_environment().await?)
        } else {
            None
        };
        let store = open_store(options).await?;
        let lent = Arc::strong_count(&store) - 1;
        let local = local(options, store.clone())?;
        let parameters = match &aws {
            Some(aws) => ParameterSource::Account(aws.clone()),
            None => ParameterSource::Machine(local.parameters().clone()),
        };
        let backends = Backends::new(local.clone(), aws.clone());
        let pin = Arc::new(Pin::new(store.clone(), library.shelf.clone()));
        let runbooks = LibraryRunbooks {
            library: library.clone(),
            parameters: parameters.clone(),
            pin: pin.clone(),
        };
        let ports = Ports {
            store: store.clone(),
            invoker: Arc::new(Guard::new(library)),
            backend: backends.clone(),
            secrets: backends,
            clock: Arc::new(SystemClock),
            runbooks: Arc::new(runbooks),
            policy,
        };
        library.shelf.attach(Some(store.clone()));
        let sweeping = local.clone();
        let sweeping = tokio::spawn(async move { sweeping.sweep().await });
        let executor = if options.drive {
            Executor::open(ports).await?
        } else {
            Executor::at_rest(ports).await?
        };
        Ok(Self {
            executor,
            parameters,
            store,
            pin,
            aws,
            shelf: library.shelf.clone(),
            lent,
            sweeping,
        })
    }

    /// What is under way here and not done when the holder closes, without children.
    pub(crate) async fn under_way(&self) -> Result<Vec<ExecutionRow>, Error> {
        let mut rows = Vec::new();
        for id in self.executor.active() {
            if let Some(head) = self.store.head(&id).await?
                && head.summary.parent.is_none()
                && !head.summary.status.is_final()
            {
                rows.push(crate::show::row(id, head.summary));
            }
        }
        Ok(rows)
    }

    /// Stops what is running (it goes on with a resume), makes everything durable, and returns when the store is free
    /// for others.
    pub(crate) async fn close(this: Arc<Self>) -> Result<(), Error> {
        this.sweeping.abort();
        let closed = this.executor.close().await;
        this.shelf.attach(None);
        let store = Arc::downgrade(&this.store);
        let lent = this.lent;
        drop(this);
        released(&store, lent).await;
        Ok(closed?)
    }
}

/// The backends of this machine.
fn local(options: &Options, store: Arc<dyn Store>) -> Result<Local, Error> {
    let local = Local::new(store, StoreKey::load_or_create(&options.state_dir)?);
    // Records that outlive the journal would be taken for those of other executions.
    let outlived = matches!(options.kept, Kept::InMemory);
    let Some(launcher) = options.launcher.clone().filter(|_| !outlived) else {
        return Ok(local);
    };
    let state_dir = std::path::absolute(&options.state_dir).map_err(runwright_local::Error::StateDir)?;
    Ok(local.supervised(launcher, &state_dir))
}

async fn open_store(options: &Options) -> Result<Arc<dyn Store>, Error> {
    match &options.kept {
        Kept::InMemory => return Ok(Arc::new(MemoryStore::new())),
        Kept::In(store) => return Ok(store.clone()),
        Kept::OnDisk => {}
    }
    let directory = options.state_dir.clone();
    let opened = tokio::task::spawn_blocking(move || SledStore::open(directory, Default::default()));
    let store = opened
        .await
        .expect("opening a store does not panic, and is not called off")?;
    Ok(Arc::new(store))
}

/// Returns when nobody has the store any more, but those who lent it. A task that was told to end lets go of it the next
/// time it is looked at.
async fn released(store: &Weak<dyn Store>, lent: usize) {
    let patience = tokio::time::Instant::now() + RELEASE_WAIT;
    while store.strong_count() > lent {
        if tokio::time::Instant::now() > patience {
            tracing::warn!("something that was stopped still holds the store; it is free when this process ends");
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
