//! Events: from the outbox into the order they are told in, and out to whoever may see them.

use common::{
    database,
    id::{OperationId, TenantId},
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, PgPool, PgTransaction};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::reader::{Reader, seen};
use crate::events::Selection;

/// So many rows at once: some milliseconds.
pub const BATCH: u64 = 1_000;

/// Who holds this moves events out of the outbox, alone in the whole database ("rp9" and a number).
const ARRANGING: i64 = 0x7270_3901;
/// Who holds this publishes.
const RELAYING: i64 = 0x7270_3902;

/// Something that happened.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Event {
    /// Rises from event to event, with gaps. Whoever has seen it has been told everything before it.
    pub id: i64,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// A family (`operation`, `step`, `tenant`, `instance`, `schedule`, `backup`, `rollout`, `dead_letter`) and what happened.
    #[schema(example = "operation.succeeded")]
    pub kind: String,
    #[schema(value_type = Option<String>)]
    pub tenant_id: Option<TenantId>,
    #[schema(value_type = Option<String>)]
    pub operation_id: Option<OperationId>,
    /// For the bus, and for nobody outside.
    #[serde(skip)]
    pub correlation_id: Option<String>,
    #[schema(value_type = Object)]
    pub data: Value,
    /// Whether it is about what the platform runs for itself. Not asked for where that is left out anyway.
    #[serde(skip)]
    #[sqlx(default)]
    pub the_platforms_own: bool,
}

/// How far the events go.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct LogRange {
    /// Whether some are in the outbox still.
    pub waiting: bool,
    /// The last one there ever was.
    pub latest: i64,
    /// Up to this one they are not kept any longer.
    pub forgotten: i64,
}

/// How far do the events go?
pub async fn log_range(executor: impl PgExecutor<'_>) -> Result<LogRange, sqlx::Error> {
    sqlx::query_as(
        "select exists (select from event_outbox) as waiting,
                greatest(forgotten_id, (select max(id) from events)) as latest,
                forgotten_id as forgotten
           from event_relay",
    )
    .fetch_one(executor)
    .await
}

/// Gives what is in the outbox its place among the events. Returns how many; none if somebody else is at it.
///
/// One transaction at a time: ids become visible in their own order, so whoever saw one has seen all before it.
pub async fn arrange(database: &PgPool) -> Result<u64, sqlx::Error> {
    let mut transaction = database::begin(database).await?;
    if !alone(&mut transaction, ARRANGING).await? {
        return Ok(0);
    }
    // A statement of its own, after the lock: it sees whatever the one before us did.
    let arranged = sqlx::query(
        "with taken as (
             delete from event_outbox where seq in (select seq from event_outbox order by seq limit $1)
             returning seq, at, kind, tenant_id, operation_id, correlation_id, data)
         insert into events (at, kind, tenant_id, operation_id, correlation_id, data)
         select at, kind, tenant_id, operation_id, correlation_id, data from taken order by seq",
    );
    let arranged = arranged.bind(BATCH.cast_signed()).execute(&mut *transaction).await?.rows_affected();
    transaction.commit().await?;
    Ok(arranged)
}

async fn alone(transaction: &mut PgTransaction<'_>, what: i64) -> Result<bool, sqlx::Error> {
    let tried = sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(what);
    tried.fetch_one(&mut **transaction).await
}

/// Which events came after this one, whoever may see them? For this process, never for a caller.
pub async fn all_after(
    executor: impl PgExecutor<'_>,
    id: i64,
    limit: u64,
) -> Result<Vec<Event>, sqlx::Error> {
    sqlx::query_as(
        "select id, at, kind, tenant_id, operation_id, correlation_id, data,
                coalesce(tenant_id = any (array(select own.id from tenants own where own.purpose <> 'customer')), false)
                    as the_platforms_own
           from events where id > $1 order by id limit $2",
    )
    .bind(id)
    .bind(limit.cast_signed())
    .fetch_all(executor)
    .await
}

/// Which events came after this one, of those that are selected and may be seen?
pub async fn after(
    reader: &Reader<'_>,
    selection: &Selection,
    id: i64,
    limit: u64,
) -> Result<Vec<Event>, sqlx::Error> {
    let events = reader.ask(concat!(
        "select id, at, kind, tenant_id, operation_id, correlation_id, data
           from events
          where id > $2 and ",
        seen!("tenant_id"),
        " and ($3::uuid is null or tenant_id = $3)
            and ($4::uuid is null or operation_id = $4)
            and ($5::text is null or kind = $5 or split_part(kind, '.', 1) = $5)
          order by id limit $6"
    ));
    let events = events.bind(id).bind(selection.tenant).bind(selection.operation);
    events.bind(selection.kind.as_ref().map(|kind| kind.as_str())).bind(limit.cast_signed()).all().await
}

/// Has this operation ended, and is its end among the events?
pub async fn is_told(reader: &Reader<'_>, operation: OperationId) -> Result<bool, sqlx::Error> {
    let told = reader.ask(concat!(
        "select exists (select from operations where id = $2 and ",
        seen!("tenant_id"),
        "                 and (finished_at is not null or status = 'stuck'))
            and not exists (select from event_outbox where operation_id = $2)"
    ));
    let (told,) = told.bind(operation).one().await?;
    Ok(told)
}

/// The right to publish, for as long as its transaction is open.
#[derive(Debug)]
pub struct Relaying {
    transaction: PgTransaction<'static>,
    /// What is to be published next, in this order.
    pub events: Vec<Event>,
}

impl Relaying {
    /// Takes the right, unless somebody else has it.
    pub async fn begin(database: &PgPool, limit: u64) -> Result<Option<Self>, sqlx::Error> {
        let mut transaction = database::begin(database).await?;
        if !alone(&mut transaction, RELAYING).await? {
            return Ok(None);
        }
        let published = sqlx::query_scalar("select published_id from event_relay");
        let published: i64 = published.fetch_one(&mut *transaction).await?;
        let events = all_after(&mut *transaction, published, limit).await?;
        Ok(Some(Self { transaction, events }))
    }

    /// Notes that everything up to this one was published.
    pub async fn published(mut self, id: i64) -> Result<(), sqlx::Error> {
        let noted = sqlx::query("update event_relay set published_id = $1 where published_id < $1").bind(id);
        noted.execute(&mut *self.transaction).await?;
        self.transaction.commit().await
    }
}

/// For how many seconds has the oldest unpublished event been waiting?
pub async fn lag(executor: impl PgExecutor<'_>) -> Result<f64, sqlx::Error> {
    sqlx::query_scalar(
        "select coalesce(greatest(extract(epoch from clock_timestamp() - least(
                    (select at from event_outbox order by seq limit 1),
                    (select at from events where id > published_id order by id limit 1))), 0), 0)::float8
           from event_relay",
    )
    .fetch_one(executor)
    .await
}

/// Forgets a batch of published events after a week. Returns how many.
pub async fn forget(executor: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "with old as (
             select id from events
              where id <= (select published_id from event_relay) and at < now() - interval '7 days'
              order by id limit $1 for update skip locked
         ), gone as (
             delete from events where id in (select id from old) returning id
         ), noted as (
             update event_relay set forgotten_id = greatest(forgotten_id, (select max(id) from gone))
              where exists (select from gone))
         select count(*) from gone",
    );
    let gone: i64 = sqlx::Row::try_get(&forgotten.bind(BATCH.cast_signed()).fetch_one(executor).await?, 0)?;
    Ok(gone.unsigned_abs())
}
