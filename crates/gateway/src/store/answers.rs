//! Answers kept under idempotency keys.

use http::StatusCode;
use sqlx::{FromRow, PgExecutor, types::Json};

use crate::idempotency::Answer;

/// A kept answer, and the request it is the answer to.
#[derive(Debug)]
pub struct Kept {
    pub request_digest: Vec<u8>,
    pub answer: Answer,
}

#[derive(FromRow)]
struct Row {
    request_digest: Vec<u8>,
    status: i16,
    headers: Json<Headers>,
    body: Vec<u8>,
}

#[derive(serde::Deserialize)]
struct Headers {
    location: Option<String>,
}

/// What was this subject answered under this key?
pub async fn find(
    executor: impl PgExecutor<'_>,
    subject: &str,
    key: &str,
) -> Result<Option<Kept>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "select request_digest, status, headers, body from idempotency_keys where subject = $1 and key = $2",
    )
    .bind(subject)
    .bind(key)
    .fetch_optional(executor)
    .await?;
    row.map(kept).transpose()
}

fn kept(row: Row) -> Result<Kept, sqlx::Error> {
    let status = u16::try_from(row.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| sqlx::Error::Decode("not an HTTP status".into()))?;
    let answer = Answer { status, location: row.headers.0.location, body: row.body };
    Ok(Kept { request_digest: row.request_digest, answer })
}
