//! A record that is empty, older, or another one removes nothing, heals nothing and drives nothing.

use std::time::Duration;

use crate::scene::{Scene, main_of, worker_of};
use common::{database::MIGRATOR, id::RecordId};
use provisioner::{Report, TakeOver};
use sqlx::PgPool;

const GRACE: Duration = Duration::from_secs(60);

/// Another record under the same name, with nothing in it.
async fn another_record(scene: &Scene) {
    scene.execute("truncate tenants cascade").await;
    scene.execute("update record_identity set id = gen_random_uuid()").await;
}

async fn identity(pool: &PgPool) -> RecordId {
    sqlx::query_scalar("select id from record_identity").fetch_one(pool).await.unwrap()
}

/// Nothing happens in hours, and it says so.
async fn stands_aside(scene: &mut Scene) {
    let effects = scene.fakes.effects("reconciler");
    for _ in 0..20 {
        assert_eq!(scene.after(GRACE * 10).await, Report::default());
    }
    assert_eq!(scene.fakes.effects("reconciler"), effects);
    assert!(scene.engine_trust.is_stranger() && !scene.engine_trust.gate().is_open());
    assert!(scene.readiness.check().is_err());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn services_on_an_empty_record_are_strangers_and_remove_nothing(pool: PgPool) {
    let (before, tenant) = Scene::with_tenant(&pool).await;
    another_record(&before).await;
    let mut stranger = Scene::on(before.fakes.clone(), None);
    stands_aside(&mut stranger).await;
    // Nor without the note on the engine, as an older release left it.
    stranger.fakes.containers.forget_record(&crate::support::site().cluster);
    let mut stranger = Scene::on(before.fakes, None);
    stands_aside(&mut stranger).await;
    assert!(stranger.fakes.containers.exists(&main_of(tenant)));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_stranger_heals_nothing_that_it_believes_to_be_its_own(pool: PgPool) {
    let (before, tenant) = Scene::with_tenant(&pool).await;
    // A copy of the record, made another one.
    before.execute("update record_identity set id = gen_random_uuid()").await;
    before.fakes.containers.vanish(&worker_of(tenant, 1));
    let mut stranger = Scene::on(before.fakes, None);
    stands_aside(&mut stranger).await;
    assert_eq!(stranger.healings().await, 0);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_older_record_leaves_alone_what_it_has_not_heard_of(pool: PgPool) {
    let (mut scene, older) = Scene::with_tenant(&pool).await;
    let newer = scene.create().await;
    sqlx::query("delete from tenants where id = $1").bind(newer).execute(&pool).await.unwrap();
    for _ in 0..20 {
        assert_eq!(scene.after(GRACE * 10).await, Report::default());
    }
    assert!(!scene.engine_trust.is_stranger(), "it is the record it was");
    for tenant in [older, newer] {
        assert!(scene.fakes.containers.exists(&main_of(tenant)));
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_upgrade_in_place_and_a_new_engine_are_adopted(pool: PgPool) {
    let cluster = crate::support::site().cluster;
    let mut scene = Scene::new(&pool);
    assert!(!scene.engine_trust.gate().is_open(), "before the first look");
    scene.look().await;
    assert!(scene.engine_trust.gate().is_open());
    let noted = async |scene: &Scene| {
        let world = scene.fakes.world("inspector");
        world.containers.record(&cluster).await.unwrap()
    };
    assert_eq!(noted(&scene).await, Some(identity(&pool).await));
    scene.create().await;
    // A former release left no note.
    scene.fakes.containers.forget_record(&cluster);
    let mut upgraded = Scene::on(scene.fakes.clone(), None);
    assert_eq!(upgraded.look().await, Report::default());
    assert!(upgraded.engine_trust.gate().is_open());
    assert_eq!(noted(&upgraded).await, Some(identity(&pool).await));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_person_lets_a_record_take_an_engine_over_from_the_one_they_name(pool: PgPool) {
    let (mut before, tenant) = Scene::with_tenant(&pool).await;
    let former = identity(&pool).await;
    before.execute("update record_identity set id = gen_random_uuid()").await;
    let wrong = Some(TakeOver::From(RecordId::generate()));
    stands_aside(&mut Scene::on(before.fakes.clone(), wrong)).await;
    let mut after = Scene::on(before.fakes.clone(), Some(TakeOver::From(former)));
    assert_eq!(after.look().await, Report::default());
    assert!(after.engine_trust.gate().is_open() && after.readiness.check().is_ok());
    after.fakes.containers.vanish(&worker_of(tenant, 1));
    assert_eq!(after.look().await.healing, 1);
    // Whoever had it is a stranger now; this process reads the new record only because the test changed it under its feet.
    before.execute("update record_identity set id = gen_random_uuid()").await;
    assert_eq!(before.look().await, Report::default());
    assert!(before.engine_trust.is_stranger());
}
