//! Tenants that the record has and the tenants' server has not: it was lost with their data.

use std::{collections::BTreeSet, fmt};

use common::{cluster::ClusterId, id::TenantId};
use n8n::databases::{DatabaseError, TenantDatabases};
use sqlx::PgPool;

/// One without a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Lost {
    pub tenant: TenantId,
    /// Whether it is an n8n that tenants share, which is made anew and has them restored.
    pub shared: bool,
    /// Whether there is a backup that it can be restored from.
    pub restorable: bool,
}

/// As whoever brings them back reads it: an id, and a word.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.shared, self.restorable) {
            (true, _) => "shared",
            (false, true) => "restorable",
            (false, false) => "without-backup",
        };
        write!(f, "{} {what}", self.tenant)
    }
}

/// Why they are not known.
#[derive(Debug, thiserror::Error)]
pub enum LostError {
    #[error("the record cannot be asked")]
    Record(#[from] sqlx::Error),
    #[error(transparent)]
    Databases(#[from] DatabaseError),
}

/// All of this cluster's that are to have one at this moment. Whoever is being made or removed is their operation's affair.
pub async fn lost(
    record: &PgPool,
    cluster: &ClusterId,
    databases: &dyn TenantDatabases,
) -> Result<Vec<Lost>, LostError> {
    let dedicated = "select t.id as tenant, t.purpose = 'shared' as shared,
                            t.purpose = 'customer' and exists (
                                select from backups b
                                 where b.tenant_id = t.id and b.status in ('verified', 'proven') and b.includes_database) as restorable
                       from tenants t
                      where t.cluster_id = $1 and t.mode = 'dedicated' and t.status in ('active', 'suspended')
                        and not exists (select from external_n8ns e where e.tenant_id = t.id)
                      order by t.id";
    let dedicated: Vec<Lost> = sqlx::query_as(dedicated).bind(cluster.as_str()).fetch_all(record).await?;
    let there: BTreeSet<_> = databases.sizes().await?.into_iter().map(|(name, _)| name.tenant()).collect();
    Ok(dedicated.into_iter().filter(|it| !there.contains(&it.tenant)).collect())
}
