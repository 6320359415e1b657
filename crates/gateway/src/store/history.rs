//! What happened to one tenant.

use common::id::{OperationId, TenantId};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;
use uuid::Uuid;

use super::reader::{Asked, Reader, seen};
use crate::http::cursor::Page;

/// Something that happened to a tenant, or was asked for.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct TenantEvent {
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// Tells it from others of the same moment.
    #[serde(skip)]
    pub id: Uuid,
    /// As in `/events`; `audit.` and an action for what was asked for, which its owners are not shown.
    #[schema(example = "operation.succeeded")]
    kind: String,
    #[schema(value_type = Option<String>)]
    operation_id: Option<OperationId>,
    #[schema(value_type = Object)]
    data: Value,
}

macro_rules! events {
    () => {
        concat!(
            "(select at, lpad(to_hex(id), 32, '0')::uuid as id, kind, operation_id, data
            from events
           where tenant_id = $2 and ",
            seen!("tenant_id"),
            "
             and at > now() - make_interval(hours => $3)
             and ($4::timestamptz is null or (at, lpad(to_hex(id), 32, '0')::uuid) < ($4, $5))
           order by at desc, 2 desc limit $6)"
        )
    };
}

const PAGE: Asked = Asked {
    by_services: concat!(
        events!(),
        " union all
         (select at, id, 'audit.' || action, operation_id,
                 jsonb_strip_nulls(jsonb_build_object('actor', actor, 'role', role, 'outcome', outcome, 'reason', reason))
            from audit_logs
           where tenant_id = $2 and at > now() - make_interval(hours => $3)
             and ($4::timestamptz is null or (at, id) < ($4, $5))
           order by at desc, id desc limit $6)
         order by at desc, id desc limit $6"
    ),
    by_owners: events!(),
};

/// What comes next, the newest first?
pub async fn page(
    reader: &Reader<'_>,
    tenant: TenantId,
    hours: i32,
    page: &Page,
) -> Result<Vec<TenantEvent>, sqlx::Error> {
    let (at, id) = page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let happened = reader.ask(PAGE.of(reader)).bind(tenant).bind(hours);
    happened.bind(at).bind(id).bind(page.rows()).all().await
}
