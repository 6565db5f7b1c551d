//! Wakes executions whose time has come, those among them that a process left in the middle.
//!
//! The index in the store is the truth. An execution that goes on in this process stands there as due all the time,
//! so a look costs as much as there are of them: it is made once a second, and when something falls due that came to
//! rest in this process.

use std::sync::{Arc, atomic::Ordering};

use runwright_model::time::Timestamp;

use crate::{actor::LOOK_AGAIN, input::Input, shared::Shared};

/// How many executions that do not go on are woken at once, at most.
const BATCH: usize = 4_000;
/// How many at first: what is woken together is loaded together before the first of it moves.
const FIRST: usize = 50;
/// How many times as many are woken each time, while there are more.
const GROWTH: usize = 4;

/// Watches the wake-up index until the engine closes.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let mut batch = FIRST;
    while !shared.closing.load(Ordering::Relaxed) {
        shared.next_rest.store(i64::MAX, Ordering::Relaxed);
        let woken = wake_due(&shared, batch).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the wake-up index cannot be read");
            0
        });
        if woken < batch {
            rest(&shared).await;
            batch = FIRST;
        } else {
            tokio::task::yield_now().await;
            batch = BATCH.min(batch * GROWTH);
        }
    }
}

/// Wakes at least `batch` of those that are due and do not go on, if there are so many; answers how many.
async fn wake_due(shared: &Arc<Shared>, batch: usize) -> Result<usize, runwright_store::Error> {
    let now = shared.ports.clock.now();
    // Those that go on or cannot stand among them.
    let most = batch + shared.not_to_wake();
    let mut woken = 0;
    for (_, id) in shared.ports.store.due(now, most).await? {
        if !shared.is_active(&id) && shared.why_stopped(&id).is_none() {
            shared.send(&id, Input::Look);
            woken += 1;
        }
    }
    Ok(woken)
}

/// Returns when it is time to look again: after a second at the latest, whatever the clock is set to meanwhile.
async fn rest(shared: &Shared) {
    let clock = &shared.ports.clock;
    let indexed = match shared.ports.store.next_wake().await {
        Ok(Some(next)) if next > clock.now() => next,
        Ok(_) | Err(_) => Timestamp::from_millis(i64::MAX),
    };
    let look_again = tokio::time::sleep(LOOK_AGAIN);
    tokio::pin!(look_again);
    while !shared.closing.load(Ordering::Relaxed) {
        let rested = Timestamp::from_millis(shared.next_rest.load(Ordering::Relaxed));
        tokio::select! {
            biased;
            () = &mut look_again => return,
            () = clock.sleep_until(indexed.min(rested)) => return,
            () = shared.wake.notified() => {}
        }
    }
}
