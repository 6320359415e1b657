//! Messages that could not be handled, and what operators decide about them.

use common::id::{AuditId, DeadLetterId, OperationId, TenantId};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, PgPool, PgTransaction};
use time::OffsetDateTime;

use super::accept::{AcceptError, bind_first_time, first_time};
use crate::{auth::Command, http::cursor::Page, idempotency::Answer};

/// A message that could not be handled.
#[derive(Debug, FromRow)]
pub struct DeadLetter {
    pub id: DeadLetterId,
    pub at: OffsetDateTime,
    pub service: String,
    pub subject: String,
    pub reason: String,
    pub detail: String,
    pub attempts: i32,
    pub headers: Value,
    pub payload: Vec<u8>,
    pub published_at: OffsetDateTime,
    pub tenant_id: Option<TenantId>,
    pub operation_id: Option<OperationId>,
    pub state: String,
    pub replayed_at: Option<OffsetDateTime>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, at, service, subject, reason, detail, attempts, headers, payload, published_at, tenant_id,
                    operation_id, state, replayed_at
               from dead_letters ",
            $rest
        )
    };
}

/// Which dead letter has this id?
pub async fn find(
    executor: impl PgExecutor<'_>,
    id: DeadLetterId,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    sqlx::query_as(select!("where id = $1")).bind(id).fetch_optional(executor).await
}

/// Which dead letters to list.
#[derive(Debug, Default)]
pub struct Filter {
    pub service: Option<String>,
    pub reason: Option<&'static str>,
    pub state: Option<&'static str>,
    pub page: Page,
}

/// Which come next, the newest first?
pub async fn page(executor: impl PgExecutor<'_>, filter: &Filter) -> Result<Vec<DeadLetter>, sqlx::Error> {
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    sqlx::query_as(select!(
        "where ($1::text is null or service = $1)
           and ($2::text is null or reason = $2)
           and ($3::text is null or state = $3)
           and ($4::timestamptz is null or (at, id) < ($4, $5))
         order by at desc, id desc limit $6"
    ))
    .bind(&filter.service)
    .bind(filter.reason)
    .bind(filter.state)
    .bind(at)
    .bind(id)
    .bind(filter.page.rows())
    .fetch_all(executor)
    .await
}

/// How many wait for somebody to decide, for each service and reason?
pub async fn waiting(executor: impl PgExecutor<'_>) -> Result<Vec<(String, String, i64)>, sqlx::Error> {
    sqlx::query_as("select service, reason, count(*) from dead_letters where state = 'waiting' group by 1, 2")
        .fetch_all(executor)
        .await
}

/// What can be decided about a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Replay,
    Delete,
}

impl Decision {
    /// The word in the audit log.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Replay => "dead_letter.replay",
            Self::Delete => "dead_letter.delete",
        }
    }

    const fn statement(self) -> &'static str {
        match self {
            Self::Replay => REPLAY,
            Self::Delete => DELETE,
        }
    }
}

/// Wraps a decision into the whole statement: answer, change and audit entry, or nothing.
macro_rules! deciding {
    (possible: $possible:literal, effect: $effect:literal $(,)?) => {
        concat!(
            first_time!($possible), ", letter as (", $effect, "), audit as (
                 insert into audit_logs
                     (id, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest, reason)
                 select $12, $1, $10, $9, letter.tenant_id, letter.operation_id, $11, 'accepted', $3,
                        $13 || ', ' || letter.subject
                   from letter
             )
             select exists (select from letter)"
        )
    };
}

const REPLAY: &str = deciding!(
    possible: "select from dead_letters d where d.id = $8 and d.state = 'waiting' for update of d",
    effect: "update dead_letters d set state = 'replaying' from accepted where d.id = $8
             returning d.tenant_id, d.operation_id, d.subject",
);

const DELETE: &str = deciding!(
    possible: "select from dead_letters d where d.id = $8 and d.state <> 'replaying' for update of d",
    effect: "delete from dead_letters d using accepted where d.id = $8
             returning d.tenant_id, d.operation_id, d.subject",
);

/// Does it. `false`: nothing was written, because the key was used before or because it cannot be done.
pub async fn decide<A>(
    executor: impl PgExecutor<'_>,
    command: &Command<A, DeadLetter>,
    decision: Decision,
    answer: &Answer,
) -> Result<bool, AcceptError> {
    let decided = bind_first_time(sqlx::query_scalar(decision.statement()), command, answer)
        .bind(command.target().id)
        .bind(decision.action())
        .bind(command.identity().role().as_str())
        .bind(command.exchange().correlation_id())
        .bind(AuditId::generate())
        .bind(command.target().id.to_string());
    Ok(decided.fetch_one(executor).await?)
}

/// A dead letter that is to be sent again, held so that nobody else sends it.
pub struct Replaying {
    pub letter: DeadLetter,
    transaction: PgTransaction<'static>,
}

impl Replaying {
    /// The oldest that nobody is at.
    pub async fn begin(database: &PgPool) -> Result<Option<Self>, sqlx::Error> {
        let mut transaction = database.begin().await?;
        let next = select!("where state = 'replaying' order by at limit 1 for update skip locked");
        let letter = sqlx::query_as(next).fetch_optional(&mut *transaction).await?;
        Ok(letter.map(|letter| Self { letter, transaction }))
    }

    /// It was sent.
    pub async fn sent(mut self) -> Result<(), sqlx::Error> {
        let sent = "update dead_letters set state = 'replayed', replayed_at = now() where id = $1";
        sqlx::query(sent).bind(self.letter.id).execute(&mut *self.transaction).await?;
        self.transaction.commit().await
    }
}
