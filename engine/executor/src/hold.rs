//! Holds on a runbook or on everything: kept in the store, obeyed by every execution that wakes. And the hold of a paused
//! execution on its children.
//!
//! A hold touches no journal by itself. An execution that would go on pauses itself when it finds one, so that a
//! hold costs nothing for a million executions that wait; its release looks for those that did.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use runwright_model::{
    event::{Event, Hold, Pause},
    id::ExecutionId,
    status::Status,
    time::Timestamp,
};
use runwright_store::{Durability, Expect, Page, Store, Table};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    actor::Actor,
    input::{Ask, Input},
    limits,
    shared::Shared,
};

const PREFIX: &[u8] = b"hold/";
/// Executions looked at together when a hold is released.
const PAGE: usize = 1_000;

/// A hold that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What is held.
    pub hold: Hold,
    /// Who holds it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// The holds in force.
#[derive(Default)]
pub(crate) struct Holds(Mutex<BTreeMap<Hold, Held>>);

impl Holds {
    /// Those in the store.
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, Error> {
        let mut holds = BTreeMap::new();
        for (key, value) in store.scan(Table::Settings, PREFIX, None, 0).await? {
            match serde_json::from_slice::<Held>(&value) {
                Ok(held) => drop(holds.insert(held.hold.clone(), held)),
                // What cannot be read must not let through what somebody wanted held.
                Err(error) => {
                    let key = String::from_utf8_lossy(&key);
                    return Err(Error::State(format!("the store's entry `{key}` is damaged: {error}")));
                }
            }
        }
        Ok(Self(Mutex::new(holds)))
    }

    /// The pause an execution of this runbook must take.
    pub(crate) fn on(&self, runbook: &str) -> Option<Pause> {
        let holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let everything = holds.get(&Hold::Everything);
        let held = everything.or_else(|| {
            let of = |hold: &Hold| matches!(hold, Hold::Runbook(name) if name == runbook);
            holds.iter().find(|(hold, _)| of(hold)).map(|(_, held)| held)
        })?;
        Some(Pause {
            by: held.by.clone(),
            reason: held.reason.clone(),
            hold: Some(held.hold.clone()),
        })
    }

    pub(crate) fn all(&self) -> Vec<Held> {
        let holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds.values().cloned().collect()
    }

    fn insert(&self, held: Held) {
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds.insert(held.hold.clone(), held);
    }

    fn remove(&self, hold: &Hold) -> bool {
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds.remove(hold).is_some()
    }
}

fn key(hold: &Hold) -> Vec<u8> {
    match hold {
        Hold::Everything => b"hold/everything".to_vec(),
        Hold::Runbook(name) => format!("hold/runbook/{name}").into_bytes(),
        Hold::Parent => b"hold/parent".to_vec(),
    }
}

impl Actor {
    /// Pauses when a hold on the runbook or on everything says so.
    pub(crate) async fn obey_holds(&mut self) -> Result<(), Error> {
        let free = self.may_be_held();
        match self.shared.holds.on(&self.state.started.runbook).filter(|_| free) {
            Some(pause) => self.append_some(vec![Event::Paused(pause)], Durability::Buffered).await,
            None => Ok(()),
        }
    }

    /// Pauses when the execution that waits for it is paused, and goes on when that is so no more: a crash may have kept
    /// the parent from telling.
    pub(crate) async fn obey_parent(&mut self) -> Result<(), Error> {
        let held = self.state.paused.as_ref().map(|pause| pause.hold == Some(Hold::Parent));
        let Some(parent) = self.state.started.parent.clone() else {
            return Ok(());
        };
        if !(held == Some(true) || self.may_be_held()) {
            return Ok(());
        }
        let head = self.shared.ports.store.head(&parent.execution).await?;
        let pause = match head.filter(|head| head.summary.status == Status::Paused) {
            Some(_) => {
                let state = self.shared.load(&parent.execution).await?;
                let waits = state.open_calls(parent.of).is_some();
                state.paused.filter(|_| waits)
            }
            None => None,
        };
        let event = match (pause, held) {
            (Some(pause), None) => Event::Paused(Pause {
                hold: Some(Hold::Parent),
                ..pause
            }),
            (None, Some(_)) => Event::Unpaused {
                by: parent.execution.to_string(),
            },
            (Some(_), Some(_)) | (None, None) => return Ok(()),
        };
        self.append(vec![event], Durability::Buffered).await.map(|_| ())
    }

    fn may_be_held(&self) -> bool {
        self.state.ended.is_none() && self.state.cancel.is_none() && self.state.paused.is_none()
    }
}

/// When a held execution looks again by itself. One that is held with its parent does: the parent may have given up the
/// step that started it, and died before it said so.
pub(crate) fn look_again(pause: &Pause, last_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let every = Duration::from_millis(limits::HELD_LOOK_MS);
    let looks = now.since(last_at).as_millis() / every.as_millis();
    let next = u32::try_from(looks + 1).unwrap_or(u32::MAX);
    (pause.hold == Some(Hold::Parent)).then(|| last_at.after(every.saturating_mul(next)))
}

/// Holds, durably, and tells those that are in memory.
pub(crate) async fn set(shared: &Arc<Shared>, hold: Hold, by: String, reason: Option<String>) -> Result<(), Error> {
    if hold == Hold::Parent {
        return Err(Error::State("children are held by pausing their parent".into()));
    }
    let held = Held {
        hold: hold.clone(),
        by,
        reason,
        since: shared.ports.clock.now(),
    };
    let value = serde_json::to_vec(&held).expect("a hold serialises");
    let store = &shared.ports.store;
    store.put(Table::Settings, &key(&hold), value, Expect::Any).await?;
    store.sync().await?;
    shared.holds.insert(held);
    for id in shared.active() {
        shared.send(&id, Input::Look);
    }
    Ok(())
}

/// Releases a hold, and lets those go on that it stopped. Answers how many that were.
pub(crate) async fn release(shared: &Arc<Shared>, hold: &Hold, by: &str) -> Result<usize, Error> {
    if !shared.holds.remove(hold) {
        return Err(Error::State(format!("{hold} is not held.")));
    }
    let store = &shared.ports.store;
    store.delete(Table::Settings, &key(hold)).await?;
    store.sync().await?;
    let paused = paused(&**store).await?;
    for id in &paused {
        let (reply, _) = tokio::sync::oneshot::channel();
        shared.send(
            id,
            Input::Asked {
                ask: Box::new(Ask::Unpause {
                    by: by.to_owned(),
                    hold: Some(hold.clone()),
                }),
                reply,
            },
        );
    }
    Ok(paused.len())
}

async fn paused(store: &dyn Store) -> Result<Vec<ExecutionId>, Error> {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = Page {
            before,
            most: PAGE,
            statuses: vec![Status::Paused],
        };
        let rows = store.list(page).await?;
        before = rows.last().map(|(id, _)| id.clone());
        let full = rows.len() == PAGE;
        found.extend(rows.into_iter().map(|(id, _)| id));
        if !full {
            return Ok(found);
        }
    }
}
