//! How backups stand, for Prometheus, and whether the store is there. Read from the record, so every replica tells the same and a restart forgets
//! nothing.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use common::{clock, error::chain, id::TenantId, service::Round};
use metrics::{describe_gauge, gauge};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use sqlx::PgPool;
use wire::backups::BackupType;

use crate::{World, store::backups};

const REACHABLE: &str = "rp9_object_store_reachable";
/// As Prometheus has it: a counter's name is registered without its end.
const TOTAL: &str = "rp9_backups_total";

/// Says what is told.
pub fn describe() {
    describe_gauge!(REACHABLE, "1 if the object store lets us in, and has the bucket.");
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTenant {
    tenant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfBackups {
    tenant: String,
    status: &'static str,
    r#type: String,
}

/// What was seen last.
#[derive(Clone, Default)]
pub struct Shown(Arc<Mutex<String>>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

impl Shown {
    /// As Prometheus reads it.
    pub fn render(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

/// Looks again and again.
pub struct Watching {
    record: PgPool,
    world: Arc<World>,
    shown: Shown,
}

impl Watching {
    pub fn new(record: PgPool, world: Arc<World>, shown: Shown) -> Self {
        Self { record, world, shown }
    }
}

impl Round for Watching {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        let reached = self.world.objects.ensure_bucket().await;
        if let Err(error) = &reached {
            tracing::warn!(error = chain(error), "the object store cannot be used");
        }
        gauge!(REACHABLE).set(if reached.is_ok() { 1.0 } else { 0.0 });
        let cluster = self.world.cluster.as_str();
        let standings = backups::standings(&self.record, cluster).await?;
        let tallies = backups::tallies(&self.record, cluster).await?;
        self.shown.put(text(&standings, &tallies));
        Ok(())
    }
}

fn text(standings: &[backups::Standing], tallies: &[backups::Tally]) -> String {
    let (age, size, proven) = (Family::default(), Family::default(), Family::default());
    let total: Family<OfBackups, Counter> = Family::default();
    let of = |tenant: TenantId| OfTenant { tenant: tenant.to_string() };
    let since = |moment: time::OffsetDateTime| (clock::now() - moment).as_seconds_f64().max(0.0);
    for standing in standings {
        // A counter that begins at its first count hides that one.
        let tenant = standing.tenant_id.to_string();
        for status in ["verified", "failed"] {
            let daily = OfBackups { tenant: tenant.clone(), status, r#type: BackupType::Daily.to_string() };
            drop(total.get_or_create(&daily));
        }
        let gauge: &Family<OfTenant, Gauge<f64, std::sync::atomic::AtomicU64>> = &age;
        gauge.get_or_create(&of(standing.tenant_id)).set(since(standing.since));
        if let Some(bytes) = standing.bytes {
            let gauge: &Family<OfTenant, Gauge> = &size;
            gauge.get_or_create(&of(standing.tenant_id)).set(bytes);
        }
        if let Some(moment) = standing.proven_at {
            let gauge: &Family<OfTenant, Gauge<f64, std::sync::atomic::AtomicU64>> = &proven;
            gauge.get_or_create(&of(standing.tenant_id)).set(since(moment));
        }
    }
    for tally in tallies {
        for (status, count) in [("verified", tally.verified), ("failed", tally.failed)] {
            let (tenant, r#type) = (tally.tenant_id.to_string(), tally.backup_type.clone());
            total.get_or_create(&OfBackups { tenant, status, r#type }).inc_by(count.unsigned_abs());
        }
    }
    let mut registry = Registry::default();
    registry.register("rp9_backup_age_seconds", "Since the moment of the newest backup that can be restored from; of a tenant that has none, since it was made", age);
    registry.register("rp9_backup_bytes", "What that one takes in the store", size);
    registry.register(
        "rp9_backup_proven_age_seconds",
        "Since a backup of the tenant was last restored, and its n8n ran",
        proven,
    );
    registry.register(TOTAL.trim_end_matches("_total"), "Backups, by what came of them", total);
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, &registry);
    text.trim_end_matches("# EOF\n").to_owned()
}
