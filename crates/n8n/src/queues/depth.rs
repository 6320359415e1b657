//! How full the queues are, and whether anybody works at them. Of Bull's keys `wait` and `paused` are lists of jobs to be taken, `active` of
//! those taken; `id` counts those that ever came, and a worker renews `<job>:lock` while it is at a job.

use common::id::TenantId;
use redis::aio::MultiplexedConnection;

use super::ask::refused;
use super::{Depth, QueueError, prefix};

/// Of so many active jobs the locks are looked for: more than any tenant may have.
const LOCKS: isize = 1_000;

/// Not the number of a job.
const MARKER: &str = "rp9-marker";

/// Two trips for all of them.
pub(super) async fn look(
    connection: &mut MultiplexedConnection,
    tenants: &[TenantId],
) -> Result<Vec<Depth>, QueueError> {
    let mut questions = redis::pipe();
    for tenant in tenants {
        for list in ["wait", "paused"] {
            questions.cmd("LLEN").arg(key(*tenant, list));
        }
        questions.cmd("LLEN").arg(key(*tenant, "active"));
        questions.cmd("LRANGE").arg(key(*tenant, "active")).arg(0).arg(LOCKS - 1);
        questions.cmd("GET").arg(key(*tenant, "id"));
    }
    type Answer = (u64, u64, u64, Vec<String>, Option<u64>);
    let answers: Vec<redis::Value> =
        questions.query_async(connection).await.map_err(refused("look at queues"))?;
    let answers: Vec<Answer> = answers
        .chunks_exact(5)
        .map(|five| redis::from_redis_value(redis::Value::Array(five.to_vec())))
        .collect::<Result<_, _>>()
        .map_err(|error| refused("read queues")(error.into()))?;
    let jobs: Vec<_> = tenants.iter().zip(&answers).map(|(tenant, answer)| (*tenant, &answer.3)).collect();
    let held = held(connection, &jobs).await?;
    let depths = answers.iter().zip(held).map(|((wait, paused, active, _, id), held)| Depth {
        waiting: wait + paused,
        active: *active,
        held,
        entered: id.unwrap_or_default(),
    });
    Ok(depths.collect())
}

pub(super) fn key(tenant: TenantId, name: &str) -> String {
    format!("{}bull:jobs:{name}", prefix(tenant))
}

/// How many of each tenant's jobs have a lock.
async fn held(
    connection: &mut MultiplexedConnection,
    jobs: &[(TenantId, &Vec<String>)],
) -> Result<Vec<u64>, QueueError> {
    let mut questions = redis::pipe();
    let asked = jobs.iter().filter(|(_, jobs)| !jobs.is_empty());
    for (tenant, jobs) in asked {
        let locks: Vec<_> = jobs.iter().map(|job| key(*tenant, &format!("{job}:lock"))).collect();
        questions.cmd("EXISTS").arg(locks);
    }
    let mut answers = if questions.is_empty() {
        Vec::new()
    } else {
        questions.query_async(connection).await.map_err(refused("look at jobs"))?
    }
    .into_iter();
    let held = |jobs: &Vec<String>, answers: &mut std::vec::IntoIter<u64>| {
        if jobs.is_empty() { 0 } else { answers.next().unwrap_or_default() }
    };
    Ok(jobs.iter().map(|(_, jobs)| held(jobs, &mut answers)).collect())
}

/// In one transaction of Redis', within which no worker is served.
pub(super) async fn is_seen(
    connection: &mut MultiplexedConnection,
    tenant: TenantId,
) -> Result<bool, QueueError> {
    let wait = key(tenant, "wait");
    let mut marked = redis::pipe();
    marked.atomic().cmd("LLEN").arg(&wait).cmd("LPUSH").arg(&wait).arg(MARKER).ignore();
    marked.cmd("LLEN").arg(&wait).cmd("LREM").arg(&wait).arg(1).arg(MARKER);
    let (before, marked, removed): (u64, u64, u64) =
        marked.query_async(connection).await.map_err(refused("prove a queue"))?;
    Ok(marked == before + 1 && removed == 1)
}
