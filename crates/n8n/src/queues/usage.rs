//! What the tenants' queues take of the server's memory.

use redis::aio::MultiplexedConnection;

use super::ask::{BATCH, ask, refused};
use super::{QueueError, QueueUsage, tenant_of};

/// Goes through all keys in small steps, between which the server serves others.
pub(super) async fn measure(connection: &mut MultiplexedConnection) -> Result<QueueUsage, QueueError> {
    let memory: String = ask(connection, "measure memory", redis::cmd("INFO").arg("memory")).await?;
    let mut usage = QueueUsage {
        used: figure(&memory, "used_memory"),
        most: figure(&memory, "maxmemory"),
        ..Default::default()
    };
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("COUNT").arg(BATCH);
        let (next, keys): (u64, Vec<Vec<u8>>) = ask(connection, "look for keys", &scan).await?;
        let sizes = sizes(connection, &keys).await?;
        for (key, bytes) in keys.iter().zip(sizes) {
            if let Some(tenant) = tenant_of(key) {
                *usage.tenants.entry(tenant).or_default() += bytes;
            }
        }
        if next == 0 {
            return Ok(usage);
        }
        cursor = next;
    }
}

/// In one trip. A key that is gone by now takes nothing.
async fn sizes(connection: &mut MultiplexedConnection, keys: &[Vec<u8>]) -> Result<Vec<u64>, QueueError> {
    let mut questions = redis::pipe();
    for key in keys {
        questions.cmd("MEMORY").arg("USAGE").arg(key);
    }
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sizes: Vec<Option<u64>> = questions.query_async(connection).await.map_err(refused("measure keys"))?;
    Ok(sizes.into_iter().map(Option::unwrap_or_default).collect())
}

fn figure(memory: &str, name: &str) -> u64 {
    let figures = memory.lines().filter_map(|line| line.split_once(':'));
    let mut found = figures.filter(|(key, _)| *key == name);
    found.next().and_then(|(_, figure)| figure.trim().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_by_their_whole_names() {
        let memory = "# Memory\r\nused_memory_human:1M\r\nused_memory:1048576\r\nmaxmemory:0\r\n";
        assert_eq!((figure(memory, "used_memory"), figure(memory, "maxmemory")), (1_048_576, 0));
        assert_eq!(figure(memory, "absent"), 0);
    }
}
