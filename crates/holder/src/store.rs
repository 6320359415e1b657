//! The held calls of the record.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use common::id::TenantId;
use http::StatusCode;
use sqlx::{FromRow, PgExecutor, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    bounds::Held,
    call::{Call, Headers},
};

/// A value's bytes as the code points of a text: JSON has no bytes.
type Written = Json<Vec<(String, String)>>;

/// A call that is to be delivered now.
#[derive(Debug)]
pub struct Claimed {
    pub receipt: Uuid,
    pub tenant: TenantId,
    pub call: Call,
    /// This delivery included.
    pub deliveries: i32,
    /// As above, since it was held or a person had it delivered again.
    pub tries: i32,
}

/// What n8n answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: Headers,
    /// `None`: it was too long to be kept.
    pub body: Option<Bytes>,
}

/// How a held call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// n8n's answer; none, where it gave none in time.
    Delivered(Option<Answer>),
    Dead,
}

/// Whose calls come to a host.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Called {
    pub tenant: TenantId,
    /// It is suspended: nobody is back in a moment.
    pub rests: bool,
    /// Its plan has calls held all the same.
    pub holds_at_rest: bool,
}

/// Whose is a call to this path of this host? On the host of an n8n that tenants share it is that tenant's whose prefix the path begins with.
pub async fn called(
    executor: impl PgExecutor<'_>,
    host: &str,
    path: &str,
) -> Result<Option<Called>, sqlx::Error> {
    let called = "select t.id as tenant, p.holds_when_suspended as holds_at_rest,
                         exists (select from routes o where o.tenant_id = t.id and o.stand_in = 'suspended') as rests
                    from routes r
                    left join tenants m on m.shared_instance = r.tenant_id::text and m.shared_project = $2
                    join tenants t on t.id = coalesce(m.id, r.tenant_id)
                    join plans p on p.name = t.plan
                   where r.host = $1";
    let prefix = path.split('/').filter(|part| !part.is_empty()).nth(1);
    sqlx::query_as(called).bind(host).bind(prefix).fetch_optional(executor).await
}

/// It is held from now on.
pub async fn hold(
    executor: impl PgExecutor<'_>,
    (receipt, tenant): (Uuid, TenantId),
    call: &Call,
) -> Result<(), sqlx::Error> {
    let hold = "insert into held_calls (receipt, tenant_id, host, method, target, path, headers, body, bytes)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(hold)
        .bind(receipt)
        .bind(tenant)
        .bind(call.host.as_str())
        .bind(call.method.as_str())
        .bind(&call.target)
        .bind(call.path())
        .bind(written(&call.headers))
        .bind(call.body.as_ref())
        .bind(i32::try_from(call.body.len()).unwrap_or(i32::MAX))
        .execute(executor)
        .await
        .map(drop)
}

#[derive(FromRow)]
struct Row {
    receipt: Uuid,
    tenant_id: TenantId,
    host: String,
    method: String,
    target: String,
    headers: Written,
    body: Vec<u8>,
    deliveries: i32,
    tries: i32,
}

/// How many are taken: altogether, of one tenant, of so many bytes and one body more, and of whom none or one.
#[derive(Debug)]
pub struct Take {
    pub most: i64,
    pub of_tenant: i64,
    pub bytes: i64,
    pub without: Vec<TenantId>,
    /// Those who may not be back.
    pub away: Vec<TenantId>,
}

/// How long after one call of a path the next is sent if that has not been answered: n8n has it by then, and what runs for minutes would hold up
/// all that came after it.
const ARRIVES_WITHIN: Duration = Duration::from_secs(1);

