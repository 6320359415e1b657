//! How large tenants may be, and what that takes: known to those who are asked for it and to those who do it.

/// The least a container gets, in thousandths of a core: with less, n8n does not start in its time.
pub const LEAST_CPU_MILLIS: i32 = 250;

/// The least a container gets. As above.
pub const LEAST_MEMORY_MB: i32 = 512;

/// Without any, executions would wait for ever.
pub const LEAST_WORKERS: i32 = 1;

/// So many workers have an address in a tenant's subnet, beside two mains and the shared servers (ADR 37).
pub const MOST_WORKERS: i32 = 8;

/// Fewer starve n8n's database pool.
const LEAST_CONCURRENCY: u16 = 5;

/// How many executions a worker runs at once: those of the tenant, shared out over the workers that it was made with. One more takes work off
/// the others, and changes none of them.
pub fn concurrency_of_worker(concurrent_executions: u32, base_workers: u32) -> u16 {
    let share = concurrent_executions.div_ceil(base_workers.max(1));
    u16::try_from(share).unwrap_or(u16::MAX).max(LEAST_CONCURRENCY)
}

/// How many connections to the database a worker's pool opens at most. An execution holds one only while it writes; two more serve the
/// heartbeat and the health check.
pub const fn connections_of_worker(concurrency: u16) -> u16 {
    2 + concurrency.div_ceil(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_wants_what_its_share_of_the_executions_wants() {
        let wants = [(2, 1, 3), (10, 2, 3), (50, 4, 5), (50, 1, 12), (0, 0, 3)];
        for (executions, workers, connections) in wants {
            let concurrency = concurrency_of_worker(executions, workers);
            assert_eq!(connections_of_worker(concurrency), connections, "{executions} over {workers}");
        }
    }
}
