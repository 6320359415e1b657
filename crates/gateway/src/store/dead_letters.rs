//! Messages that could not be handled.

use common::{
    database,
    id::{DeadLetterId, OperationId, TenantId},
};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, PgPool, PgTransaction};
use time::OffsetDateTime;

use crate::http::cursor::Page;

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
    pub service: Option<&'static str>,
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
    .bind(filter.service)
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

/// A dead letter that is to be sent again, held so that nobody else sends it.
pub struct Replaying {
    pub letter: DeadLetter,
    transaction: PgTransaction<'static>,
}

impl Replaying {
    /// The oldest that nobody is at.
    pub async fn begin(database: &PgPool) -> Result<Option<Self>, sqlx::Error> {
        let mut transaction = database::begin(database).await?;
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
