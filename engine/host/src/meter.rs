//! How long a guest has been running, without the time it waited.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Adds up the time spent inside polls of a guest's future. While a guest awaits an answer its future is not
/// polled, so waiting costs it nothing. Time for which the machine ran something else during a poll counts.
#[derive(Debug, Clone)]
pub(crate) struct Meter(Arc<Times>);

#[derive(Debug)]
struct Times {
    origin: Instant,
    /// Nanoseconds in finished polls.
    spent: AtomicU64,
    /// When the current poll began, in nanoseconds from the origin.
    entered: AtomicU64,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Times {
            origin: Instant::now(),
            spent: AtomicU64::new(0),
            entered: AtomicU64::new(0),
        }))
    }

    /// Runs a future and counts its time.
    pub(crate) async fn count<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|context| {
            self.0.entered.store(self.elapsed(), Relaxed);
            let polled = future.as_mut().poll(context);
            let spent = self.elapsed().saturating_sub(self.0.entered.load(Relaxed));
            self.0.spent.fetch_add(spent, Relaxed);
            polled
        })
        .await
    }

    /// The time counted so far. Only meaningful from inside the counted future.
    pub(crate) fn running(&self) -> Duration {
        let current = self.elapsed().saturating_sub(self.0.entered.load(Relaxed));
        Duration::from_nanos(self.0.spent.load(Relaxed).saturating_add(current))
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.0.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_does_not_count() {
        let meter = Meter::new();
        let inside = meter.clone();
        let (running, waited) = meter
            .count(async move {
                let start = Instant::now();
                tokio::time::sleep(Duration::from_millis(30)).await;
                let busy = Instant::now();
                while busy.elapsed() < Duration::from_millis(5) {}
                (inside.running(), start.elapsed())
            })
            .await;
        assert!(running >= Duration::from_millis(5), "{running:?}");
        assert!(
            running + Duration::from_millis(20) < waited,
            "{running:?} of {waited:?}"
        );
    }
}
