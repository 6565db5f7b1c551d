//! Wakes executions whose time has come.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    actor::{Input, LOOK_AGAIN},
    shared::Shared,
};

/// How many executions are woken at once.
const BATCH: usize = 1_000;

/// Watches the wake-up index until the engine closes. Looks again at least once a second while something
/// is due or a clock might jump; the index is the truth, so a missed notification costs a second at most.
pub(crate) async fn watch(shared: Arc<Shared>) {
    while !shared.closing.load(Ordering::Relaxed) {
        if let Err(error) = wake_due(&shared).await {
            tracing::error!(%error, "the wake-up index cannot be read");
        }
        let look_again = shared.ports.clock.now().after(LOOK_AGAIN);
        let next = match shared.ports.store.next_wake().await {
            Ok(Some(next)) if next > shared.ports.clock.now() => next.min(look_again),
            Ok(_) | Err(_) => look_again,
        };
        tokio::select! {
            () = shared.ports.clock.sleep_until(next) => {}
            () = shared.wake.notified() => {}
        }
    }
}

async fn wake_due(shared: &Arc<Shared>) -> Result<(), runwright_store::Error> {
    let now = shared.ports.clock.now();
    for (_, id) in shared.ports.store.due(now, BATCH).await? {
        if shared.is_driven(&id) && !shared.is_active(&id) {
            shared.send(&id, Input::Look);
        }
    }
    Ok(())
}
