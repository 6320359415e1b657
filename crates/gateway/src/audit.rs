//! The trail of what was asked for and refused, or shown. What is accepted is noted by the statement that accepts it.

mod outcome;

use common::{
    error::chain,
    id::{AuditId, OperationId, TenantId},
    service::Tasks,
};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::mpsc;

pub use outcome::{Outcome, REFUSED};

use crate::{auth::Identity, exchange::Exchange, metrics, store::audit};

/// Refusals waiting to be written. More than this at once is a flood, of which a sample is enough.
const WAITING: usize = 1024;
/// Written with one statement.
const BATCH: usize = 256;

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: AuditId,
    pub at: OffsetDateTime,
    pub actor: String,
    pub role: &'static str,
    pub action: &'static str,
    pub tenant: Option<TenantId>,
    pub operation: Option<OperationId>,
    pub correlation_id: String,
    pub outcome: String,
    pub request_digest: Option<Vec<u8>>,
    /// What the request was about, in the words of whoever asked.
    pub named: Option<String>,
}

impl Entry {
    /// What became of this request.
    pub fn new(exchange: &Exchange, identity: &Identity, action: &'static str, outcome: String) -> Self {
        Self {
            id: AuditId::generate(),
            at: common::clock::now(),
            actor: identity.subject().to_owned(),
            role: identity.role().as_str(),
            action,
            tenant: exchange.tenant(),
            operation: exchange.operation(),
            correlation_id: exchange.correlation_id().to_owned(),
            outcome,
            request_digest: exchange.digest().map(|digest| digest.as_bytes().to_vec()),
            named: exchange.named().map(str::to_owned),
        }
    }
}

/// Takes entries without making anybody wait.
#[derive(Debug, Clone)]
pub struct Trail(mpsc::Sender<Entry>);

impl Trail {
    /// Starts the task that writes.
    pub fn start(tasks: &Tasks, database: PgPool) -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let stopping = tasks.stopping();
        tasks.spawn("audit", async move {
            let mut batch = Vec::with_capacity(BATCH);
            loop {
                let received = stopping.run_until_cancelled(receiver.recv_many(&mut batch, BATCH)).await;
                if received.is_none() {
                    // Stopping: what is waiting is still written, then the task ends.
                    receiver.close();
                    while receiver.recv_many(&mut batch, BATCH).await > 0 {}
                }
                write(&database, &mut batch).await;
                if received.is_none() || received == Some(0) {
                    return;
                }
            }
        });
        Self(sender)
    }

    /// Notes an entry as soon as somebody gets to it.
    pub fn note(&self, entry: Entry) {
        if self.0.try_send(entry).is_err() {
            metrics::audit_dropped();
        }
    }
}

async fn write(database: &PgPool, batch: &mut Vec<Entry>) {
    if !batch.is_empty()
        && let Err(error) = audit::insert(database, batch).await
    {
        tracing::warn!(entries = batch.len(), error = chain(&error), "refusals could not be noted");
    }
    batch.clear();
}
