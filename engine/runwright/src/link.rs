//! A handle's way to the store: held by this process, or by another one that is asked.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use runwright_executor::ports::Clock as _;

use crate::{
    Error, Library,
    adapter::SystemClock,
    builder::Options,
    call::{Answer, Asked, Call},
    holder::Holder,
    socket::{
        client::{Client, Refusal},
        place,
        server::Server,
    },
    view::ExecutionRow,
};

/// Between two tries to find the engine or to become it: so many milliseconds at least, and at most so many more. By
/// chance, so that those who wait do not come at the same time.
const AGAIN_MS: u64 = 5;
const AGAIN_MS_MORE: u64 = 40;

/// The way, which may change with every call.
pub(crate) struct Link {
    options: Options,
    library: Library,
    /// Whether another process may hold the store.
    joins: bool,
    /// Locked for moments only. A caller may stop polling a call at any point and make another one: were it waiting for
    /// this lock across an `await`, the lock would be handed to the call that nobody polls, and the other wait for ever.
    role: Mutex<Role>,
    /// Whose turn it is to change the role. Waited for by tasks of [`Link::changing`] alone, which are always polled.
    turn: tokio::sync::Mutex<()>,
}

enum Role {
    /// It is not known who holds the store.
    Open,
    /// This process holds it.
    Holder(Arc<Holder>, Option<Server>),
    /// Another one does.
    Client(Arc<Client>),
    /// The handle was closed.
    Closed,
}

impl Role {
    /// Who is to be asked, if it is known.
    fn whom(&self) -> Result<Option<Whom>, Error> {
        match self {
            Self::Open => Ok(None),
            Self::Holder(holder, _) => Ok(Some(Whom::Holder(holder.clone()))),
            Self::Client(client) => Ok(Some(Whom::Client(client.clone()))),
            Self::Closed => Err(runwright_executor::Error::Closed.into()),
        }
    }
}

/// Who is to be asked.
enum Whom {
    Holder(Arc<Holder>),
    Client(Arc<Client>),
}

impl Link {
    /// Finds its way.
    pub(crate) async fn open(options: Options, library: Library, joins: bool) -> Result<Arc<Self>, Error> {
        let link = Arc::new(Self {
            options,
            library,
            joins,
            role: Mutex::new(Role::Open),
            turn: tokio::sync::Mutex::default(),
        });
        link.whom().await?;
        Ok(link)
    }

    /// The answer to a call, whoever gives it, and however often who was to give it ends before.
    pub(crate) async fn ask(self: &Arc<Self>, by: Option<&str>, call: Call) -> Result<Answer, Error> {
        let watches = matches!(call, Call::Changed { .. });
        let mut asked = Asked {
            call,
            by: by.map(str::to_owned),
            again: false,
        };
        loop {
            let client = match self.whom().await? {
                Whom::Holder(holder) if watches && self.joins && !self.options.drive => {
                    // What happened before this process held the store is known at once, and nothing happens while it
                    // does.
                    if let Some(answer) = holder.answer(&asked, by.unwrap_or_default()).now_or_never() {
                        return answer;
                    }
                    drop(holder);
                    self.wait_for_another().await?;
                    continue;
                }
                Whom::Holder(holder) => return holder.answer(&asked, by.unwrap_or_default()).await,
                Whom::Client(client) => client,
            };
            match client.ask(&asked).await {
                Ok(answered) => return answered,
                Err(Refusal::Final(error)) => return Err(error),
                Err(Refusal::Nobody) => {
                    tracing::info!(holder = client.holder(), "the engine is gone");
                    self.lost(&client);
                    asked.again = true;
                }
            }
        }
    }

    /// Whether executions go on without this process.
    pub(crate) fn has_successor(&self) -> bool {
        match &*self.role() {
            Role::Client(_) => true,
            Role::Holder(_, Some(server)) => server.has_successor(),
            Role::Holder(_, None) | Role::Open | Role::Closed => false,
        }
    }

    /// What stands still when this handle closes: it is under way here, and nobody takes over.
    pub(crate) async fn leaves(&self) -> Result<Vec<ExecutionRow>, Error> {
        let holder = match &*self.role() {
            Role::Holder(_, Some(server)) if server.has_successor() => return Ok(Vec::new()),
            Role::Holder(holder, _) => holder.clone(),
            Role::Open | Role::Client(_) | Role::Closed => return Ok(Vec::new()),
        };
        holder.under_way().await
    }

