//! How much of what they ran those who share an n8n keep to look at: n8n itself counts everybody's together, so whoever runs much would take the others'
//! along.

use std::time::Duration;

use common::{error::chain, id::TenantId, service::Round};
use n8n::{databases::Name, executions::KEPT_OF_EACH};
use tokio::time::timeout;

use crate::world::World;

/// How often it is looked after.
pub const EVERY: Duration = Duration::from_secs(3600);

const PATIENCE: Duration = Duration::from_secs(30);

/// What tenants share and the platform runs.
const SHARED: &str = "
    select t.id from tenants t
     where t.cluster_id = $1 and t.purpose = 'shared' and t.status = 'active' and not exists (select from external_n8ns x where x.tenant_id = t.id)";

/// The rounds of one replica. Twice is as good as once.
pub struct History {
    world: World,
}

impl History {
    /// Of those who share the n8ns of this cluster.
    pub const fn new(world: World) -> Self {
        Self { world }
    }
}

impl Round for History {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        let World { record, cluster, executions, .. } = &self.world;
        let shared: Vec<TenantId> =
            sqlx::query_scalar(SHARED).bind(cluster.as_str()).fetch_all(record).await?;
        for instance in shared {
            let name = Name::of(instance);
            match timeout(PATIENCE, executions.prune_each(&name, KEPT_OF_EACH)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(tenant_id = %instance, error = chain(&error), "an n8n that tenants share keeps more of theirs than it should");
                }
                Err(_) => {
                    tracing::warn!(tenant_id = %instance, "an n8n that tenants share keeps more of theirs than it should: its database did not answer in time");
                }
            }
        }
        Ok(())
    }
}
