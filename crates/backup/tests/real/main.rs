//! A real database, a real store, PostgreSQL's own programs; and a person with nothing but these, `age` and `zstd`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod by_hand;
mod in_place;
mod majors;
mod member;
// Migrations by the image of that version, as the platform does it.
#[path = "../../../n8n/tests/support/mod.rs"]
mod n8n_support;
mod own_server;
mod record;
#[path = "../record/support.rs"]
#[allow(dead_code, reason = "the other tests' world, of which this one uses a part")]
mod support;
mod tenant;
mod wal;

use std::{path::PathBuf, sync::Arc};

use backup::{LoadTenant, MakeBackup, World};
use common::{database::MIGRATOR, operations::End};
use n8n::{
    copies::{Copies as _, PostgresCopies},
    databases::{Name, TenantDatabases as _},
};
use objects::{Objects as _, S3, StoreLogin, StoreSettings};
use sqlx::PgPool;
use testkit::saga::{Rig, Stores};
use wire::kinds::TenantLoad;

use support::{Fakes, manual};
use tenant::{fill, variable};

fn store() -> S3 {
    S3::new(StoreSettings {
        endpoint: Some(variable("TEST_S3_ENDPOINT").parse().unwrap()),
        region: "us-east-1".into(),
        bucket: "rp9-backup-tests".into(),
        path_style: true,
        login: StoreLogin {
            access_key_id: variable("TEST_S3_ACCESS_KEY_ID").into(),
            secret_access_key: variable("TEST_S3_SECRET_ACCESS_KEY").into(),
        },
    })
}

fn copies() -> PostgresCopies {
    copies_by("TEST_POSTGRES_BIN", variable("TEST_TENANT_DATABASE_ADMIN_URL"))
}

fn copies_by(programs: &str, admin_url: String) -> PostgresCopies {
    PostgresCopies::new(&admin_url.into(), Some(PathBuf::from(variable(programs)))).unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres and an S3 store: deploy/test"]
async fn what_was_copied_is_loaded_elsewhere_and_opened_by_hand(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (store, copies) = (store(), copies());
    store.ensure_bucket().await.unwrap();
    let world = |_: &str| World {
        objects: Arc::new(store.clone()),
        copies: Arc::new(copies.clone()),
        ..fakes.world("real")
    };
    let stores = Stores::new(&pool);
    let (tenant, sandbox) = (fakes.tenant("customer").await, fakes.tenant("shared").await);
    fill(tenant).await;
    tenant::login(sandbox).await;

    let request = manual();
    fakes.ask(tenant, &request).await;
    let rig = Rig { saga: &MakeBackup, stores: &stores, world: &world, effects: &|_| 0 };
    assert_eq!(rig.to_the_end().await, End::Succeeded);
    assert_eq!(fakes.status(request.backup).await, "verified");

    fakes.ask(sandbox, &TenantLoad { backup: request.backup, executions: true, beside: false }).await;
    let rig = Rig { saga: &LoadTenant, stores: &stores, world: &world, effects: &|_| 0 };
    assert_eq!(rig.to_the_end().await, End::Succeeded);
    let [before, after] = [tenant, sandbox].map(Name::of);
    let before = copies.begin(&before).await.unwrap().facts().clone();
    let after = copies.begin(&after).await.unwrap().facts().clone();
    assert_eq!(before.rows, after.rows);
    assert_eq!(after.active.len(), 0, "it is nobody's, and begins nothing");

    let load = TenantLoad { backup: request.backup, executions: true, beside: true };
    fakes.ask(tenant, &load).await;
    let rig = Rig { saga: &LoadTenant, stores: &stores, world: &world, effects: &|_| 0 };
    in_place::changes_places(&copies, tenant, &before, async || {
        assert_eq!(rig.to_the_end().await, End::Succeeded);
    })
    .await;
    in_place::is_kept(tenant).await;
    in_place::comes_back_when_it_was_lost(tenant, async || {
        fakes.ask(tenant, &load).await;
        assert_eq!(rig.to_the_end().await, End::Succeeded);
    })
    .await;

    by_hand::opens(&store, &fakes.recovery, (tenant, request.backup)).await;
    for tenant in [tenant, sandbox] {
        tenant::databases().remove_database(&Name::of(tenant)).await.unwrap();
        tenant::databases().remove_role(&Name::of(tenant)).await.unwrap();
    }
}
