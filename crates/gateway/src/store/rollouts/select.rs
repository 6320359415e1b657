//! Whom a rollout is for.

use common::{id::TenantId, version::Version};
use sqlx::{FromRow, PgExecutor};

use crate::{rollouts::Selection, tenants::TenantName};

/// A tenant that was named.
#[derive(Debug, FromRow)]
pub struct Named {
    pub id: TenantId,
    pub shared: bool,
}

/// Who are these, in their order? `None`: nobody that customers would know of.
pub async fn named(
    executor: impl PgExecutor<'_>,
    names: &[TenantName],
) -> Result<Vec<Option<Named>>, sqlx::Error> {
    let ids: Vec<_> =
        names.iter().map(|name| if let TenantName::Id(id) = name { Some(*id) } else { None }).collect();
    let subdomain = |name: &TenantName| match name {
        TenantName::Subdomain(subdomain) => Some(subdomain.as_str().to_owned()),
        TenantName::Id(_) => None,
    };
    let subdomains: Vec<_> = names.iter().map(subdomain).collect();
    let named = "select t.id, coalesce(t.mode = 'shared', false) as shared
                   from unnest($1::uuid[], $2::text[]) with ordinality named (id, subdomain, place)
                   left join tenants t on t.purpose = 'customer' and t.status <> 'deleted'
                                      and (t.id = named.id or t.subdomain = named.subdomain and not t.address_released)
                  order by named.place";
    let rows: Vec<(Option<TenantId>, bool)> =
        sqlx::query_as(named).bind(ids).bind(subdomains).fetch_all(executor).await?;
    Ok(rows.into_iter().map(|(id, shared)| id.map(|id| Named { id, shared })).collect())
}

/// Who has an n8n of their own, of an earlier release, and is meant? In the order of their turns: the smallest plan first, and of each who came last, so
/// that those with the most to lose come when most is known.
pub async fn selected(
    executor: impl PgExecutor<'_>,
    version: Version,
    selection: &Selection,
    named: Option<Vec<TenantId>>,
) -> Result<Vec<TenantId>, sqlx::Error> {
    let selected = "select t.id
                      from tenants t join plans p on p.name = t.plan left join clusters c on c.id = t.cluster_id
                     where t.mode = 'dedicated' and t.purpose = 'customer' and t.status in ('provisioning', 'active', 'suspended', 'migrating')
                       and n8n_release(t.n8n_version) < n8n_release($1)
                       and ($2::uuid[] is null or t.id = any($2))
                       and ($3::text[] is null or t.plan = any($3))
                       and ($4::text[] is null or coalesce(c.region, t.region) = any($4))
                     order by p.cpu_millis, p.name, t.created_at desc, t.id desc";
    let selected = sqlx::query_scalar(selected).bind(version.to_string()).bind(named);
    selected.bind(selection.plan_names()).bind(selection.region_names()).fetch_all(executor).await
}
