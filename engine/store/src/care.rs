//! Collecting what nobody needs any more: executions that ended long ago, and then plans, components and blobs
//! that no kept execution names.
//!
//! Executions go first, durably; what is kept by content is swept afterwards. Stopped at any moment, it leaves
//! garbage that the next collection finds, and never a name whose value is gone.
//!
//! Uses are not counted but looked for ([`crate::names`]): a count that is wrong once is wrong for ever.
//! So nothing may run on the store meanwhile; the command line holds the store alone while it collects.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap, HashSet},
    time::Duration,
};

use crate::{Page, Result, Store, Table, Wanted, names};
use runwright_model::{digest::Digest, id::ExecutionId, status::Status, summary::Summary, time::Timestamp};

/// Executions looked at, or values taken away, between two moments at which all is durable.
const BATCH: usize = 1_000;

/// How long executions of one final status are kept. With both limits, the first that is reached counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rule {
    /// Since they ended; for ever when absent.
    pub keep_for: Option<Duration>,
    /// The newest by end; all when absent.
    pub keep_last: Option<usize>,
}

/// Which executions are kept. A status without a rule is kept for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// By final status; rules for others are not looked at.
    pub rules: HashMap<Status, Rule>,
}

/// What a collection took away, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Executions, with their journals and logs.
    pub executions: u64,
    /// Executions that stay.
    pub kept: u64,
    /// Executions that are old enough, and stay because a parent or a child of theirs stays.
    pub kept_for_kin: u64,
    /// Plans.
    pub plans: u64,
    /// Components.
    pub components: u64,
    /// Blobs.
    pub blobs: u64,
    /// Bytes of all that, as stored.
    pub bytes: u64,
}

impl Default for Retention {
    /// What ended well, was cancelled or was put back is kept for 30 days, what failed for 90. A rollback that
    /// failed waits for a person, so it stays.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let rule = |status: Status| {
            let days = match status {
                Status::Success | Status::Exited | Status::Skipped | Status::Cancelled | Status::RolledBack => 30,
                Status::Failed | Status::TimedOut => 90,
                Status::RollbackFailed
                | Status::Pending
                | Status::InProgress
                | Status::Waiting
                | Status::Cancelling
                | Status::RollingBack
                | Status::Paused => return None,
            };
            let rule = Rule {
                keep_for: Some(DAY * days),
                keep_last: None,
            };
            Some((status, rule))
        };
        Self {
            rules: Status::ALL.into_iter().filter_map(rule).collect(),
        }
    }
}

/// Takes away what the retention does not keep at `now`, and what no kept execution needs. With `dry_run` it
/// only counts.
///
/// An execution goes only when it has ended, and only together with its parents and children: all of them, or
/// none. Nothing else may use the store meanwhile.
///
/// # Errors
///
/// When the store fails; what was taken away until then was garbage.
pub async fn collect(store: &dyn Store, retention: &Retention, now: Timestamp, dry_run: bool) -> Result<Collected> {
    let verdict = Verdict::reach(store, retention, now).await?;
    let mut collected = Collected::default();
    each(store, async |id, summary| {
        if verdict.is_removable(&id, &summary) {
            collected.executions += 1;
            collected.bytes += store.weigh(&id).await?;
            if !dry_run {
                store.remove(&id).await?;
            }
        } else {
            collected.kept += 1;
            collected.kept_for_kin += u64::from(verdict.is_expired(&id, &summary));
        }
        Ok(())
    })
    .await?;
    store.sync().await?;
    let sweep = Sweep::prepare(store, &|id, summary| !verdict.is_removable(id, summary)).await?;
    sweep.run(store, dry_run, &mut collected).await?;
    Ok(collected)
}

/// Hands every execution to `visit`, newest id first. It may take away what it is handed.
async fn each(store: &dyn Store, mut visit: impl AsyncFnMut(ExecutionId, Summary) -> Result<()>) -> Result<()> {
    let mut before = None;
    loop {
        let page = Page {
            before,
            most: BATCH,
            ..Page::default()
        };
        let rows = store.list(page).await?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        before = Some(last.clone());
        for (id, head) in rows {
            visit(id, head.summary).await?;
        }
        store.sync().await?;
    }
}

/// Which executions may go.
struct Verdict {
    /// By status: those that ended earlier may go; among those of that very moment, those of lower id.
    bounds: HashMap<Status, (Timestamp, Option<ExecutionId>)>,
    /// Executions of families that stay.
    held: HashSet<ExecutionId>,
}

