//! A clock on tokio's time: with `start_paused`, a week's sleep takes no time.

use std::time::Duration;

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
