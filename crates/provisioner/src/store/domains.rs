//! Customers' own domains: who claims one, and whose it is.

use common::{
    database,
    id::{OperationId, TenantId},
    operations::{self, Asked, NewOperation, Request as _},
    role::Role,
};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};
use wire::kinds::TenantReroute;

use crate::domains::{GRACE, Next, Served, State};

/// A domain that a tenant claims, and how far that has come.
#[derive(Debug, Clone, FromRow)]
pub struct Claim {
    pub tenant_id: TenantId,
    pub domain: String,
    pub token: String,
    #[sqlx(try_from = "String")]
    pub state: State,
    /// How often it was looked for in vain.
    pub looks: i32,
    /// It was not found for so long that it is not served any more if it is not found now.
    pub overdue: bool,
}

/// What became of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// The domain is the tenant's.
    Theirs,
    /// Another tenant has proven it, and nothing is known that speaks against that one's proof.
    Anothers,
    /// Nobody claims it like this any more.
    Nobodys,
}

/// Which claims of tenants in this cluster are to be looked for now? Nobody else looks for those within the next minute, and nobody's is looked
/// for twice within ten seconds, whoever asks for what.
pub async fn due(executor: impl PgExecutor<'_>, cluster: &str, most: i64) -> Result<Vec<Claim>, sqlx::Error> {
    let due = "update custom_domains d set looked_at = now(), look_after = now() + interval '1 minute'
          from (select d.tenant_id from custom_domains d join tenants t on t.id = d.tenant_id
                 where t.cluster_id = $1 and t.status in ('provisioning', 'active', 'suspended', 'migrating')
                   and d.state <> 'removed' and d.look_after <= now()
                   and (d.looked_at is null or d.looked_at <= now() - interval '10 seconds')
                 order by d.look_after limit $2 for update of d skip locked) due
         where d.tenant_id = due.tenant_id
        returning d.tenant_id, d.domain, d.token, d.state, d.looks, coalesce(d.served_until <= now(), false) as overdue";
    sqlx::query_as(due).bind(cluster).bind(most).fetch_all(executor).await
}

/// Notes what comes of a look, unless the claim is another one by now. One that lapses is not served any more from here on.
pub async fn note(pool: &PgPool, claim: &Claim, next: &Next) -> Result<(), sqlx::Error> {
    let mut transaction = database::begin(pool).await?;
    lock(&mut transaction, claim.tenant_id).await?;
    let (grace, keep) = match next.served {
        Served::Wholly => (None, false),
        Served::AsBefore => (None, true),
        Served::ForAWhile => (Some(GRACE.as_secs_f64()), false),
    };
    let note = "update custom_domains d
           set state = $4, reason = $5, looks = case when $5::text is null then 0 else d.looks + 1 end,
               look_after = case when d.looks < $9 then d.look_after else now() + make_interval(secs => $6) end,
               served_until = case when $7 then d.served_until
                                   when $8::float8 is not null then coalesce(d.served_until, now() + make_interval(secs => $8)) end
         where d.tenant_id = $1 and d.token = $2 and d.state = $3";
    let noted = sqlx::query(note)
        .bind(claim.tenant_id)
        .bind(&claim.token)
        .bind(claim.state.as_str())
        .bind(next.state.as_str())
        .bind(&next.reason)
        .bind(next.look_in.map(|pause| pause.as_secs_f64()))
        .bind(keep)
        .bind(grace)
        // Fewer than there were: somebody has asked meanwhile.
        .bind(claim.looks);
    let noted = noted.execute(&mut *transaction).await?.rows_affected() == 1;
    if noted && next.state == State::Lapsed {
        withdraw(&mut transaction, claim.tenant_id).await?;
    }
    transaction.commit().await
}

