//! Calls that are held, as their tenants are told of them.

use common::id::TenantId;
use serde::Serialize;
use sqlx::{FromRow, PgExecutor};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    http::cursor::{Cursor, Page},
    vocabulary,
};

/// One of a tenant's. Its path is as good as a password, and so are its headers and its body: they are not shown.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct HeldCall {
    /// What its caller was told.
    #[schema(example = "5f0c1a4e-2b1d-4c4f-9f57-0d6f4a2f9a11")]
    pub receipt: Uuid,
    #[serde(skip)]
    #[sqlx(rename = "tenant_id")]
    pub tenant: TenantId,
    #[schema(value_type = vocabulary::HeldState)]
    pub state: String,
    #[serde(with = "rfc3339")]
    pub held_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// What n8n answered.
    #[schema(value_type = Option<u16>)]
    pub answer_status: Option<i16>,
    /// Why it is not delivered, if it was tried.
    failure: Option<String>,
    #[schema(example = "POST")]
    method: String,
    bytes: i32,
    /// How often it was sent to the n8n.
    deliveries: i32,
}

impl HeldCall {
    /// Where the next page begins after it.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.held_at, id: self.receipt }
    }
}

/// Every question about them begins like this.
macro_rules! held_calls {
    ($rest:literal) => {
        concat!(
            "select receipt, tenant_id, state, held_at, ended_at, answer_status, failure, method, bytes, deliveries from held_calls where ",
            $rest
        )
    };
}

/// Which has this receipt?
pub async fn find(executor: impl PgExecutor<'_>, receipt: Uuid) -> Result<Option<HeldCall>, sqlx::Error> {
    sqlx::query_as(held_calls!("receipt = $1")).bind(receipt).fetch_optional(executor).await
}

/// Which of this tenant's come next, the latest first?
pub async fn page(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    (state, page): (Option<&str>, &Page),
) -> Result<Vec<HeldCall>, sqlx::Error> {
    let (at, id) = page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let next = held_calls!(
        "tenant_id = $1 and ($2::text is null or state = $2)
            and ($3::timestamptz is null or (held_at, receipt) < ($3, $4))
          order by held_at desc, receipt desc limit $5"
    );
    sqlx::query_as(next)
        .bind(tenant)
        .bind(state)
        .bind(at)
        .bind(id)
        .bind(page.rows())
        .fetch_all(executor)
        .await
}
