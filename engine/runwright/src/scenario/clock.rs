//! A clock that stands still while anything goes on, and then jumps to the next moment somebody waits for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runwright_executor::{limits::LINGER_MS, ports::Clock};
use runwright_model::{
    capability::Request,
    invocation::{Called, Calls},
    log::{Level, Stream},
    time::Timestamp,
};
use tokio::sync::{Notify, oneshot};

/// Moments from here on never come.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX / 2);

/// The clock of one scenario. Its runtime has one thread, and tells it when that has nothing to do.
pub(crate) struct VirtualClock {
    inner: Mutex<Inner>,
    /// Asks for a jump.
    jump: Notify,
    /// Nobody waits for any moment.
    idle: Notify,
}

struct Inner {
    now: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    next: u64,
    /// Plugins that compute, and work on other threads.
    busy: u64,
    /// Who wants to know when nobody waits for any moment.
    idlers: u64,
    /// A jump was asked for.
    jumping: bool,
    /// Grows whenever something begins or ends.
    turn: u64,
}

impl VirtualClock {
    /// Shows this moment.
    pub(crate) fn starting_at(now: Timestamp) -> Arc<Self> {
        let inner = Inner {
            now,
            sleepers: BTreeMap::new(),
            next: 0,
            busy: 0,
            idlers: 0,
            jumping: false,
            turn: 0,
        };
        Arc::new(Self {
            inner: Mutex::new(inner),
            jump: Notify::new(),
            idle: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread has nothing to do: if that is because all wait, time goes on.
    pub(crate) fn parked(&self) {
        let mut inner = self.lock();
        if inner.busy == 0 && !inner.jumping && (!inner.sleepers.is_empty() || inner.idlers > 0) {
            inner.jumping = true;
            self.jump.notify_one();
        }
    }

    /// Jumps whenever that is asked for. `is_active` says whether an execution is in memory: it may still keep records back
    /// for some (real) milliseconds, and whoever acts on them must see them at the moment at which they were made.
    pub(crate) async fn run(self: Arc<Self>, is_active: impl Fn() -> bool) {
        loop {
            self.jump.notified().await;
            let turn = self.lock().turn;
            if is_active() {
                tokio::time::sleep(Duration::from_millis(LINGER_MS + 1)).await;
            }
            self.advance(turn);
        }
    }

    fn advance(&self, turn: u64) {
        let mut inner = self.lock();
        inner.jumping = false;
        if inner.busy > 0 || inner.turn != turn {
            return;
        }
        let Some((moment, _)) = inner.sleepers.keys().next().copied() else {
            self.idle.notify_waiters();
            return;
        };
        inner.now = inner.now.max(moment);
        inner.turn += 1;
        while let Some(entry) = inner.sleepers.first_entry() {
            if entry.key().0 > moment {
                break;
            }
            // Nobody may wait any more.
            let _ = entry.remove().send(());
        }
    }

    /// Time does not go on while this is held.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.count(1);
        Busy(self.clone())
    }

    fn count(&self, by: i64) {
        let mut inner = self.lock();
        inner.busy = inner.busy.saturating_add_signed(by);
        inner.turn += 1;
    }

    /// Returns when nothing goes on and nobody waits for any moment.
    pub(crate) async fn idle(&self) {
        let idler = Idler::new(self);
        self.idle.notified().await;
        drop(idler);
    }
}

#[async_trait::async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    async fn sleep_until(&self, moment: Timestamp) {
        if moment >= NEVER {
            return std::future::pending().await;
        }
        let (sender, receiver) = oneshot::channel();
        let sleeper = {
            let mut inner = self.lock();
            if moment <= inner.now {
                return;
            }
            inner.next += 1;
            inner.turn += 1;
            let key = (moment, inner.next);
            inner.sleepers.insert(key, sender);
            Sleeper { clock: self, key }
        };
        // The clock lives as long as its sleepers.
        let _ = receiver.await;
        drop(sleeper);
    }