/// Makes the domain the tenant's, who has just proven it, if nobody has who can still prove it.
pub async fn prove(pool: &PgPool, claim: &Claim, next: &Next) -> Result<Proved, sqlx::Error> {
    let mut transaction = database::begin(pool).await?;
    lock(&mut transaction, claim.tenant_id).await?;
    let stands = "select exists (select from custom_domains d join tenants t on t.id = d.tenant_id
                                  where d.tenant_id = $1 and d.token = $2 and d.state = $3
                                    and t.status in ('provisioning', 'active', 'suspended', 'migrating'))";
    let stands =
        sqlx::query_scalar(stands).bind(claim.tenant_id).bind(&claim.token).bind(claim.state.as_str());
    if !stands.fetch_one(&mut *transaction).await? {
        return Ok(Proved::Nobodys);
    }
    if let Some((holder, proves)) = holder(&mut transaction, claim).await? {
        if proves {
            // Perhaps not any more: whoever wants to know asks now.
            let look = "update custom_domains set look_after = least(look_after, now()) where tenant_id = $1";
            sqlx::query(look).bind(holder).execute(&mut *transaction).await?;
            transaction.commit().await?;
            return Ok(Proved::Anothers);
        }
        let lapse = "update custom_domains set state = 'lapsed', served_until = null, looks = 0, look_after = now() + interval '1 hour',
                            reason = 'another tenant has proven it'
                      where tenant_id = $1";
        sqlx::query(lapse).bind(holder).execute(&mut *transaction).await?;
        withdraw(&mut transaction, holder).await?;
    }
    let serve = "update tenants set custom_domain = $2, updated_at = now() where id = $1";
    sqlx::query(serve).bind(claim.tenant_id).bind(&claim.domain).execute(&mut *transaction).await?;
    let proven = "update custom_domains set state = 'proven', proven_at = now(), served_until = null, looks = 0, reason = null,
                         look_after = now() + make_interval(secs => $2)
                   where tenant_id = $1";
    let proven =
        sqlx::query(proven).bind(claim.tenant_id).bind(next.look_in.map(|pause| pause.as_secs_f64()));
    proven.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(Proved::Theirs)
}

/// Whoever changes a tenant's domain has locked the tenant.
async fn lock(connection: &mut PgConnection, tenant: TenantId) -> Result<(), sqlx::Error> {
    let lock = sqlx::query("select from tenants where id = $1 for update").bind(tenant);
    lock.execute(connection).await.map(drop)
}

/// Which other tenant is it served for, and was its proof there when it was last looked for?
async fn holder(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Option<(TenantId, bool)>, sqlx::Error> {
    let holder = "select t.id, coalesce(d.state = 'proven' and d.served_until is null, false)
          from tenants t left join custom_domains d on d.tenant_id = t.id
         where t.custom_domain = $1 and t.id <> $2 and t.status <> 'deleted' and not t.address_released
           for update of t";
    sqlx::query_as(holder).bind(&claim.domain).bind(claim.tenant_id).fetch_optional(connection).await
}

/// Nobody is led to the tenant by its own domain any more. At once, whatever else is being done to the tenant: the domain may be somebody
/// else's in a moment.
async fn withdraw(connection: &mut PgConnection, tenant: TenantId) -> Result<(), sqlx::Error> {
    let withdraw = "with former as (select custom_domain from tenants where id = $1),
             gone as (delete from routes r using former where r.tenant_id = $1 and r.host = former.custom_domain)
        update tenants set custom_domain = null, updated_at = now() where id = $1";
    sqlx::query(withdraw).bind(tenant).execute(connection).await.map(drop)
}

/// Which tenants in this cluster are reached by an address that is not theirs any more, or not by one that is? One whose addresses were just tried
/// in vain is left alone for a minute.
pub async fn misrouted(
    executor: impl PgExecutor<'_>,
    cluster: &str,
    domain: &str,
    most: i64,
) -> Result<Vec<TenantId>, sqlx::Error> {
    let misrouted = "select t.id from tenants t
         where t.cluster_id = $1 and t.status in ('active', 'suspended') and t.purpose = 'customer'
           and (exists (select from routes r where r.tenant_id = t.id and r.host <> t.subdomain || '.' || $2
                           and r.host is distinct from t.custom_domain)
                or t.custom_domain is not null
                   and not exists (select from routes r where r.host = t.custom_domain)
                   and exists (select from routes r where r.tenant_id = t.id))
           and not exists (select from operations o where o.tenant_id = t.id and o.kind = $3
                              and (o.status in ('queued', 'running', 'undoing', 'stuck')
                                   or o.status <> 'succeeded' and o.finished_at > now() - interval '1 minute'))
         order by t.id limit $4";
    let misrouted = sqlx::query_scalar(misrouted).bind(cluster).bind(domain).bind(TenantReroute::KIND.name);
    misrouted.bind(most).fetch_all(executor).await
}

/// Asks for a tenant's addresses to be made what the record has. Says whether it is accepted.
pub async fn reroute(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<bool, sqlx::Error> {
    let operation = OperationId::generate();
    let correlation_id = operation.to_string();
    let asked = Asked {
        actor: "domains",
        role: Role::Service,
        correlation_id: &correlation_id,
        traceparent: None,
        reason: None,
    };
    let new = NewOperation::of(operation, &tenant, &TenantReroute {}, asked);
    operations::accept(executor, &new, None).await
}
