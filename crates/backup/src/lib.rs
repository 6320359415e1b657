#![doc = include_str!("../README.md")]

mod check;
mod config;
mod damage;
pub mod extract;
pub mod keeping;
mod load;
mod make;
pub mod nightly;
mod reading;
pub mod record;
pub mod recover;
mod secrets;
pub mod shown;
mod store;
mod world;

use std::{sync::Arc, time::Duration};

use common::{
    bus::Outcome,
    operations::{Drive, Gate, Worker},
    schedules::{Runner, ScheduleStore},
    secrets::MasterKeys,
    service::{Interval, Service},
};
use n8n::copies::PostgresCopies;
use objects::{S3, StoreLogin};
use wire::{BACKUP, OperationQueued, waking};

pub use check::{Checked, check};
pub use config::{Config, TenantDatabase};
pub use damage::Damage;
pub use load::LoadTenant;
pub use make::MakeBackup;
pub use world::World;

use config::MayReplicate;
use keeping::Keeping;
use nightly::Nightly;
use record::{
    DumpRecord, KeyTexts, KeysInUse, Record, Server,
    shown::WatchingRecord,
    wal::{Archiver, Bases, Source, shown::WatchingWal},
};
use shown::{Shown, Watching};

/// What is due is removed, and whoever is new gets their schedules, within a minute.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// Twice in the minute that a rule of Prometheus looks back.
const WATCH_EVERY: Duration = Duration::from_secs(30);
/// Whoever has not the turn asks for it again, and whoever has failed goes on.
const ARCHIVE_AGAIN: Duration = Duration::from_secs(5);

/// Every saga this service drives. What is not in here cannot run, and the tests walk this list.
pub fn sagas() -> Arc<[Box<dyn Drive<World>>]> {
    Arc::new([Box::new(MakeBackup), Box::new(LoadTenant)])
}

/// Starts the service.
pub async fn start(config: Config, service: &Service) -> anyhow::Result<()> {
    shown::describe();
    record::shown::describe();
    record::wal::shown::describe();
    let objects = S3::new(config.store);
    let told = objects.clone();
    service.secrets.follow(move |login: StoreLogin| told.put_login(&login));
    let copies = PostgresCopies::new(&config.database.admin_url, None)?;
    let told = copies.clone();
    service.secrets.follow(move |database: TenantDatabase| {
        // Without the cause: it repeats parts of the address.
        if told.put_url(&database.admin_url).is_err() {
            tracing::error!("TENANT_DATABASE_ADMIN_URL is no address, and stays what it was");
        }
    });
    let keys = config.master_keys;
    let told = keys.clone();
    service.secrets.follow(move |keys: MasterKeys| told.replace(&keys));
    let texts = KeysInUse::new(config.key_texts);
    let told = texts.clone();
    service.secrets.follow(move |texts: KeyTexts| told.put(texts));
    let source = config.replication.map(|it| Source::new(it.url, None));
    if let Some(told) = source.clone() {
        service.secrets.follow(move |MayReplicate(replication)| {
            if let Some(replication) = replication {
                told.put_url(replication.url);
            }
        });
    }
    service.record_is_usable().await;

    let (objects, copies) = (Arc::new(objects), Arc::new(copies));
    let world = World { cluster: config.cluster, objects, copies, keys, recovery: config.recovery };
    let world = Arc::new(world);
    let wake = waking(service);
    let store = service.operations().of_cluster(world.cluster.as_str());
    let (sagas, gate, limit) = (sagas(), Gate::default(), config.at_once);
    service.drive(Worker { store, world: world.clone(), sagas, wake: wake.clone(), gate, limit });
    service.consume(BACKUP, move |_: OperationQueued, _| {
        wake.now();
        std::future::ready(Outcome::Done)
    });
    extract::answer(service, &world);
    let record = keep(service, &world, texts)?;
    match source {
        Some(source) => archive(service, &record, &source, config.bases_kept),
        None => tracing::warn!(
            "RECORD_REPLICATION_URL is not set: the record's WAL goes nowhere, and its dumps are what there is"
        ),
    }
    Ok(())
}

/// What goes on by itself: nights, what is kept, and what is shown of it.
fn keep(service: &Service, world: &Arc<World>, keys: KeysInUse) -> anyhow::Result<Record> {
    let record = &service.database;
    let (server, objects) = (Server::new(record.clone(), None), world.objects.clone());
    let dumps = Record { server, objects: objects.clone(), recovery: world.recovery.clone(), keys };
    let mut jobs = nightly::jobs(record);
    jobs.push(Box::new(DumpRecord::new(dumps.clone())));
    let runner = Runner::new(ScheduleStore::new(record.clone()), "backup", &[record::schedule()], jobs)?;
    runner.spawn(&service.tasks);
    let nightly = Interval::new("schedules of backups", KEEP_EVERY).spread();
    let nightly = nightly.failing("tenants could not be given their schedules");
    service.every(nightly, Nightly::new(record.clone(), world.cluster.clone()));
    let keeping = Interval::new("kept backups", KEEP_EVERY).spread().failing("backups could not be removed");
    service.every(keeping, Keeping::new(record.clone(), world.clone()));
    let shown = Shown::default();
    let told = shown.clone();
    service.also_show(Arc::new(move || told.render()));
    let watching = Interval::new("backups", WATCH_EVERY).failing("backups could not be looked at");
    service.every(watching, Watching::new(record.clone(), world.clone(), shown));
    let watching = Interval::new("dumps of the record", WATCH_EVERY)
        .failing("dumps of the record could not be looked at");
    service.every(watching, WatchingRecord::new(record.clone(), objects, world.recovery.clone()));
    Ok(dumps)
}

/// What the record's server writes goes to the store as it is written, and base backups from which that goes on.
fn archive(service: &Service, record: &Record, source: &Source, kept: usize) {
    let archiving = Interval::new("WAL of the record", ARCHIVE_AGAIN).from_its_end();
    let archiving = archiving.failing("WAL of the record does not go to the store");
    service.every(archiving, Archiver::new(record.clone(), source.clone()));
    let basing = Interval::new("base backups of the record", KEEP_EVERY).spread().from_its_end();
    let basing = basing.failing("no base backup of the record's server could be made");
    service.every(basing, Bases::new(record.clone(), source.clone(), kept));
    let watching =
        Interval::new("WAL in the store", WATCH_EVERY).failing("WAL in the store could not be looked at");
    service.every(watching, WatchingWal::new(service.database.clone(), record.objects.clone()));
}
