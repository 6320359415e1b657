//! What is seen of tenants in the n8ns that they share: each n8n is asked once, about all who should be in it.

use std::collections::BTreeMap;

use common::{error::Kind, id::TenantId, operations::StepError};
use futures::future::join_all;
use n8n::{
    account::ApiKeySigner,
    databases::Name,
    members::{Checked, Expected},
};
use sqlx::PgPool;

use super::{
    rows::{Part, Rows},
    sight::{Members, PATIENCE},
};
use crate::World;

/// Looks at everybody who should be let in and whom no operation works on. It is done after the rows were read: whoever left meanwhile is not
/// active any more when it is to be healed.
pub async fn look(pool: &PgPool, world: &World, rows: &Rows) -> Members {
    let mut parts = BTreeMap::<TenantId, Vec<(TenantId, &Part)>>::new();
    for (tenant, expected) in rows.tenants.iter().filter(|(_, expected)| expected.is_settled()) {
        if let Some(part) = &expected.part {
            parts.entry(part.instance).or_default().push((*tenant, part));
        }
    }
    let looks = parts.iter().map(async |(instance, parts)| {
        let look = tokio::time::timeout(PATIENCE, look_into(pool, world, *instance, parts)).await;
        let silent = || StepError::failed(Kind::Timeout, "the shared n8n's database is silent");
        (*instance, parts, look.unwrap_or_else(|_| Err(silent())))
    });
    let mut members = Members::default();
    for (instance, parts, look) in join_all(looks).await {
        match look {
            Ok(Checked { common_differs, flawed }) => {
                members.common_differs.extend(common_differs.then_some(instance));
                if let Some(flawed) = flawed {
                    members.seen.extend(parts.iter().map(|(tenant, _)| (*tenant, vec![])).chain(flawed));
                }
            }
            Err(StepError::Failed { cause, .. }) => {
                tracing::debug!(error = cause, "the members of a shared n8n could not be looked at");
                members.blind = true;
            }
            Err(StepError::LeaseLost | StepError::Stopped | StepError::Later(_)) => members.blind = true,
        }
    }
    members
}

async fn look_into(
    pool: &PgPool,
    world: &World,
    instance: TenantId,
    parts: &[(TenantId, &Part)],
) -> Result<Checked, StepError> {
    let jwt_secret = world.jwt_secret_of(pool, instance).await?;
    let signer = ApiKeySigner { secret: &jwt_secret };
    let expected = parts.iter().map(|(tenant, part)| {
        let (key, place) = (tenant.uuid(), part.place.clone());
        let token = signer.sign(place.user, key, part.created_at)?;
        Ok(Expected { tenant: *tenant, place, key, token, limits: part.limits })
    });
    let expected: Result<Vec<_>, StepError> = expected.collect();
    Ok(world.members.check(&Name::of(instance), &expected?).await?)
}
