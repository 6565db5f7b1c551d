//! One engine process: it can be killed, and then nothing of it ever happens again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use runwright_executor::ports::Clock;
use runwright_model::{
    invocation::{Calls, Invocation, Invoked, Invoker},
    time::Timestamp,
};
use runwright_testkit::{JumpClock, Plugins};

/// Whether an engine process lives, and its number.
#[derive(Default)]
pub(crate) struct Life {
    number: u32,
    dead: AtomicBool,
    store_closed: AtomicBool,
}

impl Life {
    pub(crate) fn new(number: u32) -> Arc<Self> {
        Arc::new(Self {
            number,
            ..Self::default()
        })
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn close_store(&self) {
        self.store_closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.store_closed.load(Ordering::Relaxed)
    }

    /// Every way out of the process leads through here: a dead one never comes out again.
    pub(crate) async fn gate(&self) {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }
}

/// The clock as this process sees it.
pub(crate) struct LifeClock(pub(crate) Arc<Life>, pub(crate) JumpClock);

#[async_trait::async_trait]
impl Clock for LifeClock {
    fn now(&self) -> Timestamp {
        self.1.now()
    }

    async fn sleep_until(&self, moment: Timestamp) {
        self.0.gate().await;
        self.1.sleep_until(moment).await;
        self.0.gate().await;
    }

    fn random(&self) -> [u8; 10] {
        self.1.random()
    }
}

/// The plugins as this process calls them.
pub(crate) struct LifePlugins(pub(crate) Arc<Life>, pub(crate) Plugins);

#[async_trait::async_trait]
impl Invoker for LifePlugins {
    async fn invoke(&self, invocation: Invocation, calls: Arc<dyn Calls>) -> Invoked {
        self.0.gate().await;
        let invoked = self.1.invoke(invocation, calls).await;
        self.0.gate().await;
        invoked
    }
}
