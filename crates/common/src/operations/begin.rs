//! Whether an operation finds its tenant as it was promised. Something before it may have been called off, or have failed, since it was accepted.

use super::{Context, Request, StepError};
use crate::{database, error::Kind, id::TenantId, tenant::TenantStatus};

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
        read(&word)
    }

    /// Fails for good, before anything is done, unless the tenant has a status that such an operation begins from. A part leaves that to what
    /// it is a part of.
    pub async fn may_begin(&self) -> Result<(), StepError> {
        if self.claimed.parent.is_some() {
            return Ok(());
        }
        may_begin_from::<R>(self.tenant_status().await?)
    }

    /// How the tenant was before it got the status that it has while this lasts; nothing where it did not get one yet, or this is a part.
    pub async fn status_before(&self) -> Result<Option<TenantStatus>, StepError> {
        let before = "select former_status from operations where id = $1";
        let word: Option<String> =
            sqlx::query_scalar(before).bind(self.operation()).fetch_one(self.database()).await?;
        word.as_deref().map(read).transpose()
    }

    /// As [`Context::status_before`]. One that waited for its moment gives the tenant that status here, and fails for good where something else was done
    /// to the tenant by then.
    pub async fn tenant_turns(&self) -> Result<TenantStatus, StepError> {
        if let Some(before) = self.status_before().await? {
            return Ok(before);
        }
        // Nothing is accepted for it in between, and whoever calls this off has the same lock first.
        let mut transaction = database::begin(self.database).await?;
        let lock = sqlx::query_scalar("select status from tenants where id = $1 for update");
        let status: String = lock.bind(self.tenant()).fetch_one(&mut *transaction).await?;
        self.lease.check_in(&mut transaction).await?;
        let before = read(&status)?;
        if self.claimed.parent.is_some() {
            return Ok(before);
        }
        may_begin_from::<R>(before)?;
        if let Some(passes) = R::KIND.passes {
            let keep = sqlx::query("update operations set former_status = $2 where id = $1");
            keep.bind(self.operation()).bind(before.as_str()).execute(&mut *transaction).await?;
            let turn = sqlx::query("update tenants set status = $2, updated_at = now() where id = $1");
            turn.bind(self.tenant()).bind(passes.as_str()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(before)
    }
}

fn may_begin_from<R: Request>(status: TenantStatus) -> Result<(), StepError> {
    if R::KIND.from.contains(&status) {
        return Ok(());
    }
    let from: Vec<_> = R::KIND.from.iter().map(|status| status.as_str()).collect();
    let detail = format!("The tenant is {status} by now; this is done to one that is {}.", from.join(" or "));
    Err(StepError::failed(Kind::Conflict, detail))
}

fn read(word: &str) -> Result<TenantStatus, StepError> {
    word.parse().map_err(|_| StepError::failed(Kind::Internal, "the tenant's status cannot be read"))
}
