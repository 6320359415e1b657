//! Tenants, as far as the one who asks may see them.

use std::time::Duration;

use common::{
    cluster::ClusterId,
    id::TenantId,
    tenant::{Mode, Subdomain, TenantStatus},
};
use serde::Deserialize;
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, Row, postgres::PgRow, types::Json};
use time::{OffsetDateTime, serde::rfc3339};

use super::{
    backups::BackedUp,
    reader::{Reader, seen},
    word::Word,
};
use crate::tenants::{ClusterName, ExecutionsByKind, Filter, MonthUsage, PlanName, words::Name};

/// A cluster is looked at every 20 s at least: three looks that did not happen make what was seen old.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// A tenant with its limits and the name of its main container.
#[derive(Debug, Clone, FromRow)]
pub struct Tenant {
    pub id: TenantId,
    /// It is an n8n that the platform runs for others to share.
    pub the_platforms_own: bool,
    pub name: String,
    pub email: String,
    pub subdomain: String,
    #[sqlx(try_from = "String")]
    pub mode: Word<Mode>,
    #[sqlx(try_from = "String")]
    pub status: Word<TenantStatus>,
    pub plan: String,
    pub region: Option<String>,
    /// Which one it claims, proven or not.
    pub custom_domain: Option<String>,
    pub compliance: Vec<String>,
    pub metadata: Value,
    pub n8n_version: String,
    pub cluster_id: Option<String>,
    pub failure: Option<String>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub container: Option<String>,
    pub cpu_millis: i32,
    pub memory_mb: i32,
    pub workers: i32,
    pub storage_gb: i32,
    pub executions_per_month: i32,
    pub concurrent_executions: i32,
    pub api_calls_per_hour: i32,
}

impl Tenant {
    /// The cluster that it lives in, whose provisioner knows what runs there.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.cluster_id.as_deref().and_then(|cluster| cluster.parse().ok())
    }
}

/// A tenant and everything that should run for it.
#[derive(Debug)]
pub struct Detailed {
    pub tenant: Tenant,
    pub instances: Vec<Instance>,
    /// Present from when it is healed until it has been well for a while.
    pub trouble: Option<Trouble>,
    /// Of one that shares an n8n: how that is, once it has a place in one.
    pub shared: Option<Shared>,
    /// What it claims a domain of its own with.
    pub claim: Option<Claim>,
    /// Whether its cluster was looked at lately.
    pub fresh: bool,
    /// What it has run in the present month.
    pub month: MonthUsage,
    /// How its backups stand.
    pub backed_up: BackedUp,
}

/// A domain that a tenant claims, and how far that has come.
#[derive(Debug, Clone, Deserialize)]
pub struct Claim {
    pub domain: String,
    pub token: String,
    pub state: String,
    #[serde(with = "rfc3339")]
    pub claimed_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    pub proven_at: Option<OffsetDateTime>,
    /// Of one whose proof is gone: until when it is served all the same.
    #[serde(with = "rfc3339::option")]
    pub served_until: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    pub looked_at: Option<OffsetDateTime>,
    pub reason: Option<String>,
    /// When it is looked for next, unless somebody asks.
    #[serde(with = "rfc3339::option")]
    pub look_after: Option<OffsetDateTime>,
}

/// The n8n that a tenant shares.
#[derive(Debug, Clone, Deserialize)]
pub struct Shared {
    pub n8n_version: String,
    /// Not for owners.
    pub instance: Option<uuid::Uuid>,
    /// Healing does not help it.
    pub troubled: bool,
    /// Its main and one of its workers at least.
    pub ready: bool,
}

/// Since when, and of what, a tenant had to be healed without being well for a while since.
#[derive(Debug, Clone, Deserialize)]
pub struct Trouble {
    #[serde(with = "rfc3339")]
    pub since: OffsetDateTime,
    pub reasons: Vec<String>,
    /// Healing did not help in time.
    pub shown: bool,
    /// Until when it is not healed again, if it is left alone now.
    #[serde(with = "rfc3339::option")]
    pub paused_until: Option<OffsetDateTime>,
}

impl Claim {
    /// One that is made at this moment.
    pub fn new(domain: String, token: String, at: OffsetDateTime) -> Self {
        Self {
            domain,
            token,
            state: "pending".to_owned(),
            claimed_at: at,
            proven_at: None,
            served_until: None,
            looked_at: None,
            reason: None,
            look_after: Some(at),
        }
    }
}

