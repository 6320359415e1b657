//! The route goes first, so that nobody is sent to what is about to stop.

use std::collections::BTreeSet;

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, Step, StepError, TenantRequest},
};
use edge::Host;
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::{World, blueprint::host_name, store::tenants, wait};

pub struct Unroute;

#[async_trait]
impl Step<DeleteTenant> for Unroute {
    fn name(&self) -> &'static str {
        "unroute"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantDelete>,
        _: &mut Removal,
    ) -> Result<(), StepError> {
        let row = tenants::get(context.database(), context.tenant()).await?;
        let mut transaction = context.begin().await?;
        let routed = edge::routes::hosts(&mut *transaction, row.id).await?;
        edge::routes::remove(&mut *transaction, row.id).await?;
        transaction.commit().await?;
        // What an earlier attempt took away is asked about as well.
        let own = host_name(&context.observe().site, &row);
        let hosts: BTreeSet<_> = routed.into_iter().chain([own]).chain(row.custom_domain).collect();
        confirm_gone(context, hosts).await
    }
}

/// Waits until the edge does not answer on these hosts any more, unless they are somebody else's by now.
pub async fn confirm_gone(
    context: &Context<'_, World, impl TenantRequest>,
    hosts: impl IntoIterator<Item = String>,
) -> Result<(), StepError> {
    let world = context.observe();
    for host in hosts {
        if is_anothers(context, &host).await? {
            continue;
        }
        let host: Host =
            host.parse().map_err(|_| StepError::failed(Kind::Internal, "the tenant's address is no host"))?;
        wait::for_edge(context.stopping(), || async { Ok(world.edge.confirm_gone(&host).await?) }).await?;
    }
    Ok(())
}

/// A tenant that failed gave its address up; by now somebody else may live there.
async fn is_anothers(
    context: &Context<'_, World, impl TenantRequest>,
    host: &str,
) -> Result<bool, StepError> {
    let taken = sqlx::query_scalar("select exists (select from routes where host = $1)").bind(host);
    Ok(taken.fetch_one(context.database()).await?)
}
