//! Clocks on tokio's time: with `start_paused`, a week's sleep takes no time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use runwright_executor::ports::Clock;
use runwright_model::time::Timestamp;
use tokio::time::Instant;

/// Begins at a given moment and goes on with tokio's clock.
pub struct TestClock {
    begin: Timestamp,
    since: Instant,
}

impl TestClock {
    /// A clock that shows this moment now.
    #[must_use]
    pub fn starting_at(begin: Timestamp) -> Self {
        Self {
            begin,
            since: Instant::now(),
        }
    }
}

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.begin.after(self.since.elapsed())
    }

    async fn sleep_until(&self, moment: Timestamp) {
        // A year is for ever here, and more overflows the timer.
        let wait = moment.since(self.now()).min(Duration::from_secs(366 * 24 * 3_600));
        tokio::time::sleep(wait).await;
    }

    fn random(&self) -> [u8; 10] {
        [7; 10]
    }
}

/// A clock that people and time servers set, also back. A clone is the same clock.
#[derive(Clone)]
pub struct JumpClock {
    begin: Timestamp,
    since: Instant,
    jumped_ms: Arc<AtomicI64>,
}

impl JumpClock {
    /// A clock that shows this moment now.
    #[must_use]
    pub fn starting_at(begin: Timestamp) -> Self {
        Self {
            begin,
            since: Instant::now(),
            jumped_ms: Arc::default(),
        }
    }

    /// Sets it forward, or back when `ms` is negative.
    pub fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl Clock for JumpClock {
    fn now(&self) -> Timestamp {
        let steady = self.begin.after(self.since.elapsed());
        Timestamp::from_millis(steady.as_millis() + self.jumped_ms.load(Ordering::Relaxed))
    }

    /// Notices a jump within a second, as a real clock does.
    async fn sleep_until(&self, moment: Timestamp) {
        loop {
            let wait = moment.since(self.now());
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait.min(Duration::from_secs(1))).await;
        }
    }

    fn random(&self) -> [u8; 10] {
        [7; 10]
    }
}
