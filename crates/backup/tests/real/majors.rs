//! Sets outlive the server that they were made on: they are restored on one of another major version of PostgreSQL.

use std::{path::Path, sync::Arc};

use backup::{LoadTenant, MakeBackup, World};
use common::{
    database::MIGRATOR,
    id::{BackupId, TenantId},
    operations::End,
};
use n8n::{
    account,
    copies::{Copies as _, Facts, PostgresCopies},
    databases::{Name, PostgresDatabases, TenantDatabases as _},
};
use objects::Objects as _;
use sqlx::PgPool;
use testkit::saga::{Rig, Stores};
use wire::kinds::TenantLoad;

use crate::{
    copies, copies_by,
    own_server::{OwnServer, Programs},
    store,
    support::{Fakes, manual},
    tenant::{self, fill, variable},
};

/// Whose tools are at work decides what can be read and written: those of the services are of the later server.
struct Place {
    databases: PostgresDatabases,
    copies: PostgresCopies,
}

impl Place {
    fn of(server: &OwnServer, tools: &str) -> Self {
        let databases = PostgresDatabases::new(&server.admin_url()).unwrap();
        Self { databases, copies: copies_by(tools, server.admin_url()) }
    }

    async fn facts(&self, tenant: TenantId) -> Facts {
        self.copies.begin(&Name::of(tenant)).await.unwrap().facts().clone()
    }
}

/// What a service does that has these tools, for this server.
macro_rules! run {
    ($saga:expr, $fakes:expr, $copies:expr) => {{
        let (store, copies) = (store(), $copies.clone());
        let world = |_: &str| World {
            objects: Arc::new(store.clone()),
            copies: Arc::new(copies.clone()),
            ..$fakes.world("real")
        };
        let stores = Stores::new(&$fakes.pool);
        Rig { saga: &$saga, stores: &stores, world: &world, effects: &|_| 0 }.to_the_end().await
    }};
}

async fn backed_up(fakes: &Fakes, copies: &PostgresCopies, tenant: TenantId) -> BackupId {
    let request = manual();
    fakes.ask(tenant, &request).await;
    let end = run!(MakeBackup, fakes, copies);
    let why = "select failure from backups where id = $1";
    let why: Option<String> =
        sqlx::query_scalar(why).bind(request.backup).fetch_one(&fakes.pool).await.unwrap();
    assert_eq!((end, why), (End::Succeeded, None));
    request.backup
}

async fn load(fakes: &Fakes, place: &Place, (tenant, backup): (TenantId, BackupId)) -> (End, Option<String>) {
    let operation = fakes.ask(tenant, &TenantLoad { backup, executions: true, beside: false }).await;
    let end = run!(LoadTenant, fakes, place.copies);
    let why = sqlx::query_scalar("select error->>'detail' from operations where id = $1");
    (end, why.bind(operation).fetch_one(&fakes.pool).await.unwrap())
}

/// Into a database whose role was just made, as a sandbox's is.
async fn loaded(fakes: &Fakes, place: &Place, backup: BackupId) -> (TenantId, Facts) {
    let tenant = fakes.tenant("shared").await;
    let password = account::generate_key().unwrap();
    place.databases.ensure_role(&Name::of(tenant), &password, 9).await.unwrap();
    let (end, why) = load(fakes, place, (tenant, backup)).await;
    assert_eq!((end, why), (End::Succeeded, None));
    (tenant, place.facts(tenant).await)
}

/// From the server that the platform brings along onto a later one, and back. One that the tools restore nothing onto is told at once.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres, an S3 store, and PostgreSQL's programs of three versions: deploy/test"]
async fn a_set_is_restored_on_another_major_version(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    store().ensure_bucket().await.unwrap();
    let tenant = fakes.tenant("customer").await;
    fill(tenant).await;
    let backup = backed_up(&fakes, &copies(), tenant).await;
    let before = copies().begin(&Name::of(tenant)).await.unwrap().facts().clone();

    let programs = Programs::of(Path::new(&variable("TEST_POSTGRES_LATER_BIN")));
    let later = OwnServer::start(&programs, "").await;
    let there = Place::of(&later, "TEST_POSTGRES_LATER_BIN");
    let (moved, facts) = loaded(&fakes, &there, backup).await;
    assert_eq!(facts.rows, before.rows);

    // It is somebody's from now on.
    let theirs = "update tenants set purpose = 'customer', capacity = null, plan = 'pro' where id = $1";
    sqlx::query(theirs).bind(moved).execute(&fakes.pool).await.unwrap();
    let backup = backed_up(&fakes, &there.copies, moved).await;
    let own = OwnServer::start(&Programs::new(), "").await;
    let back = Place::of(&own, "TEST_POSTGRES_LATER_BIN");
    let (_, facts) = loaded(&fakes, &back, backup).await;
    assert_eq!(facts.rows, before.rows);

    let programs = Programs::of(Path::new(&variable("TEST_POSTGRES_FORMER_BIN")));
    let former = OwnServer::start(&programs, "").await;
    let former = Place::of(&former, "TEST_POSTGRES_BIN");
    let nobody = fakes.tenant("shared").await;
    let (end, why) = load(&fakes, &former, (nobody, backup)).await;
    assert_eq!(end, End::RolledBack);
    assert!(why.as_ref().is_some_and(|why| why.contains("16.") && why.contains("17 or later")), "{why:?}");
    tenant::databases().remove_database(&Name::of(tenant)).await.unwrap();
    tenant::databases().remove_role(&Name::of(tenant)).await.unwrap();
}