    /// Lets go of the store, or of the process that holds it.
    pub(crate) async fn close(self: &Arc<Self>) -> Result<(), Error> {
        self.changing(|this| async move {
            let role = this.becomes(Role::Closed);
            let_go(role).await
        })
        .await
    }

    /// Who is to be asked now.
    async fn whom(self: &Arc<Self>) -> Result<Whom, Error> {
        if let Some(whom) = self.role().whom()? {
            return Ok(whom);
        }
        self.changing(|this| async move {
            if let Some(whom) = this.role().whom()? {
                return Ok(whom);
            }
            let found = this.find().await?;
            let whom = found.whom()?;
            this.becomes(found);
            Ok(whom.expect("it was found"))
        })
        .await
    }

    /// Lets go of the store, in which nothing changes while nobody drives it, and returns when an engine holds it, or
    /// has held it meanwhile: what an engine does in a moment is not missed.
    async fn wait_for_another(self: &Arc<Self>) -> Result<(), Error> {
        let before = self
            .changing(|this| async move {
                let before = place::stamp(&this.options.state_dir);
                let holds = matches!(&*this.role(), Role::Holder(..));
                if holds {
                    let_go(this.becomes(Role::Open)).await?;
                }
                Ok(before)
            })
            .await?;
        while !self.changing(|this| async move { this.joined().await }).await? {
            if place::stamp(&self.options.state_dir) != before {
                return Ok(());
            }
            tokio::time::sleep(some_time()).await;
        }
        Ok(())
    }

    /// Whether there is somebody to ask: one try to find another process.
    async fn joined(&self) -> Result<bool, Error> {
        if self.role().whom()?.is_some() {
            return Ok(true);
        }
        match Client::connect(&self.options, self.options.patience).await {
            Ok(client) => {
                self.becomes(Role::Client(Arc::new(client)));
                Ok(true)
            }
            Err(Refusal::Final(error)) => Err(error),
            Err(Refusal::Nobody) => Ok(false),
        }
    }

    fn role(&self) -> MutexGuard<'_, Role> {
        self.role.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes another role; answers the one before.
    fn becomes(&self, role: Role) -> Role {
        std::mem::replace(&mut *self.role(), role)
    }

    /// Does this when it is its turn, in a task of its own: a caller that loses interest must not leave a store half open.
    async fn changing<T: Send + 'static, F: Future<Output = Result<T, Error>> + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Result<T, Error> {
        let this = self.clone();
        let done = tokio::spawn(async move {
            let _turn = this.turn.lock().await;
            work(this.clone()).await
        });
        done.await.expect("it does not panic, and is not called off")
    }

    fn lost(&self, client: &Arc<Client>) {
        let mut role = self.role();
        if matches!(&*role, Role::Client(known) if Arc::ptr_eq(known, client)) {
            *role = Role::Open;
        }
    }

    /// Becomes the holder or a client, whichever is possible first.
    async fn find(&self) -> Result<Role, Error> {
        let began = Instant::now();
        loop {
            let left = self.options.patience.saturating_sub(began.elapsed());
            if self.joins {
                match Client::connect(&self.options, left).await {
                    Ok(client) => return Ok(Role::Client(Arc::new(client))),
                    Err(Refusal::Final(error)) => return Err(error),
                    Err(Refusal::Nobody) => {}
                }
            }
            match self.hold().await {
                Err(Error::Store(runwright_store::Error::InUse { .. })) if self.joins && !left.is_zero() => {}
                held => return held,
            }
            tokio::time::sleep(some_time()).await;
        }
    }

    async fn hold(&self) -> Result<Role, Error> {
        let holder = Arc::new(Holder::open(&self.options, &self.library).await?);
        let listens = self.options.drive && self.options.kept.is_on_disk();
        if !listens {
            return Ok(Role::Holder(holder, None));
        }
        match Server::listen(&self.options.state_dir, holder.clone()) {
            Ok(server) => {
                tracing::info!(directory = %self.options.state_dir.display(), "this process is the engine");
                Ok(Role::Holder(holder, Some(server)))
            }
            Err(error) => {
                Holder::close(holder).await?;
                Err(error)
            }
        }
    }
}

async fn let_go(role: Role) -> Result<(), Error> {
    match role {
        Role::Holder(holder, server) => {
            if let Some(server) = server {
                server.close().await;
            }
            Holder::close(holder).await
        }
        Role::Open | Role::Client(_) | Role::Closed => Ok(()),
    }
}

fn some_time() -> Duration {
    let [chance, ..] = SystemClock.random();
    Duration::from_millis(AGAIN_MS + u64::from(chance) * AGAIN_MS_MORE / u64::from(u8::MAX))
}