/// Takes calls, of each path the earliest, unless one of its path has just been sent; none of a tenant that is suspended, which is back when somebody
/// says so. Of a tenant those come first that were not put back: one whose path leads nowhere any more keeps no other waiting. Whoever has one has it for this long without saying so again.
pub async fn claim(
    executor: impl PgExecutor<'_>,
    take: &Take,
    lease: Duration,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let claim = "with first as (
             select distinct on (tenant_id, path) receipt, tenant_id, path, number, bytes, state, due_at
               from held_calls
              where (state = 'held' or state = 'delivering' and lease_until < clock_timestamp()) and tenant_id <> all ($2)
                and not exists (select from routes r where r.tenant_id = held_calls.tenant_id and r.stand_in = 'suspended')
              order by tenant_id, path, number
         ), due as (
             select receipt, number, bytes, row_number() over (partition by tenant_id order by due_at, number) as place,
                    case when tenant_id = any ($6) then 1 else $4 end as places from first f
              where (state = 'delivering' or due_at <= clock_timestamp())
                and not exists (select from held_calls u
                                 where u.tenant_id = f.tenant_id and u.path = f.path and u.state = 'delivering'
                                   and u.lease_until >= clock_timestamp() and u.sent_at > clock_timestamp() - make_interval(secs => $5))
         ), fit as (
             select receipt, number, sum(bytes) over (order by number) - bytes as before from due where place <= places
         ), free as (
             select h.receipt from held_calls h join fit f using (receipt)
              where f.before < $7 order by f.number limit $1 for update of h skip locked
         )
         update held_calls h
            set state = 'delivering', lease_until = clock_timestamp() + make_interval(secs => $3), deliveries = h.deliveries + 1,
                sent_at = clock_timestamp()
           from free
          where h.receipt = free.receipt and (h.state = 'held' or h.state = 'delivering' and h.lease_until < clock_timestamp())
         returning h.receipt, h.tenant_id, h.host, h.method, h.target, h.headers, h.body, h.deliveries,
                   h.deliveries - h.given_up_after as tries";
    let rows: Vec<Row> = sqlx::query_as(claim)
        .bind(take.most)
        .bind(&take.without)
        .bind(lease.as_secs_f64())
        .bind(take.of_tenant)
        .bind(ARRIVES_WITHIN.as_secs_f64())
        .bind(&take.away)
        .bind(take.bytes)
        .fetch_all(executor)
        .await?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

impl Row {
    /// What was written here reads; one that does not is never claimed to an end, and said so.
    fn read(self) -> Option<Claimed> {
        let (host, method) = (self.host.parse(), self.method.parse());
        let (Ok(host), Ok(method)) = (host, method) else {
            tracing::error!(receipt = %self.receipt, "a held call does not read");
            return None;
        };
        let Json(headers) = self.headers;
        let headers = Headers(headers.into_iter().map(|(name, value)| (name, bytes_of(&value))).collect());
        let call = Call { host, method, target: self.target, headers, body: self.body.into() };
        let Self { receipt, tenant_id: tenant, deliveries, tries, .. } = self;
        Some(Claimed { receipt, tenant, call, deliveries, tries })
    }
}

/// Whoever delivers it is still at it. `false`: it is somebody else's by now.
pub async fn renew(
    executor: impl PgExecutor<'_>,
    receipt: Uuid,
    lease: Duration,
) -> Result<bool, sqlx::Error> {
    let renew = "update held_calls set lease_until = clock_timestamp() + make_interval(secs => $2) where receipt = $1 and state = 'delivering'";
    let done = sqlx::query(renew).bind(receipt).bind(lease.as_secs_f64()).execute(executor).await?;
    Ok(done.rows_affected() > 0)
}

/// It is held again, for this long at least; `sent`: it may have reached the n8n, which counts.
pub async fn put_back(
    executor: impl PgExecutor<'_>,
    (receipt, sent): (Uuid, bool),
    pause: Duration,
    why: String,
) -> Result<(), sqlx::Error> {
    let put_back = "update held_calls
           set state = 'held', lease_until = null, due_at = clock_timestamp() + make_interval(secs => $2),
               deliveries = deliveries - case when $3 then 0 else 1 end, failure = $4
         where receipt = $1 and state = 'delivering'";
    let put_back = sqlx::query(put_back).bind(receipt).bind(pause.as_secs_f64()).bind(sent).bind(why);
    put_back.execute(executor).await.map(drop)
}

/// This is its end. What the caller sent is kept no longer, unless it came to nothing.
pub async fn end(
    executor: impl PgExecutor<'_>,
    receipt: Uuid,
    (end, why): (&End, String),
) -> Result<(), sqlx::Error> {
    let ended = "update held_calls
           set state = $2, lease_until = null, ended_at = clock_timestamp(), answer_status = $3, answer_headers = $4, answer_body = $5,
               failure = case when $2 = 'dead' or $3 is null then $6 end,
               headers = case when $2 = 'dead' then headers else '[]' end, body = case when $2 = 'dead' then body else '' end
         where receipt = $1 and state = 'delivering'";
    let (state, answer) = match end {
        End::Delivered(answer) => ("delivered", answer.as_ref()),
        End::Dead => ("dead", None),
    };
    sqlx::query(ended)
        .bind(receipt)
        .bind(state)
        .bind(answer.and_then(|answer| i16::try_from(answer.status.as_u16()).ok()))
        .bind(answer.map(|answer| written(&answer.headers)))
        .bind(answer.and_then(|answer| answer.body.as_deref()))
        .bind(why)
        .execute(executor)
        .await
        .map(drop)
}

