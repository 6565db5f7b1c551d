//! Writes log lines: queued by whoever has one, stored in batches by one task.

use std::{collections::BTreeMap, sync::Arc};

use runwright_model::{id::ExecutionId, log::LogLine};
use runwright_store::Store;
use tokio::sync::{mpsc, oneshot};

use crate::changes::Changes;

enum Entry {
    Line(ExecutionId, LogLine),
    Flush(oneshot::Sender<()>),
}

/// The way to the logs. Lines of one execution keep their order.
pub(crate) struct LogWriter(mpsc::UnboundedSender<Entry>);

/// How many queued lines are stored at once.
const BATCH_LINES_MAX: usize = 1_024;

impl LogWriter {
    pub(crate) fn start(store: Arc<dyn Store>, changes: Arc<Changes>) -> Self {
        let (sender, mut queue) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while queue.recv_many(&mut batch, BATCH_LINES_MAX).await > 0 {
                write(&*store, &changes, batch.drain(..)).await;
            }
        });
        Self(sender)
    }

    /// Queues a line.
    pub(crate) fn write(&self, id: ExecutionId, line: LogLine) {
        // The writer ends only with the runtime, and then nobody reads logs any more.
        let _ = self.0.send(Entry::Line(id, line));
    }

    /// Returns when every line queued so far is stored.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.0.send(Entry::Flush(done)).is_ok() {
            let _ = flushed.await;
        }
    }
}

async fn write(store: &dyn Store, changes: &Changes, batch: impl Iterator<Item = Entry>) {
    let mut lines: BTreeMap<ExecutionId, Vec<LogLine>> = BTreeMap::new();
    let mut waiting = Vec::new();
    for entry in batch {
        match entry {
            Entry::Line(id, line) => lines.entry(id).or_default().push(line),
            Entry::Flush(done) => waiting.push(done),
        }
    }
    for (id, lines) in lines {
        // A log that cannot be written must not stop what it tells about.
        if let Err(error) = store.append_log(&id, lines).await {
            tracing::warn!(execution = %id, %error, "log lines were lost");
        }
        changes.bump(&id);
    }
    for done in waiting {
        let _ = done.send(());
    }
}
