//! Plans in memory, by content: ten thousand executions of one runbook read it once.

use std::sync::{Arc, Mutex, PoisonError};

use runwright_model::{digest::Digest, plan::Plan};
use runwright_store::{Expect, Store, Table};

/// How many plans stay in memory.
const PLANS_MAX: usize = 16;

/// The plans that were used last, the latest at the end.
#[derive(Default)]
pub(crate) struct Plans(Mutex<Vec<Kept>>);

#[derive(Clone)]
struct Kept {
    digest: Digest,
    plan: Arc<Plan>,
    /// As it lies in the store.
    bytes: Arc<Vec<u8>>,
}

impl Plans {
    /// Puts a plan into the store, unless it is there.
    pub(crate) async fn keep(
        &self,
        store: &dyn Store,
        digest: Digest,
        plan: &Arc<Plan>,
    ) -> Result<(), runwright_store::Error> {
        let kept = self.find(&digest).unwrap_or_else(|| {
            let bytes = serde_json::to_vec(&**plan).expect("a plan serialises");
            self.add(digest, plan.clone(), bytes)
        });
        // Also when it was there before: nobody says what was collected meanwhile.
        store
            .put(Table::Plans, digest.as_bytes(), kept.bytes.to_vec(), Expect::Absent)
            .await
            .map(|_| ())
    }

    /// The plan with this digest, if there is one; the text says what is wrong with it.
    pub(crate) async fn load(
        &self,
        store: &dyn Store,
        digest: &Digest,
    ) -> Result<Option<Result<Arc<Plan>, String>>, runwright_store::Error> {
        if let Some(kept) = self.find(digest) {
            return Ok(Some(Ok(kept.plan)));
        }
        let Some(bytes) = store.get(Table::Plans, digest.as_bytes()).await? else {
            return Ok(None);
        };
        if Digest::of(&bytes) != *digest {
            return Ok(Some(Err("the bytes do not fit their digest".into())));
        }
        Ok(Some(match serde_json::from_slice(&bytes) {
            Ok(plan) => Ok(self.add(*digest, Arc::new(plan), bytes).plan),
            Err(error) => Err(error.to_string()),
        }))
    }

    fn find(&self, digest: &Digest) -> Option<Kept> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = plans.iter().rposition(|kept| kept.digest == *digest)?;
        let kept = plans.remove(at);
        plans.push(kept.clone());
        Some(kept)
    }

    fn add(&self, digest: Digest, plan: Arc<Plan>, bytes: Vec<u8>) -> Kept {
        let kept = Kept {
            digest,
            plan,
            bytes: Arc::new(bytes),
        };
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|other| other.digest != digest);
        if plans.len() >= PLANS_MAX {
            plans.remove(0);
        }
        plans.push(kept.clone());
        kept
    }
}