#[derive(FromRow)]
struct Ended {
    receipt: Uuid,
    state: String,
    answer_status: Option<i16>,
    answer_headers: Option<Written>,
    answer_body: Option<Vec<u8>>,
}

/// Which of these have ended, and how?
pub async fn ended(
    executor: impl PgExecutor<'_>,
    receipts: &[Uuid],
) -> Result<Vec<(Uuid, End)>, sqlx::Error> {
    let ended = "select receipt, state, answer_status, answer_headers, answer_body from held_calls
                  where receipt = any ($1) and state in ('delivered', 'dead')";
    let rows: Vec<Ended> = sqlx::query_as(ended).bind(receipts).fetch_all(executor).await?;
    Ok(rows.into_iter().map(|row| (row.receipt, row.read())).collect())
}

impl Ended {
    fn read(self) -> End {
        if self.state == "dead" {
            return End::Dead;
        }
        let status = self.answer_status.and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        End::Delivered(status.map(|status| {
            let headers = self.answer_headers.map(|Json(headers)| headers).unwrap_or_default();
            let headers = headers.into_iter().map(|(name, value)| (name, bytes_of(&value))).collect();
            Answer { status, headers: Headers(headers), body: self.answer_body.map(Bytes::from) }
        }))
    }
}

/// How much is held of whom.
pub async fn held(executor: impl PgExecutor<'_>) -> Result<HashMap<TenantId, Held>, sqlx::Error> {
    let held = "select tenant_id, count(*), coalesce(sum(bytes), 0)::bigint from held_calls
                 where state in ('held', 'delivering') group by tenant_id";
    let rows: Vec<(TenantId, i64, i64)> = sqlx::query_as(held).fetch_all(executor).await?;
    let held = |calls: i64, bytes: i64| Held { calls: calls.unsigned_abs(), bytes: bytes.unsigned_abs() };
    Ok(rows.into_iter().map(|(tenant, calls, bytes)| (tenant, held(calls, bytes))).collect())
}

/// So many tenants are told of.
const TOLD: i64 = 100;

/// Since when is the earliest call of each tenant held, of those who wait longest? Those of tenants that are suspended wait because somebody wants it.
pub async fn oldest(executor: impl PgExecutor<'_>) -> Result<Vec<(TenantId, OffsetDateTime)>, sqlx::Error> {
    let oldest = "select h.tenant_id, min(coalesce(h.replayed_at, h.held_at)) as since
                    from held_calls h join tenants t on t.id = h.tenant_id
                   where h.state in ('held', 'delivering') and t.status <> 'suspended'
                   group by h.tenant_id order by since limit $1";
    sqlx::query_as(oldest).bind(TOLD).fetch_all(executor).await
}

/// Gives up what nobody can take any more: held for so long, or of a tenant that is gone. Returns how many.
pub async fn give_up(executor: impl PgExecutor<'_>, longest: Duration) -> Result<u64, sqlx::Error> {
    let give_up = "update held_calls h set state = 'dead', ended_at = clock_timestamp(), lease_until = null,
               failure = case when t.status = 'deleted' then 'The tenant was removed.' else 'It was held for too long.' end
          from tenants t
         where t.id = h.tenant_id and h.state = 'held'
           and (t.status = 'deleted' or coalesce(h.replayed_at, h.held_at) < clock_timestamp() - make_interval(secs => $1))";
    let done = sqlx::query(give_up).bind(longest.as_secs_f64()).execute(executor).await?;
    Ok(done.rows_affected())
}

/// Forgets answers some minutes after somebody could have waited for them, and what ended long ago altogether.
pub async fn forget(
    executor: &sqlx::PgPool,
    (answers, all): (Duration, Duration),
) -> Result<(), sqlx::Error> {
    let answers_of = "update held_calls set answer_headers = null, answer_body = null
                       where state = 'delivered' and ended_at < clock_timestamp() - make_interval(secs => $1)
                         and (answer_headers is not null or answer_body is not null)";
    sqlx::query(answers_of).bind(answers.as_secs_f64()).execute(executor).await?;
    let all_of = "delete from held_calls where state in ('delivered', 'dead') and ended_at < clock_timestamp() - make_interval(secs => $1)";
    sqlx::query(all_of).bind(all.as_secs_f64()).execute(executor).await.map(drop)
}

fn written(headers: &Headers) -> Written {
    let text = |value: &[u8]| value.iter().map(|byte| char::from(*byte)).collect();
    Json(headers.0.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

fn bytes_of(text: &str) -> Vec<u8> {
    text.chars().filter_map(|point| u8::try_from(u32::from(point)).ok()).collect()
}
