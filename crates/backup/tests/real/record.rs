//! The record's own copies: as whoever owns a record and is nobody's superuser, on a real server, by PostgreSQL's programs.

use std::{path::PathBuf, sync::Arc};

use backup::record::{
    DumpRecord, Former, KeyTexts, KeysInUse, Record, RecordError, Server, look, open_set, schedule,
};
use common::{
    config::Env,
    database::{self, MIGRATOR},
    schedules::{Firing, Job as _, Subject},
};
use objects::{Key, Objects, fake::FakeObjects, seal::SealKey};
use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use time::{Duration, OffsetDateTime};

use crate::{store, support::Fakes, tenant::variable};

const MASTER_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// A record that belongs to a role of its own, and room for another one.
struct Scene {
    admin: PgPool,
    owner: String,
    fakes: Fakes,
    recovery: SealKey,
}

impl Scene {
    async fn new(admin: &PgPool) -> Self {
        let owner = format!("record_{}", uuid::Uuid::now_v7().simple());
        let role = format!("create role {owner} login password 'hunter2'; grant authenticated to {owner}");
        let scene = |fakes| Self { admin: admin.clone(), owner, fakes, recovery: SealKey::generate() };
        sqlx::raw_sql(AssertSqlSafe(role)).execute(admin).await.unwrap();
        let scene = scene(Fakes::new(admin));
        let pool = scene.database("before").await;
        database::migrate(&pool).await.unwrap();
        let fakes = Fakes::new(&pool);
        for _ in 0..3 {
            fakes.tenant("customer").await;
        }
        Self { fakes, ..scene }
    }

    /// An empty one of the owner's.
    async fn database(&self, name: &str) -> PgPool {
        let (owner, name) = (&self.owner, format!("{}_{name}", self.owner));
        let make = format!("create database {name} owner {owner} template template0");
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&self.admin).await.unwrap();
        let options = self.admin.connect_options().as_ref().clone();
        let options = options.username(owner).password("hunter2").database(&name);
        PgPoolOptions::new().max_connections(4).connect_lazy_with(options)
    }

    fn record(&self, objects: Arc<dyn Objects>) -> Record {
        let keys: KeyTexts = Env::of([("MASTER_KEY", MASTER_KEY)]).load().unwrap();
        Record {
            server: server(&self.fakes.pool),
            objects,
            recovery: self.recovery.recipient(),
            keys: KeysInUse::new(keys),
        }
    }

    async fn end(self, others: &[PgPool]) {
        for pool in others.iter().chain([&self.fakes.pool]) {
            let name = pool.connect_options().get_database().unwrap().to_owned();
            pool.close().await;
            let drop = format!("drop database {name} with (force)");
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&self.admin).await.unwrap();
        }
        let drop = format!("drop role {}", self.owner);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&self.admin).await.unwrap();
    }
}

fn server(pool: &PgPool) -> Server {
    Server::new(pool.clone(), Some(PathBuf::from(variable("TEST_POSTGRES_BIN"))))
}

fn firing(due_at: OffsetDateTime) -> Firing {
    let schedule = schedule().name;
    Firing { schedule, due_at, subject: Subject::Platform, payload: serde_json::Value::Null, attempt: 1 }
}

