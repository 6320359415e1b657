//! Whose calls wait, and for how long: whoever is woken by it is told whose.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use common::{clock, id::TenantId, service::text_of};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
};
use time::OffsetDateTime;

const OLDEST: &str = "rp9_held_oldest_seconds";
const HELP: &str = "How long the earliest call of a tenant has been held, of those who wait longest. Every replica tells the same";

/// When the earliest call of each was held, as the record had it a moment ago. One of whom nothing is held any more has no series.
#[derive(Debug, Clone, Default)]
pub struct Oldest(Arc<Mutex<Vec<(TenantId, OffsetDateTime)>>>);

impl Oldest {
    pub fn put(&self, since: Vec<(TenantId, OffsetDateTime)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// As text.
    pub fn render(&self) -> String {
        text_of(self.clone())
    }
}

impl Collector for Oldest {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut metric = encoder.encode_descriptor(OLDEST, HELP, None, MetricType::Gauge)?;
        for (tenant, since) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let waited = (clock::now() - *since).as_seconds_f64().max(0.0);
            let labels = [("tenant", tenant.to_string())];
            ConstGauge::new(waited).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_no_longer_is_told_of_no_longer() {
        let (oldest, tenant) = (Oldest::default(), TenantId::generate());
        oldest.put(vec![(tenant, clock::now() - time::Duration::minutes(11))]);
        let told = oldest.render();
        assert!(told.contains(&format!("{OLDEST}{{tenant=\"{tenant}\"}} 66")), "{told}");
        oldest.put(Vec::new());
        assert!(!oldest.render().contains(&tenant.to_string()));
    }
}
