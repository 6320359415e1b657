//! Plays the service that does what a step has done as a part of itself.

use common::id::TenantId;

use super::{Mode, PartEnd, Stores};

/// What becomes of the open part: one that was called off goes back, whatever else was to become of it.
const BECOMES: &str = "
    update operations set
        status = case when cancellation is null then $1 else 'rolled_back' end,
        started_at = coalesce(started_at, now()),
        finished_at = case when cancellation is not null or $1 in ('succeeded', 'rolled_back', 'abandoned') then now() end,
        error = case when $1 <> 'succeeded' then coalesce(cancellation, '{\"kind\": \"upstream\", \"detail\": \"broken on purpose\"}') end
     where parent_id is not null and status in ('queued', 'running', 'undoing', 'stuck')";

/// Somebody calls it off before it has begun.
const CANCELLED: &str = "
    update operations set cancellation = '{\"kind\": \"cancelled\", \"detail\": \"Cancelled by a test.\"}'
     where parent_id is not null and status = 'queued'";

/// Somebody calls off what it is a part of.
const PARENT_CANCELLED: &str = "
    update operations set cancellation = '{\"kind\": \"cancelled\", \"detail\": \"Cancelled by a test.\"}'
     where parent_id is null and cancellation is null";

impl Stores {
    /// While the parent rests, its part (if it has an open one) goes on towards its end.
    pub(super) async fn part_goes_on(&self, mode: Mode) {
        let end = if let Mode::Part(end) = mode { Some(end) } else { None };
        let open = "select status, tenant_id from operations
                     where parent_id is not null and status in ('queued', 'running', 'undoing', 'stuck')";
        let open: Option<(String, Option<TenantId>)> =
            sqlx::query_as(open).fetch_optional(&self.pool).await.unwrap();
        let Some((status, tenant)) = open else { return };
        let begins = status == "queued";
        if let (true, Some(tenant)) = (begins && end != Some(PartEnd::Cancelled), tenant) {
            (self.effect.0)(tenant);
        }
        let becomes = match end {
            Some(PartEnd::RolledBack) => "rolled_back",
            Some(PartEnd::Stuck | PartEnd::Abandoned) if begins => "stuck",
            Some(PartEnd::Abandoned) => "abandoned",
            Some(PartEnd::Cancelled) => {
                sqlx::query(CANCELLED).execute(&self.pool).await.unwrap();
                "rolled_back"
            }
            Some(PartEnd::ParentCancelled) if begins => {
                sqlx::query(PARENT_CANCELLED).execute(&self.pool).await.unwrap();
                "running"
            }
            Some(PartEnd::ParentCancelled) => {
                let called_off =
                    "select cancellation is not null from operations where parent_id is not null";
                let called_off: bool = sqlx::query_scalar(called_off).fetch_one(&self.pool).await.unwrap();
                assert!(called_off, "what goes back calls off its part");
                "rolled_back"
            }
            Some(PartEnd::Stuck) | None => "succeeded",
        };
        sqlx::query(BECOMES).bind(becomes).execute(&self.pool).await.unwrap();
    }
}