impl FromRow<'_, PgRow> for Detailed {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let Json(mut instances): Json<Vec<Instance>> = row.try_get("instances")?;
        let (observed, asked) = (row.try_get("observed_at")?, row.try_get("asked_at")?);
        instances.iter_mut().for_each(|instance| instance.date(observed, asked));
        let (mut tenant, color): (Tenant, &str) = (Tenant::from_row(row)?, row.try_get("active_color")?);
        let main = instances.iter().find(|instance| instance.role == "main" && instance.color == color);
        let container = main.map(|instance| instance.name.clone());
        let trouble = row.try_get::<Option<Json<Trouble>>, _>("trouble")?.map(|Json(trouble)| trouble);
        let shared = row.try_get::<Option<Json<Shared>>, _>("shared")?.map(|Json(shared)| shared);
        if let Some(Shared { n8n_version, .. }) = &shared {
            tenant.n8n_version.clone_from(n8n_version);
        }
        let claim = row.try_get::<Option<Json<Claim>>, _>("claim")?.map(|Json(claim)| claim);
        let fresh = is_recent(observed, asked);
        let executions = row.try_get::<Option<Json<ExecutionsByKind>>, _>("executions")?;
        let executions = executions.map(|Json(executions)| executions).unwrap_or_default();
        let month = MonthUsage::new(row.try_get("month")?, executions, row.try_get("storage_bytes")?);
        let (tenant, backed_up) = (Tenant { container, ..tenant }, BackedUp::from_row(row)?);
        Ok(Self { tenant, instances, trouble, shared, claim, fresh, month, backed_up })
    }
}

/// A container that should run for a tenant, and how it was last seen. It is read from an array in the order of its fields: their names for each
/// would be most of what the record sends and the gateway reads.
#[derive(Debug, Deserialize)]
pub struct Instance {
    pub name: String,
    pub role: String,
    pub color: String,
    pub ordinal: i32,
    pub generation: i64,
    pub cpu_millis: i32,
    pub memory_mb: i32,
    pub state: String,
    pub health: String,
    /// When it was last seen like this.
    #[serde(with = "rfc3339::option")]
    pub seen_at: Option<OffsetDateTime>,
    /// Whether that is recent.
    #[serde(skip)]
    pub fresh: bool,
    pub restarts: i64,
    #[serde(with = "rfc3339::option")]
    pub last_restart_at: Option<OffsetDateTime>,
    pub last_exit_code: Option<i64>,
    pub oom_killed: bool,
    pub oom_kills: i64,
}

impl Instance {
    /// A row changes when what is seen does; that it was still so was seen when its cluster was last looked at.
    fn date(&mut self, observed: Option<OffsetDateTime>, asked: OffsetDateTime) {
        self.fresh = is_recent(observed, asked);
        if self.state != "unknown" {
            self.seen_at = self.seen_at.map(|at| observed.map_or(at, |observed| at.max(observed)));
        }
    }
}

fn is_recent(observed: Option<OffsetDateTime>, asked: OffsetDateTime) -> bool {
    observed.is_some_and(|at| asked - at < FRESH_FOR)
}

/// Every question about tenants begins like this; `$1` is the caller's scope. `with` says which n8n runs for each, and what else is wanted of it.
macro_rules! visible_tenants {
    ($rest:literal) => {
        visible_tenants!(
            with "case t.mode when 'shared' then coalesce(
                        (select s.n8n_version from shared_n8n_sightings s where s.tenant = t.id), t.n8n_version)
                    else t.n8n_version end",
            "(select i.name from tenant_instances i
                    where i.tenant_id = t.id and i.role = 'main' and i.color = t.active_color
                    order by i.ordinal limit 1) as container",
            $rest
        )
    };
    (with $version:literal, $more:literal, $rest:literal) => {
        concat!(
            "select t.id, t.purpose <> 'customer' as the_platforms_own, t.name, t.email, t.subdomain, t.mode, t.status, t.plan, t.region,
                    coalesce(d.domain, t.custom_domain) as custom_domain, t.compliance, t.metadata, ",
            $version,
            " as n8n_version, t.cluster_id, t.failure, t.created_at, t.updated_at,
                    l.cpu_millis, l.memory_mb, l.workers, l.storage_gb, l.executions_per_month,
                    l.concurrent_executions, l.api_calls_per_hour, ",
            $more,
            " from tenants t join tenant_limits l on l.tenant_id = t.id
                   left join custom_domains d on d.tenant_id = t.id and d.state <> 'removed'
              where ",
            seen!("t.id"),
            " and ",
            $rest
        )
    };
}

