//! Jobs that Redis gave to a connection behind which nobody was any more. They are in `active`, and no worker has a lock on them. Left alone,
//! n8n calls them failed a minute later, although they never began.

use common::id::TenantId;
use redis::aio::MultiplexedConnection;

use super::ask::{ask, refused};
use super::{Job, QueueError, depth::key};

/// Of so many active jobs at most: more than any tenant has.
const MOST: isize = 1_000;

/// In one go, so that no worker takes one meanwhile: whatever is still active and unheld waits again, before all others.
const PUT_BACK: &str = "
    local put_back = 0
    for _, job in ipairs(ARGV) do
        if redis.call('EXISTS', KEYS[4] .. job .. ':lock') == 0 and redis.call('LREM', KEYS[1], -1, job) == 1 then
            redis.call('SREM', KEYS[3], job)
            redis.call('RPUSH', KEYS[2], job)
            put_back = put_back + 1
        end
    end
    return put_back";

/// The active jobs that nobody holds, and which execution each of them is.
pub(super) async fn unheld(
    connection: &mut MultiplexedConnection,
    tenant: TenantId,
) -> Result<Vec<Job>, QueueError> {
    let mut active = redis::cmd("LRANGE");
    active.arg(key(tenant, "active")).arg(0).arg(MOST - 1);
    let ids: Vec<String> = ask(connection, "look at jobs", &active).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut questions = redis::pipe();
    for id in &ids {
        questions.cmd("EXISTS").arg(key(tenant, &format!("{id}:lock")));
        questions.cmd("HGET").arg(key(tenant, id)).arg("data");
    }
    let answers: Vec<redis::Value> =
        questions.query_async(connection).await.map_err(refused("look at jobs"))?;
    let answers =
        answers.chunks_exact(2).map(|two| redis::from_redis_value(redis::Value::Array(two.to_vec())));
    let answers: Vec<(bool, Option<String>)> =
        answers.collect::<Result<_, _>>().map_err(|error| refused("read jobs")(error.into()))?;
    let unheld = ids.into_iter().zip(answers).filter(|(_, (is_held, _))| !is_held);
    Ok(unheld.filter_map(|(id, (_, data))| Some(Job { id, execution: execution(&data?)? })).collect())
}

/// As n8n writes it: a text of digits, or a number.
fn execution(data: &str) -> Option<i64> {
    let data: serde_json::Value = serde_json::from_str(data).ok()?;
    let id = data.get("executionId")?;
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}

/// Lets those wait again that are still active and unheld; how many.
pub(super) async fn put_back(
    connection: &mut MultiplexedConnection,
    tenant: TenantId,
    jobs: &[Job],
) -> Result<u64, QueueError> {
    let mut put_back = redis::cmd("EVAL");
    put_back.arg(PUT_BACK).arg(4);
    for name in ["active", "wait", "stalled", ""] {
        put_back.arg(key(tenant, name));
    }
    for job in jobs {
        put_back.arg(&job.id);
    }
    ask(connection, "put jobs back", &put_back).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_a_text_or_a_number_and_nothing_else() {
        for (data, expected) in [
            (r#"{"executionId":"64","workflowId":"w"}"#, Some(64)),
            (r#"{"executionId":64}"#, Some(64)),
            (r#"{"executionId":"x"}"#, None),
            (r#"{}"#, None),
            ("", None),
        ] {
            assert_eq!(execution(data), expected, "{data}");
        }
    }
}
