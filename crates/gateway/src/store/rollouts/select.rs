//! Whom a rollout is for.

use common::{id::TenantId, version::Version};
use sqlx::{FromRow, PgExecutor};

use crate::{rollouts::Selection, tenants::TenantName};

/// Why one that was named is none of those who can be meant: a stable word, and words for people.
type Mistaken = (&'static str, &'static str);

/// Who are these, in their order?
pub async fn named(
    executor: impl PgExecutor<'_>,
    names: &[TenantName],
) -> Result<Vec<Result<TenantId, Mistaken>>, sqlx::Error> {
    let (ids, subdomains): (Vec<_>, Vec<_>) = names.iter().map(either).unzip();
    let named = "select t.id, t.mode = 'shared' as shared, t.status in ('failed', 'deleting') as ended, n8n_release(t.n8n_version) is null as unread
                   from unnest($1::uuid[], $2::text[]) with ordinality named (id, subdomain, place)
                   left join tenants t on t.purpose = 'customer' and t.status <> 'deleted'
                                      and (t.id = named.id or t.subdomain = named.subdomain and not t.address_released)
                  order by named.place";
    let rows: Vec<Row> = sqlx::query_as(named).bind(ids).bind(subdomains).fetch_all(executor).await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

fn either(name: &TenantName) -> (Option<TenantId>, Option<&str>) {
    match name {
        TenantName::Id(id) => (Some(*id), None),
        TenantName::Subdomain(subdomain) => (None, Some(subdomain.as_str())),
    }
}

/// All null where nobody is called so.
#[derive(FromRow)]
struct Row {
    id: Option<TenantId>,
    shared: Option<bool>,
    ended: Option<bool>,
    unread: Option<bool>,
}

impl Row {
    fn read(self) -> Result<TenantId, Mistaken> {
        let id = self.id.ok_or(("unknown_tenant", "there is no such tenant"))?;
        let is = |it: Option<bool>| it == Some(true);
        if is(self.shared) {
            return Err(("shared_tenant", "shares an n8n with others"));
        }
        if is(self.ended) {
            return Err(("tenant_ended", "is being removed, or never came to be"));
        }
        if is(self.unread) {
            return Err(("unknown_version", "runs a release that cannot be told from a later one"));
        }
        Ok(id)
    }
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
