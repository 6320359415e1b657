//! How backups stand, for Prometheus, and whether the store is there. Read from the record, so every replica tells the same and a restart forgets
//! nothing.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use common::{clock, error::chain, service::Round};
use metrics::{describe_gauge, gauge};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use sqlx::PgPool;
use time::OffsetDateTime;
use wire::backups::BackupType;

use crate::{
    World,
    store::{
        backups::{self, Standing, Tally},
        heartbeat,
    },
};

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
        heartbeat::beat(&self.record, cluster, reached.is_ok()).await?;
        let standings = backups::standings(&self.record, cluster).await?;
        let tallies = backups::tallies(&self.record, cluster).await?;
        self.shown.put(text(&standings, &tallies));
        Ok(())
    }
}

type HowMuch = fn(&Standing) -> Option<f64>;

/// What is told of each tenant: name, help, and how much it is.
const OF_TENANTS: [(&str, &str, HowMuch); 6] = [
    (
        "rp9_backup_age_seconds",
        "Since the moment of the newest backup that can be restored from; of a tenant that has none, since it was made, or since its nights are planned",
        |standing| Some(since(standing.since)),
    ),
    ("rp9_backup_bytes", "What that one takes in the store", |standing| {
        // A gauge is a double: exact up to 9 PB.
        #[expect(clippy::cast_precision_loss, reason = "so much is no backup")]
        standing.bytes.map(|bytes| bytes as f64)
    }),
    (
        "rp9_backup_proven_age_seconds",
        "Since a backup of the tenant was last restored, and its n8n ran",
        |standing| standing.proven_at.map(since),
    ),
    (
        "rp9_restore_drill_age_seconds",
        "Since the last restore drill that passed; of a tenant of which none has, since drills of it are planned",
        |standing| standing.drilled_at.map(since),
    ),
    (
        "rp9_restore_drill_passed",
        "1 if the last restore drill that ended passed, 0 if it failed",
        |standing| standing.drill_passed.map(|passed| if passed { 1.0 } else { 0.0 }),
    ),
    (
        "rp9_restore_rto_seconds",
        "How long the tenant's last restore that succeeded took, from being asked for to an n8n that answers",
        |standing| standing.rto_seconds,
    ),
];

fn since(moment: OffsetDateTime) -> f64 {
    (clock::now() - moment).as_seconds_f64().max(0.0)
}

fn text(standings: &[Standing], tallies: &[Tally]) -> String {
    let mut registry = Registry::default();
    for (name, help, of) in OF_TENANTS {
        let gauges: Family<OfTenant, Gauge<f64, AtomicU64>> = Family::default();
        for standing in standings {
            if let Some(value) = of(standing) {
                let tenant = standing.tenant_id.to_string();
                gauges.get_or_create(&OfTenant { tenant }).set(value);
            }
        }
        registry.register(name, help, gauges);
    }
    registry.register(
        TOTAL.trim_end_matches("_total"),
        "Backups, by what came of them",
        counted(standings, tallies),
    );
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, &registry);
    text.trim_end_matches("# EOF\n").to_owned()
}

fn counted(standings: &[Standing], tallies: &[Tally]) -> Family<OfBackups, Counter> {
    let total: Family<OfBackups, Counter> = Family::default();
    for standing in standings {
        // A counter that begins at its first count hides that one.
        let tenant = standing.tenant_id.to_string();
        for status in ["verified", "failed"] {
            let daily = OfBackups { tenant: tenant.clone(), status, r#type: BackupType::Daily.to_string() };
            drop(total.get_or_create(&daily));
        }
    }
    for tally in tallies {
        for (status, count) in [("verified", tally.verified), ("failed", tally.failed)] {
            let (tenant, r#type) = (tally.tenant_id.to_string(), tally.backup_type.clone());
            total.get_or_create(&OfBackups { tenant, status, r#type }).inc_by(count.unsigned_abs());
        }
    }
    total
}