/// The same with everything that runs for each; the main container is found among it.
macro_rules! tenants_in_detail {
    ($rest:literal) => {
        visible_tenants!(
            with "t.n8n_version",
            "null as container, t.active_color, coalesce((
                select json_agg(json_build_array(i.name, i.role, i.color, i.ordinal, i.generation, i.cpu_millis,
                           i.memory_mb, i.state, i.health, i.seen_at, i.restarts, i.last_restart_at,
                           i.last_exit_code, i.oom_killed, i.oom_kills)
                           order by i.color, i.role, i.ordinal)
                  from tenant_instances i where i.tenant_id = t.id), '[]') as instances,
                (select c.observed_at from cluster_sightings c where c.id = t.cluster_id) as observed_at, now() as asked_at,
                (select json_build_object('since', r.since, 'reasons', r.reasons, 'shown', r.shown_at is not null,
                           'paused_until', case when r.heal_after > now() then r.heal_after end)
                   from tenant_troubles r where r.tenant_id = t.id) as trouble,
                case t.mode when 'shared' then shared_n8n_of(t.id) end as shared,
                case when d.tenant_id is not null then
                    json_build_object('domain', d.domain, 'token', d.token, 'state', d.state, 'claimed_at', d.claimed_at,
                        'proven_at', d.proven_at, 'served_until', d.served_until, 'reason', d.reason,
                        'looked_at', case when d.looked_at >= d.claimed_at then d.looked_at end, 'look_after', d.look_after)
                    end as claim,
                (select json_object_agg(u.kind, u.executions) from usage_rollups_monthly u
                  where u.tenant_id = t.id and u.month = (date_trunc('month', now(), 'UTC') at time zone 'UTC')::date) as executions,
                to_char(now() at time zone 'UTC', 'YYYY-MM') as month,
                (select b.taken_at from backups b
                  where b.tenant_id = t.id and b.status in ('verified', 'proven') and b.includes_database
                  order by b.taken_at desc limit 1) as last_restorable_at,
                (select b.proven_at from backups b
                  where b.tenant_id = t.id and b.proven_at is not null order by b.proven_at desc limit 1) as last_proven_at,
                (select json_build_object('failed_at', b.failed_at, 'failure', b.failure) from backups b
                  where b.tenant_id = t.id and b.failed_at is not null order by b.failed_at desc limit 1) as last_failed,
                (select s.storage_bytes from tenant_samples s where s.tenant_id = t.id) as storage_bytes",
            $rest
        )
    };
}

/// What is read of a tenant.
pub trait Known: for<'r> FromRow<'r, PgRow> + Send + Unpin {
    /// Asks for the one with the id `$2`.
    const BY_ID: &'static str;
    /// Asks for the one with the subdomain `$2`. One that is gone has it no more; one that gave it up only while nobody else
    /// has it.
    const BY_SUBDOMAIN: &'static str;

    /// Which tenant it is.
    fn id(&self) -> TenantId;
}

/// `visible_tenants!` or `tenants_in_detail!`, asked for one.
macro_rules! known_by {
    ($tenants:ident) => {
        const BY_ID: &'static str = $tenants!("t.id = $2");
        const BY_SUBDOMAIN: &'static str = $tenants!(
            "t.subdomain = $2 and t.status <> 'deleted' order by t.address_released, t.created_at desc limit 1"
        );
    };
}

impl Known for Tenant {
    known_by!(visible_tenants);

    fn id(&self) -> TenantId {
        self.id
    }
}

impl Known for Detailed {
    known_by!(tenants_in_detail);

    fn id(&self) -> TenantId {
        self.tenant.id
    }
}

/// Which tenant has this id?
pub async fn find<T: Known>(reader: &Reader<'_>, id: TenantId) -> Result<Option<T>, sqlx::Error> {
    reader.ask(T::BY_ID).bind(id).optional().await
}

/// Which tenant has this subdomain?
pub async fn find_by_subdomain<T: Known>(
    reader: &Reader<'_>,
    subdomain: &Subdomain,
) -> Result<Option<T>, sqlx::Error> {
    reader.ask(T::BY_SUBDOMAIN).bind(subdomain.as_str()).optional().await
}

/// Which tenants of customers come next, the newest first? Those that are gone are listed only when asked for.
pub async fn page(reader: &Reader<'_>, filter: &Filter) -> Result<Vec<Tenant>, sqlx::Error> {
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let tenants = reader.ask(visible_tenants!(
        "t.purpose = 'customer' and ($2::text is null or t.mode = $2)
         and (t.status = $3 or ($3::text is null and t.status <> 'deleted'))
         and ($4::text is null or t.plan = $4)
         and ($5::text is null or t.cluster_id = $5)
         and ($6::text is null or strpos(t.search, (select search_key($6))) > 0)
         and ($7::timestamptz is null or (t.created_at, t.id) < ($7, $8))
         order by t.created_at desc, t.id desc limit $9"
    ));
    let tenants = tenants
        .bind(filter.mode.map(Mode::as_str))
        .bind(filter.status.map(TenantStatus::as_str))
        .bind(filter.plan.as_ref().map(PlanName::as_str))
        .bind(filter.cluster.as_ref().map(ClusterName::as_str))
        .bind(filter.q.as_ref().map(Name::as_str));
    tenants.bind(at).bind(id).bind(filter.page.rows()).all().await
}

/// So many tenants of one sort.
#[derive(Debug, FromRow)]
pub struct Count {
    pub mode: String,
    pub status: String,
    pub plan: String,
    pub tenants: i64,
}

/// How many tenants of customers are there of each sort?
pub async fn counts(executor: impl PgExecutor<'_>) -> Result<Vec<Count>, sqlx::Error> {
    let counts = "select mode, status, plan, count(*) as tenants from tenants where purpose = 'customer'
                   group by mode, status, plan";
    sqlx::query_as(counts).fetch_all(executor).await
}