async fn one<T>(pool: &PgPool, question: &'static str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(question).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres and an S3 store: deploy/test"]
async fn a_record_comes_back_into_an_empty_database_and_into_no_other(pool: PgPool) {
    let scene = Scene::new(&pool).await;
    let store = store();
    store.ensure_bucket().await.unwrap();
    let record = scene.record(Arc::new(store.clone()));
    let folder = record.dump().await.unwrap();
    assert!(look(&store).await.unwrap().whole.iter().any(|set| set.folder == folder));
    let stranger = SealKey::generate();
    let readers = record.server.readers();
    assert!(open_set(&store, &folder, &stranger, &readers).await.is_err(), "nobody else's key opens it");
    let opened = open_set(&store, &folder, &scene.recovery, &readers).await.unwrap();
    assert_eq!(opened.keys.current.expose_secret(), format!("1={MASTER_KEY}"));

    let empty = scene.database("after").await;
    opened.restore(&server(&empty), &store, Former::Kept).await.unwrap();
    for question in [
        "select string_agg(t::text, ',' order by id) from tenants t",
        "select string_agg(s::text, ',' order by tenant_id, name) from tenant_secrets s",
        "select id::text from record_identity",
    ] {
        assert_eq!(one::<String>(&empty, question).await, one::<String>(&scene.fakes.pool, question).await);
    }
    assert!(database::has_schema(&empty).await.is_ok());
    let policies = "select count(*) from pg_policies";
    assert_eq!(one::<i64>(&empty, policies).await, one::<i64>(&scene.fakes.pool, policies).await);

    // Into one that has something, only if that is to go, and never under somebody's hands.
    let again = opened.restore(&server(&empty), &store, Former::Overwritten).await;
    assert!(matches!(again, Err(RecordError::Refused(_))), "{again:?}: the test's own connections are there");
    let closed = empty.connect_options();
    empty.close().await;
    let empty = PgPoolOptions::new().max_connections(4).connect_lazy_with(closed.as_ref().clone());
    let kept = opened.restore(&server(&empty), &store, Former::Kept).await;
    assert!(matches!(kept, Err(RecordError::Refused(_))), "{kept:?}");
    opened.restore(&server(&empty), &store, Former::Overwritten).await.unwrap();
    assert_eq!(one::<i64>(&empty, "select count(*) from recoveries").await, 1);
    backup::keeping::remove(&store, &folder).await.unwrap();
    scene.end(&[empty]).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_copy_in_which_anything_is_another_is_refused(pool: PgPool) {
    let scene = Scene::new(&pool).await;
    let objects = FakeObjects::default();
    let record = scene.record(Arc::new(objects.clone()));
    let (folder, other) = (record.dump().await.unwrap(), record.dump().await.unwrap());
    let readers = record.server.readers();
    let of = |folder: &Key, name: &str| -> Key { format!("{folder}/{name}").parse().unwrap() };
    let names: Vec<_> = objects.keys().iter().map(|key| key.name().to_owned()).collect();
    assert_eq!(names.len(), 10, "{names:?}");
    for name in &names[..5] {
        let (key, theirs) = (of(&folder, name), of(&other, name));
        let (mut was, mut other) = (Vec::new(), Vec::new());
        objects.damage(&theirs, |bytes| {
            other.clone_from(&bytes);
            Some(bytes)
        });
        objects.damage(&key, |bytes| {
            was.clone_from(&bytes);
            Some(bytes)
        });
        let mut flipped = was.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let ways = [Vec::new(), was[..was.len() - 1].to_vec(), [&was[..], b"x"].concat(), other, flipped];
        for (way, bytes) in ways.into_iter().enumerate() {
            objects.damage(&key, |_| Some(bytes));
            let opened = open_set(&objects, &folder, &scene.recovery, &readers).await;
            assert!(opened.is_err(), "{name}: way {way}");
        }
        objects.damage(&key, |_| Some(was));
    }
    assert!(open_set(&objects, &folder, &scene.recovery, &readers).await.is_ok(), "it is as it was");

    // What becomes another between being looked at and being loaded leaves nothing behind.
    let opened = open_set(&objects, &folder, &scene.recovery, &readers).await.unwrap();
    objects.damage(&of(&folder, "database.dump.zst.age"), |bytes| Some(bytes[..bytes.len() / 2].to_vec()));
    let empty = scene.database("after").await;
    assert!(opened.restore(&server(&empty), &objects, Former::Kept).await.is_err());
    let tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";
    assert_eq!(one::<i64>(&empty, tables).await, 0);
    scene.end(&[empty]).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_killed_in_the_middle_never_counts_and_is_gone_with_the_next(pool: PgPool) {
    let scene = Scene::new(&pool).await;
    let objects = FakeObjects::default();
    let record = scene.record(Arc::new(objects.clone()));
    let begun = async {
        while objects.keys().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = begun => {}
        made = record.dump() => panic!("it was not stopped in the middle: {made:?}"),
    }
    let sets = look(&objects).await.unwrap();
    assert_eq!((sets.whole.len(), sets.unfinished.len()), (0, 1));

    let (job, now) = (DumpRecord::new(record.clone()), common::clock::now().replace_nanosecond(0).unwrap());
    for _ in 0..2 {
        job.run(&firing(now)).await.unwrap();
        let sets = look(&objects).await.unwrap();
        assert_eq!((sets.whole.len(), sets.unfinished.len()), (1, 0), "once for each hour");
    }
    // Of hours that were missed nothing is made any more.
    job.run(&firing(now - Duration::hours(3))).await.unwrap();
    assert_eq!(look(&objects).await.unwrap().whole.len(), 1);

    objects.set_away(true);
    assert!(job.run(&firing(now + Duration::hours(1))).await.is_err());
    objects.set_away(false);
    assert_eq!(look(&objects).await.unwrap().whole.len(), 1);
    scene.end(&[]).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_under_way_goes_on_and_what_came_to_its_end_since_is_not_made_again(pool: PgPool) {
    let scene = Scene::new(&pool).await;
    let before = scene.fakes.pool.clone();
    let changes = "
        insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline, status, started_at, lease_owner, lease_until, fence)
        select gen_random_uuid(), 'tenant.restart', id, '{}', 'test', 'test', now() + interval '1 hour', 'running', now(), 'a', now() + interval '15 s', 7
          from tenants order by id limit 1;
        insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline, lane, service, cluster_id, status, started_at)
        select '01a221ef-be63-7773-b6d4-b49c461a5d38', 'tenant.backup', id,
               '{\"backup\": \"bak_01a221efbe637773b6d4b49c461a5d38\", \"type\": \"daily\", \"retention_days\": 7, \"includes\": {\"database\": true,
                 \"workflows\": true, \"credentials\": true, \"files\": true, \"executions\": true}}',
               'test', 'test', now() + interval '1 hour', 'copies', 'backup', 'fake', 'running', now() from tenants order by id limit 1;
        insert into schedules (name, service, job, cron, zone, misses, jitter_seconds, next_due, fires_at)
        values ('backup.x', 'backup', 'backup', '0 2 * * *', 'UTC', 'catch_up', 0, now(), now()),
               ('other.x', 'gateway', 'other', '0 2 * * *', 'UTC', 'catch_up', 0, now(), now());
        insert into schedule_firings (schedule, due_at, fires_at) values ('backup.x', now(), now()), ('other.x', now(), now());
        insert into events (at, kind, data) select now(), 'tenant.created', '{}' from generate_series(1, 5);";
    sqlx::raw_sql(changes).execute(&before).await.unwrap();
    let objects = FakeObjects::default();
    let record = scene.record(Arc::new(objects.clone()));
    let folder = record.dump().await.unwrap();
    let opened = open_set(&objects, &folder, &scene.recovery, &record.server.readers()).await.unwrap();
    let after = scene.database("after").await;
    let recovered = opened.restore(&server(&after), &objects, Former::Kept).await.unwrap();
    assert_eq!((recovered.operations_continued, recovered.operations_ended), (1, 1));

    let goes_on = "select status = 'running' and lease_until is null and fence > 7 and
                          deadline - now() > interval '59 minutes' and deadline > created_at + interval '1 hour' from operations where kind = 'tenant.restart'";
    assert!(one::<bool>(&after, goes_on).await, "it is claimed at once, and has as much time as it had");
    let ended =
        "select o.status || ' ' || b.status from operations o join backups b on b.operation_id = o.id";
    assert_eq!(one::<String>(&after, ended).await, "rolled_back failed");
    let schedules =
        "select string_agg(s.name || ' ' || (retired_at is not null) || ' ' || f.state, ', ' order by s.name)
                       from schedules s join schedule_firings f on f.schedule = s.name";
    assert_eq!(one::<String>(&after, schedules).await, "backup.x true failed, other.x false waiting");
    let highest = one::<i64>(&before, "select max(id) from events").await;
    let next = "insert into events (at, kind, data) values (now(), 'tenant.created', '{}') returning id";
    assert!(one::<i64>(&after, next).await > highest + 1_000_000, "no number comes again");
    let told = "select count(*) from event_outbox where kind = 'record.recovered' and seq > 1000000000";
    assert_eq!(one::<i64>(&after, told).await, 1);
    scene.end(&[after]).await;
}
