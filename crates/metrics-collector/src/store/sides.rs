//! What both sides of a tenant answered, as the record keeps it for a while.

use common::cluster::ClusterId;
use edge::calls::Reading;
use sqlx::{PgPool, types::Json};

/// Nobody compares by what was longer ago.
const KEPT: &str = "30 minutes";

/// Notes what this reading says of those in this cluster that have a second side, and forgets what is old.
pub async fn note(pool: &PgPool, cluster: &ClusterId, reading: &Reading) -> Result<(), sqlx::Error> {
    let with_two = "select r.host from routes r join tenants t on t.id = r.tenant_id
                     where t.cluster_id = $1 and t.second_version is not null";
    let hosts: Vec<String> = sqlx::query_scalar(with_two).bind(cluster.as_str()).fetch_all(pool).await?;
    let theirs = reading.sides.iter().filter(|(side, _)| hosts.iter().any(|host| host == side.host.as_str()));
    let theirs: Vec<_> = theirs.collect();
    let note = "with forgotten as (delete from side_readings where read_at < now() - $7::interval)
        insert into side_readings (tenant_id, host, color, webhooks, read_at, started_at, answers)
        select r.tenant_id, seen.host, seen.color, seen.webhooks, now(), $6::timestamptz, seen.answers
          from unnest($2::text[], $3::text[], $4::boolean[], $5::jsonb[]) as seen (host, color, webhooks, answers)
          join routes r on r.host = seen.host join tenants t on t.id = r.tenant_id and t.cluster_id = $1
        on conflict do nothing";
    let note = sqlx::query(note).bind(cluster.as_str());
    let note = note.bind(theirs.iter().map(|(side, _)| side.host.as_str()).collect::<Vec<_>>());
    let note = note.bind(theirs.iter().map(|(side, _)| side.color.as_str()).collect::<Vec<_>>());
    let note = note.bind(theirs.iter().map(|(side, _)| side.webhooks).collect::<Vec<_>>());
    let note = note.bind(theirs.iter().map(|(_, answers)| Json(*answers)).collect::<Vec<_>>());
    note.bind(reading.started_at).bind(KEPT).execute(pool).await.map(drop)
}
