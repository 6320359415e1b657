//! Plays the service that does what a step has done as a part of itself.

use common::id::TenantId;
use sqlx::types::Uuid;

use super::{PartEnd, Stores, rig::Part};

/// What becomes of the open part: one that was called off goes back, whatever else was to become of it.
const BECOMES: &str = "
    update operations set
        status = case when cancellation is null then $1 else 'rolled_back' end,
        started_at = coalesce(started_at, now()),
        finished_at = case when cancellation is not null or $1 in ('succeeded', 'rolled_back', 'abandoned') then now() end,
        error = case when $1 <> 'succeeded' then coalesce(cancellation, '{\"kind\": \"upstream\", \"detail\": \"broken on purpose\"}') end
     where id = $2";

/// Somebody calls it off before it has begun.
const CANCELLED: &str = "
    update operations set cancellation = '{\"kind\": \"cancelled\", \"detail\": \"Cancelled by a test.\"}'
     where id = $1 and status = 'queued'";

/// Somebody calls off what it is a part of.
const PARENT_CANCELLED: &str = "
    update operations set cancellation = '{\"kind\": \"cancelled\", \"detail\": \"Cancelled by a test.\"}'
     where parent_id is null and cancellation is null";

/// A part that has not ended.
#[derive(sqlx::FromRow)]
struct Open {
    id: Uuid,
    kind: String,
    request: serde_json::Value,
    status: String,
    tenant_id: Option<TenantId>,
    called_off: bool,
}

impl Stores {
    /// While the parent rests, its part (if it has an open one) goes on towards its end: a good one, unless it is of the kind that is broken.
    pub(super) async fn part_goes_on(&self, broken: Option<(&str, PartEnd)>) {
        let open =
            "select id, kind, request, status, tenant_id, cancellation is not null as called_off from operations
                     where parent_id is not null and status in ('queued', 'running', 'undoing', 'stuck')";
        let open: Option<Open> = sqlx::query_as(open).fetch_optional(&self.pool).await.unwrap();
        let Some(part) = open else { return };
        let end = broken.filter(|(kind, _)| *kind == part.kind).map(|(_, end)| end);
        let begins = part.status == "queued";
        if let (true, Some(tenant)) = (begins && end != Some(PartEnd::Cancelled), part.tenant_id) {
            (self.effect.0)(&Part { kind: part.kind, request: part.request }, tenant).await;
        }
        let becomes = match end {
            Some(PartEnd::RolledBack) => "rolled_back",
            Some(PartEnd::Stuck | PartEnd::Abandoned) if begins => "stuck",
            Some(PartEnd::Abandoned) => "abandoned",
            Some(PartEnd::Cancelled) => {
                sqlx::query(CANCELLED).bind(part.id).execute(&self.pool).await.unwrap();
                "rolled_back"
            }
            Some(PartEnd::ParentCancelled) if begins => {
                sqlx::query(PARENT_CANCELLED).execute(&self.pool).await.unwrap();
                "running"
            }
            Some(PartEnd::ParentCancelled) => {
                assert!(part.called_off, "what goes back calls off its part");
                "rolled_back"
            }
            Some(PartEnd::Stuck) | None => "succeeded",
        };
        sqlx::query(BECOMES).bind(becomes).bind(part.id).execute(&self.pool).await.unwrap();
    }
}