impl Verdict {
    async fn reach(store: &dyn Store, retention: &Retention, now: Timestamp) -> Result<Self> {
        let mut newest: HashMap<Status, BinaryHeap<Reverse<(Timestamp, ExecutionId)>>> = HashMap::new();
        let mut links = Vec::new();
        each(store, async |id, summary| {
            if let Some(rule) = retention.rules.get(&summary.status)
                && let (Some(last), Some(ended)) = (rule.keep_last, summary.ended)
            {
                let newest = newest.entry(summary.status).or_default();
                newest.push(Reverse((ended, id.clone())));
                if newest.len() > last {
                    newest.pop();
                }
            }
            links.extend(summary.parent.map(|parent| (id, parent)));
            Ok(())
        })
        .await?;
        let mut bounds = HashMap::new();
        for status in Status::ALL.into_iter().filter(|status| status.is_final()) {
            let Some(rule) = retention.rules.get(&status) else {
                continue;
            };
            let by_age = rule.keep_for.map(|age| {
                let millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
                (Timestamp::from_millis(now.as_millis().saturating_sub(millis)), None)
            });
            let by_count = rule
                .keep_last
                .map(|last| match newest.get(&status).and_then(BinaryHeap::peek) {
                    Some(Reverse((ended, id))) if last > 0 => (*ended, Some(id.clone())),
                    Some(_) | None => (Timestamp::from_millis(if last > 0 { i64::MIN } else { i64::MAX }), None),
                });
            bounds.extend(by_age.max(by_count).map(|bound| (status, bound)));
        }
        let mut verdict = Self {
            bounds,
            held: HashSet::new(),
        };
        verdict.held = verdict.families_that_stay(store, links).await?;
        Ok(verdict)
    }

    /// Whether the execution is past its limits, whatever its kin.
    fn is_past(&self, id: &ExecutionId, summary: &Summary) -> bool {
        let Some((bound, ended)) = self.bounds.get(&summary.status).zip(summary.ended) else {
            return false;
        };
        summary.status.is_final() && (ended, Some(id)) < (bound.0, bound.1.as_ref())
    }

    fn is_removable(&self, id: &ExecutionId, summary: &Summary) -> bool {
        self.is_past(id, summary) && !self.held.contains(id)
    }

    /// Whether only its kin keeps it.
    fn is_expired(&self, id: &ExecutionId, summary: &Summary) -> bool {
        self.is_past(id, summary) && self.held.contains(id)
    }

    /// All executions that are kin of one that stays. A parent that is gone already holds nobody.
    async fn families_that_stay(
        &self,
        store: &dyn Store,
        links: Vec<(ExecutionId, ExecutionId)>,
    ) -> Result<HashSet<ExecutionId>> {
        let mut kin: HashMap<ExecutionId, Vec<ExecutionId>> = HashMap::new();
        for (child, parent) in links {
            kin.entry(parent.clone()).or_default().push(child.clone());
            kin.entry(child).or_default().push(parent);
        }
        let mut held = HashSet::new();
        let mut todo = Vec::new();
        for id in kin.keys() {
            let head = store.head(id).await?;
            if head.is_some_and(|head| !self.is_past(id, &head.summary)) {
                todo.push(id.clone());
            }
        }
        while let Some(id) = todo.pop() {
            todo.extend(
                kin.get(&id)
                    .into_iter()
                    .flatten()
                    .filter(|kin| !held.contains(*kin))
                    .cloned(),
            );
            held.insert(id);
        }
        Ok(held)
    }
}

/// What is kept by content and named by nobody.
struct Sweep {
    unnamed: BTreeSet<Digest>,
}

/// Tables whose keys begin with the digest of what they hold.
const BY_CONTENT: [Table; 3] = [Table::Plans, Table::Components, Table::Blobs];

impl Sweep {
    async fn prepare(store: &dyn Store, kept: Wanted<'_>) -> Result<Self> {
        let mut unnamed = BTreeSet::new();
        for table in BY_CONTENT {
            each_key(store, table, async |key, _bytes| {
                unnamed.extend(digest(&key));
                Ok(())
            })
            .await?;
        }
        let mut named = store.mentions(&unnamed, kept).await?;
        // A plan names its components, and plans of children.
        let mut todo: Vec<Digest> = named.iter().copied().collect();
        while let Some(name) = todo.pop() {
            if let Some(plan) = store.get(Table::Plans, name.as_bytes()).await? {
                let mut found = BTreeSet::new();
                names::find(&plan, &unnamed, &mut found);
                todo.extend(found.into_iter().filter(|name| named.insert(*name)));
            }
        }
        unnamed.retain(|name| !named.contains(name));
        Ok(Self { unnamed })
    }

    /// Takes it away: of a blob first the row that says that it is complete.
    async fn run(&self, store: &dyn Store, dry_run: bool, collected: &mut Collected) -> Result<()> {
        for table in BY_CONTENT {
            let mut whole: BTreeSet<Digest> = BTreeSet::new();
            each_key(store, table, async |key, bytes| {
                let Some(name) = digest(&key).filter(|name| self.unnamed.contains(name)) else {
                    return Ok(());
                };
                whole.insert(name);
                collected.bytes += bytes;
                if !dry_run {
                    store.delete(table, &key).await?;
                }
                Ok(())
            })
            .await?;
            let number = whole.len() as u64;
            match table {
                Table::Plans => collected.plans = number,
                Table::Components => collected.components = number,
                Table::Blobs => collected.blobs = number,
                Table::Parameters | Table::Settings => {}
            }
        }
        store.sync().await
    }
}

/// Hands every key of a table to `visit`, with the bytes of its value, in order.
async fn each_key(
    store: &dyn Store,
    table: Table,
    mut visit: impl AsyncFnMut(Vec<u8>, u64) -> Result<()>,
) -> Result<()> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let keys = store.sizes(table, after.as_deref(), BATCH).await?;
        let Some((last, _)) = keys.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, bytes) in keys {
            visit(key, bytes).await?;
        }
    }
}

fn digest(key: &[u8]) -> Option<Digest> {
    key.first_chunk().copied().map(Digest::from_bytes)
}
