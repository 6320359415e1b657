//! Tenants' figures as Prometheus reads them: what was seen lately by this replica, and nothing else. A tenant that is gone, or that another
//! replica looks at by now, is not in it, and a figure that could not be seen has no line.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use common::{clock, id::TenantId, service::text_of};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
};
use time::{Duration, OffsetDateTime};
use wire::{Figures, Sample};

/// What is older is not shown: three ticks.
const SHOWN: Duration = Duration::seconds(45);

/// The latest samples of this replica, by the part of the cluster that they are of.
#[derive(Clone, Default)]
pub struct Shown(Arc<Mutex<Latest>>);

#[derive(Default)]
struct Latest {
    shards: HashMap<i16, Vec<Sample>>,
    blind: BTreeSet<TenantId>,
    unread: Vec<(TenantId, OffsetDateTime)>,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

type Figure = fn(&Figures) -> Option<f64>;

/// The contract's names first.
const FIGURES: &[(&str, &str, Figure)] = &[
    (
        "rp9_tenant_queue_wait_p95_seconds",
        "From entering the queue to beginning, of 95 in 100 executions of the last five minutes",
        |f| f.queue_wait_p95_seconds,
    ),
    ("rp9_tenant_cpu_percent", "Of the processors that all its containers may use", |f| f.cpu_percent),
    ("rp9_tenant_mem_bytes", "Memory of all its containers, without page cache", |f| {
        f.memory_bytes.map(|bytes| bytes as f64)
    }),
    ("rp9_tenant_mem_percent", "Of its own limit, the container that is nearest to it", |f| f.memory_percent),
    ("rp9_tenant_executions_min", "Executions that began in the last minute", |f| f.executions_min),
    ("rp9_tenant_concurrent_executions", "Executions that run", |f| {
        f.concurrent_executions.map(|count| count as f64)
    }),
    ("rp9_tenant_queue_depth", "Executions that wait for a worker", |f| {
        f.queue_depth.map(|depth| depth as f64)
    }),
    ("rp9_tenant_oldest_waiting_seconds", "How long the execution that waits longest has", |f| {
        f.oldest_waiting_seconds
    }),
    (
        "rp9_tenant_duration_p95_seconds",
        "From beginning to end, of 95 in 100 of the last five minutes",
        |f| f.duration_p95_seconds,
    ),
    ("rp9_tenant_success_rate_percent", "Executions of the last quarter of an hour that ended well", |f| {
        f.success_rate_percent
    }),
    ("rp9_tenant_workers", "Workers that run and are well", |f| f.workers.map(|count| count as f64)),
    ("rp9_tenant_workers_idle_while_waiting", "1 while executions wait and no worker takes any", |f| {
        f.workers_idle_while_waiting.map(|idle| f64::from(u8::from(idle)))
    }),
    ("rp9_tenant_storage_bytes", "Disk that its database takes", |f| {
        f.storage_bytes.map(|bytes| bytes as f64)
    }),
];

const BLIND: (&str, &str) = (
    "rp9_collector_sensor_blind",
    "1 for a tenant whose marker is not seen in its queue or among its executions",
);

const UNREAD: (&str, &str) = (
    "rp9_collector_usage_read_timestamp_seconds",
    "When the count of a tenant's executions was last read, of those of whom that is overdue",
);

impl Shown {
    /// These are what is known of those parts, each with the part that it is of.
    pub fn put(&self, shards: &[i16], samples: impl IntoIterator<Item = (i16, Sample)>) {
        let mut latest = self.latest();
        for shard in shards {
            latest.shards.entry(*shard).or_default().clear();
        }
        for (shard, sample) in samples {
            latest.shards.entry(shard).or_default().push(sample);
        }
    }

    /// Only these parts are this replica's.
    pub fn keep(&self, shards: &[i16]) {
        self.latest().shards.retain(|shard, _| shards.contains(shard));
    }

    /// What these do is not seen.
    pub fn put_blind(&self, blind: BTreeSet<TenantId>) {
        self.latest().blind = blind;
    }

    /// The count of these is overdue; since when it was not read.
    pub fn put_unread(&self, unread: Vec<(TenantId, OffsetDateTime)>) {
        self.latest().unread = unread;
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As text.
    pub fn render(&self) -> String {
        text_of(self.clone())
    }
}

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let latest = self.latest();
        let now = clock::now();
        let fresh: Vec<_> =
            latest.shards.values().flatten().filter(|sample| now - sample.at < SHOWN).collect();
        for (name, help, figure) in FIGURES {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for sample in &fresh {
                let Some(value) = figure(&sample.figures) else { continue };
                let labels = [("tenant", sample.tenant.to_string())];
                ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
            }
        }
        let mut blind = encoder.encode_descriptor(BLIND.0, BLIND.1, None, MetricType::Gauge)?;
        for tenant in &latest.blind {
            ConstGauge::new(1.0).encode(blind.encode_family(&[("tenant", tenant.to_string())])?)?;
        }
        let mut unread = encoder.encode_descriptor(UNREAD.0, UNREAD.1, None, MetricType::Gauge)?;
        for (tenant, read_at) in &latest.unread {
            let labels = [("tenant", tenant.to_string())];
            ConstGauge::new(read_at.unix_timestamp()).encode(unread.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_lately_is_shown_and_nothing_else() {
        let shown = Shown::default();
        let sample = |age: i64| Sample {
            tenant: TenantId::generate(),
            cluster: "local".parse().unwrap(),
            at: clock::now() - Duration::seconds(age),
            figures: Figures { cpu_percent: Some(12.5), queue_depth: Some(3), ..Figures::default() },
        };
        let (fresh, old, elsewhere) = (sample(1), sample(60), sample(1));
        let before = sample(1);
        shown.put(&[1], [(1, before.clone())]);
        shown.put(&[1, 2], [(1, fresh.clone()), (1, old.clone()), (2, elsewhere.clone())]);
        shown.keep(&[1]);
        let text = shown.render();
        assert!(
            text.contains(&format!("rp9_tenant_cpu_percent{{tenant=\"{}\"}} 12.5\n", fresh.tenant)),
            "{text}"
        );
        assert!(
            text.contains(&format!("rp9_tenant_queue_depth{{tenant=\"{}\"}} 3.0\n", fresh.tenant)),
            "{text}"
        );
        for absent in [before.tenant, old.tenant, elsewhere.tenant] {
            assert!(!text.contains(&absent.to_string()), "{text}");
        }
        assert!(!text.contains("rp9_tenant_mem_bytes{") && !text.contains("EOF"), "{text}");
    }
}
