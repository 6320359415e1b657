//! Messages that could not be handled.

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{
    database,
    id::{DeadLetterId, OperationId, TenantId},
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, PgPool, PgTransaction};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    http::{cursor::Page, one_of::OneOf, request::request},
    vocabulary,
};

/// A message that could not be handled.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct DeadLetter {
    #[schema(value_type = String, example = "dl_0198c0de0000700080000000000000cc")]
    pub id: DeadLetterId,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// Who could not handle it.
    #[schema(example = "provisioner")]
    pub service: String,
    #[schema(example = "rp9.cmd.v1.provisioner.normal.submit_operation")]
    pub subject: String,
    /// `malformed`, `unknown` (a sort or version nobody here knows), `expired`, `exhausted` or `refused`.
    #[schema(value_type = vocabulary::DeadLetterReason)]
    reason: String,
    detail: String,
    /// How often it was delivered.
    attempts: i32,
    #[serde(with = "rfc3339")]
    published_at: OffsetDateTime,
    #[schema(value_type = Option<String>)]
    pub tenant_id: Option<TenantId>,
    #[schema(value_type = Option<String>)]
    pub operation_id: Option<OperationId>,
    /// `waiting` for somebody to decide, `replaying`, or `replayed`.
    #[schema(value_type = vocabulary::DeadLetterState)]
    pub state: String,
    #[serde(with = "rfc3339::option")]
    replayed_at: Option<OffsetDateTime>,
    /// As they came with it.
    #[schema(value_type = Object)]
    pub headers: Value,
    #[serde(rename = "payload_base64", serialize_with = "as_base64")]
    #[schema(value_type = String)]
    pub payload: Vec<u8>,
}

fn as_base64<S: Serializer>(payload: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(payload))
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

request! {
    /// Which dead letters to list.
    pub struct Filter: Request {
        /// Who could not handle it.
        service: Option<OneOf<vocabulary::Consumer>>,
        /// One reason.
        reason: Option<OneOf<vocabulary::DeadLetterReason>>,
        /// `waiting`, `replaying` or `replayed`.
        state: Option<OneOf<vocabulary::DeadLetterState>>,
        ..page: Page,
    }
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
    .bind(filter.service.as_ref().map(OneOf::as_str))
    .bind(filter.reason.as_ref().map(OneOf::as_str))
    .bind(filter.state.as_ref().map(OneOf::as_str))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Request;

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let problem =
            Filter::of_query(Some("service=%00&reason=x&state=x&limit=0&cursor=x&page=2"), &()).unwrap_err();
        assert_eq!(problem.errors().len(), 6, "{problem:?}");
    }
}
