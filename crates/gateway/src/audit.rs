//! The audit log of what was asked for and refused, or shown. What is accepted is noted by the statement that accepts it.

mod entry;
mod filter;
mod outcome;

use std::time::Duration;

use common::{
    error::{Classify, chain},
    service::Tasks,
};
use sqlx::PgPool;
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

pub use entry::Entry;
pub use filter::{Action, Filter};
pub use outcome::{Outcome, REFUSED};

use crate::{exchange::Exchange, metrics, problem::Code, store::audit};

/// Refusals waiting to be written. More than this at once is a flood, of which a sample is enough.
const WAITING: usize = 1024;
/// Written with one statement.
const BATCH: usize = 256;
/// What could not be written is tried again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why an entry will never be in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// More came at once, or while the record was away, than there is room for here.
    Full,
    /// The record refuses it for good.
    Refused,
    /// The process stopped while the record was away.
    Stopped,
}

impl Lost {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }
}

/// Takes entries without making anybody wait.
#[derive(Debug, Clone)]
pub struct AuditLog(mpsc::Sender<Entry>);

impl AuditLog {
    /// Starts the task that writes.
    pub fn start(tasks: &Tasks, database: PgPool) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tasks.spawn("audit", keep_writing(database, receiver, tasks.stopping()));
        Self(sender)
    }

    /// Notes a refused command, as soon as it is known who gave it, and that its signature is used up: whoever saw it must not have it done
    /// later, when it could be. Beside the answer, not before it: refusing waits for no write. Whoever asks too often is not even noted:
    /// they would write as often as they ask.
    pub fn note_refused(&self, exchange: &Exchange, code: Code) {
        if let (Some(identity), Some(action)) = (exchange.identity(), exchange.action())
            && code != Code::Throttled
        {
            let entry = Entry::new(exchange, identity, action, format!("{REFUSED}{}", code.as_str()));
            let proof = exchange.proof().filter(|_| code.is_an_answer());
            self.note(Entry { signature: proof.map(|proof| proof.digest().to_vec()), ..entry });
        }
    }

    /// Notes an entry as soon as somebody gets to it.
    fn note(&self, entry: Entry) {
        if self.0.try_send(entry).is_err() {
            metrics::audit_lost(Lost::Full.as_str(), 1);
        }
    }
}

/// Writes until the process stops. While the record takes no writes, entries wait here, as many as there is room for.
async fn keep_writing(database: PgPool, mut entries: mpsc::Receiver<Entry>, stopping: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    while stopping
        .run_until_cancelled(entries.recv_many(&mut batch, BATCH))
        .await
        .is_some_and(|count| count > 0)
    {
        while !written(&database, &mut batch).await {
            if stopping.run_until_cancelled(sleep(AGAIN_AFTER)).await.is_none() {
                break;
            }
        }
    }
    // Stopping: what is waiting is still written, if that is possible at once.
    entries.close();
    while entries.recv_many(&mut batch, BATCH).await > 0 {}
    if !written(&database, &mut batch).await {
        tracing::error!(entries = batch.len(), "refusals are not in the audit log: the record is away");
        metrics::audit_lost(Lost::Stopped.as_str(), batch.len());
    }
}

/// Whether nothing of it is left to be written. What the record refuses for good is given up.
async fn written(database: &PgPool, batch: &mut Vec<Entry>) -> bool {
    if batch.is_empty() {
        return true;
    }
    match audit::insert(database, batch).await {
        Ok(()) => {}
        Err(error) if error.kind().is_transient() => {
            tracing::warn!(entries = batch.len(), error = chain(&error), "refusals are noted later");
            return false;
        }
        Err(error) => {
            tracing::error!(
                entries = batch.len(),
                error = chain(&error),
                "refusals are not in the audit log"
            );
            metrics::audit_lost(Lost::Refused.as_str(), batch.len());
        }
    }
    batch.clear();
    true
}

#[cfg(test)]
mod tests {
    use ::metrics::set_default_local_recorder;
    use common::id::AuditId;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use sqlx::postgres::PgPoolOptions;

    use super::*;

    fn entry() -> Entry {
        Entry {
            id: AuditId::generate(),
            at: common::clock::now(),
            actor: "somebody".into(),
            role: "owner",
            action: "tenant.create",
            tenant: None,
            operation: None,
            correlation_id: "test".into(),
            outcome: "refused".into(),
            request_digest: None,
            signature: None,
            named: None,
        }
    }

    #[tokio::test]
    async fn refusals_that_are_lost_are_counted() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let _recording = set_default_local_recorder(&recorder);
        let nowhere = PgPoolOptions::new().acquire_timeout(Duration::from_millis(100));
        let nowhere = nowhere.connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap();
        let (sender, receiver) = mpsc::channel(2);
        let audit_log = AuditLog(sender);
        (0..5).for_each(|_| audit_log.note(entry()));
        let stopping = CancellationToken::new();
        stopping.cancel();
        keep_writing(nowhere, receiver, stopping).await;
        let told = recorder.handle().render();
        for counted in
            [r#"rp9_audit_lost_total{reason="full"} 3"#, r#"rp9_audit_lost_total{reason="stopped"} 2"#]
        {
            assert!(told.contains(counted), "{told}");
        }
    }
}
