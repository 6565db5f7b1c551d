//! The beginning of an execution: once, whatever is asked twice.

use std::sync::Arc;

use runwright_model::{
    event::{Event, Record, Started},
    id::ExecutionId,
    plan::Plan,
};
use runwright_store::{Append, Durability};

use crate::{Error, actor::ACTIVE, input::Input, shared::Shared, state::State, summary};

/// Begins an execution, or finds it: `true` when it was there already with the same input.
pub(crate) async fn begin(
    shared: &Arc<Shared>,
    id: ExecutionId,
    plan: Arc<Plan>,
    started: Started,
) -> Result<bool, Error> {
    let store = &shared.ports.store;
    if let Some(existing) = existing(shared, &id, &started).await? {
        return Ok(existing);
    }
    shared.plans.keep(&**store, started.plan, &plan).await?;
    let now = shared.ports.clock.now();
    let state = State::begin(id.clone(), plan, started.clone(), now);
    let append = Append {
        execution: id.clone(),
        expected: 0,
        epoch: shared.epoch,
        records: [Record {
            sequence: 0,
            at: now,
            event: Event::Started(started.clone()),
        }]
        .into(),
        summary: summary::of(&state),
        wake: Some(ACTIVE),
        durability: Durability::Durable,
    };
    match store.append(append).await {
        Ok(()) => {
            shared.changes.bump_rested(&id);
            shared.send(&id, Input::Begun(Box::new(state)));
            Ok(false)
        }
        // Somebody was quicker with the same id.
        Err(runwright_store::Error::Conflict { .. }) => Ok(existing(shared, &id, &started)
            .await?
            .expect("a journal that conflicts is there")),
        Err(error) => Err(error.into()),
    }
}

async fn existing(shared: &Arc<Shared>, id: &ExecutionId, wanted: &Started) -> Result<Option<bool>, Error> {
    let Some(first) = shared.ports.store.read(id, 0).await?.into_iter().next() else {
        return Ok(None);
    };
    let Event::Started(found) = first.event else {
        return Err(Error::Journal {
            execution: id.clone(),
            why: "its first record is not `started`".into(),
        });
    };
    if found.plan != wanted.plan {
        return Err(Error::Mismatch {
            id: id.clone(),
            differs: "another runbook",
        });
    }
    if found.request != wanted.request {
        return Err(Error::Mismatch {
            id: id.clone(),
            differs: "other parameters",
        });
    }
    if found.mode != wanted.mode {
        return Err(Error::Mismatch {
            id: id.clone(),
            differs: "another mode",
        });
    }
    Ok(Some(true))
}
