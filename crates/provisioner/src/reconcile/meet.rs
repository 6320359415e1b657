//! Before anything is done on an engine: is it ours?

use std::collections::BTreeSet;

use common::{id::TenantId, operations::StepError};
use sqlx::PgPool;

use crate::{
    World,
    engine_trust::{EngineTrust, Meeting, Verdict, judge},
    store::{expected, identity},
};

/// Looks at both sides, and makes the engine ours if that is to be. `tenants` own something on it. Says whether it is ours.
pub async fn meet(
    pool: &PgPool,
    world: &World,
    engine_trust: &EngineTrust,
    tenants: &BTreeSet<TenantId>,
) -> Result<bool, StepError> {
    let (record, cluster) = (identity::record(pool).await?, &world.site.cluster);
    let noted = world.containers.record(cluster).await?;
    let known = if noted.is_none() {
        let seen: Vec<_> = tenants.iter().copied().collect();
        expected::presence(pool, cluster.as_str(), &seen).await?
    } else {
        Default::default()
    };
    let (acquainted, first) = (!known.is_empty(), engine_trust.is_first_look());
    let take_over = engine_trust.take_over();
    let verdict = judge(&Meeting { record, noted, tenants, acquainted, first, take_over });
    if let Verdict::Adopt(former) = verdict {
        world.containers.note_record(cluster, record, former).await?;
        let former = former.map(|former| former.to_string());
        tracing::info!(%record, former, "the engine belongs to this record from now on");
    }
    let ours = verdict != Verdict::Stranger;
    if engine_trust.settle(ours) && !ours {
        let noted = noted.map_or("unmarked".to_owned(), |noted| noted.to_string());
        tracing::error!(
            %record,
            engine = noted,
            tenants = tenants.len(),
            "a person is needed: the engine belongs to another record; nothing is done on it"
        );
    }
    Ok(ours)
}
