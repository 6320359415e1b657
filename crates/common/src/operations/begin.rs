//! Whether an operation finds its tenant as it was promised. Something before it may have been called off, or have failed, since it was accepted.

use super::{Context, Request, StepError};
use crate::{error::Kind, id::TenantId, tenant::TenantStatus};

impl<W, R: Request<Subject = TenantId>> Context<'_, W, R> {
    /// How the tenant is for this operation. What one that was accepted later has given it already does not count.
    pub async fn tenant_status(&self) -> Result<TenantStatus, StepError> {
        let status = "select coalesce(
                (select later.former_status from operations later
                  where later.tenant_id = o.tenant_id and later.former_status is not null
                    and later.status in ('queued', 'running', 'undoing', 'stuck')
                    and (later.created_at, later.id) > (o.created_at, o.id)
                  order by later.created_at, later.id limit 1), t.status)
            from operations o join tenants t on t.id = o.tenant_id where o.id = $1";
        let word: String =
            sqlx::query_scalar(status).bind(self.operation()).fetch_one(self.database()).await?;
        word.parse().map_err(|_| StepError::failed(Kind::Internal, "the tenant's status cannot be read"))
    }

    /// Fails for good, before anything is done, unless the tenant has a status that such an operation begins from. A part leaves that to what
    /// it is a part of.
    pub async fn may_begin(&self) -> Result<(), StepError> {
        if self.claimed.parent.is_some() {
            return Ok(());
        }
        let status = self.tenant_status().await?;
        if R::KIND.from.contains(&status) {
            return Ok(());
        }
        let from: Vec<_> = R::KIND.from.iter().map(|status| status.as_str()).collect();
        let detail =
            format!("The tenant is {status} by now; this is done to one that is {}.", from.join(" or "));
        Err(StepError::failed(Kind::Conflict, detail))
    }
}
