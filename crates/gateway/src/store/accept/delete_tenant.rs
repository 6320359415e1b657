//! The end of a tenant. Its operation queues behind whatever runs, a creation included.

use common::{id::TenantId, operations::OperationKind, tenant::TenantStatus};
use serde_json::{Value, json};

use super::{Accepting, Effect, accepting};

/// A tenant to be removed.
#[derive(Debug)]
pub struct DeleteTenant {
    pub id: TenantId,
}

impl Effect for DeleteTenant {
    // The lock makes two removals at once take turns: the second one reads the status that the first one wrote. The
    // operation is asked for too, because a creation that was under way may have written a status since.
    const STATEMENT: &'static str = accepting!(
        possible: "select from tenants t
                    where t.id = $10 and t.status <> all ($17::text[])
                      and not exists (select from operations o
                                       where o.tenant_id = t.id and o.kind = $9
                                         and o.status in ('queued', 'running', 'undoing', 'stuck'))
                      for update of t",
        effect: "tenant as (
                 update tenants set status_before_deleting = status, status = $18, updated_at = now()
                   from accepted
                  where tenants.id = $10
                 returning tenants.id
             )",
    );
    const KIND: OperationKind = OperationKind::TenantDelete;

    fn tenant(&self) -> TenantId {
        self.id
    }

    fn request(&self) -> Value {
        json!({ "tenant_id": self.id })
    }

    fn bind<'q>(&'q self, query: Accepting<'q>) -> Accepting<'q> {
        let gone = [TenantStatus::Deleting, TenantStatus::Deleted].map(TenantStatus::as_str);
        query.bind(gone.to_vec()).bind(TenantStatus::Deleting.as_str())
    }
}