    /// Nothing of a scenario is left to chance.
    fn random(&self) -> [u8; 10] {
        [7; 10]
    }
}

/// Whoever stops waiting is waited for no longer.
struct Sleeper<'a> {
    clock: &'a VirtualClock,
    key: (Timestamp, u64),
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.key);
    }
}

struct Idler<'a>(&'a VirtualClock);

impl<'a> Idler<'a> {
    fn new(clock: &'a VirtualClock) -> Self {
        clock.lock().idlers += 1;
        Self(clock)
    }
}

impl Drop for Idler<'_> {
    fn drop(&mut self) {
        self.0.lock().idlers -= 1;
    }
}

/// Something goes on.
pub(crate) struct Busy(Arc<VirtualClock>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.count(-1);
    }
}

/// Something waits in the middle of what goes on.
struct Lull(Arc<VirtualClock>);

impl Drop for Lull {
    fn drop(&mut self) {
        self.0.count(1);
    }
}

/// The calls of a plugin: it computes nothing while one is answered.
pub(crate) struct LullCalls {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) calls: Arc<dyn Calls>,
}

#[async_trait::async_trait]
impl Calls for LullCalls {
    async fn call(&self, request: Request) -> Called {
        self.clock.count(-1);
        let lull = Lull(self.clock.clone());
        let called = self.calls.call(request).await;
        drop(lull);
        called
    }

    fn log(&self, level: Level, stream: Stream, text: &str) {
        self.calls.log(level, stream, text);
    }

    fn now(&self) -> Timestamp {
        self.calls.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_its_runtime<T>(work: impl AsyncFnOnce(Arc<VirtualClock>) -> T) -> T {
        let clock = VirtualClock::starting_at(Timestamp::from_millis(0));
        let parked = clock.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .on_thread_park(move || parked.parked())
            .build()
            .unwrap();
        runtime.block_on(async move {
            tokio::spawn(clock.clone().run(|| false));
            work(clock).await
        })
    }

    #[test]
    fn a_year_takes_no_time_and_the_order_is_that_of_the_moments() {
        const DAY: i64 = 86_400_000;
        let order = in_its_runtime(async |clock| {
            let (sender, mut woken) = tokio::sync::mpsc::unbounded_channel();
            for days in [365, 7, 30] {
                let (clock, sender) = (clock.clone(), sender.clone());
                tokio::spawn(async move {
                    clock.sleep_until(Timestamp::from_millis(days * DAY)).await;
                    sender.send((days, clock.now().as_millis() / DAY)).unwrap();
                });
            }
            drop(sender);
            let mut order = Vec::new();
            while let Some(one) = woken.recv().await {
                order.push(one);
            }
            order
        });
        assert_eq!(order, [(7, 7), (30, 30), (365, 365)]);
    }

    #[test]
    fn time_stands_still_while_something_goes_on() {
        let (during, after) = in_its_runtime(async |clock| {
            let busy = clock.busy();
            let inside = clock.clone();
            let work = tokio::task::spawn_blocking(move || inside.now());
            let sleeper = {
                let clock = clock.clone();
                tokio::spawn(async move { clock.sleep_until(Timestamp::from_millis(5)).await })
            };
            let during = work.await.unwrap();
            drop(busy);
            sleeper.await.unwrap();
            (during.as_millis(), clock.now().as_millis())
        });
        assert_eq!((during, after), (0, 5));
    }

    #[test]
    fn nobody_who_stopped_waiting_is_waited_for() {
        let now = in_its_runtime(async |clock| {
            let long = clock.sleep_until(Timestamp::from_millis(1_000));
            let short = clock.sleep_until(Timestamp::from_millis(10));
            tokio::select! { () = long => {}, () = short => {} }
            clock.idle().await;
            clock.now().as_millis()
        });
        assert_eq!(now, 10);
    }
}
