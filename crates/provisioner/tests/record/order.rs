//! Operations whose tenant is not as it was when they were accepted, because what was to come before did not.

use std::collections::BTreeSet;

use common::{
    database::MIGRATOR,
    id::{PromotionId, TenantId},
    operations::{End, Request, Saga},
    tenant::Color,
};
use provisioner::{
    BlueGreenTenant, HealTenant, RebuildTenant, RerouteTenant, RestartTenant, ResumeTenant, RetireTenant,
    ScaleTenant, SuspendTenant, World,
};
use sqlx::PgPool;
use wire::kinds::{
    self, TenantBlueGreen, TenantHeal, TenantRebuild, TenantReroute, TenantRestart, TenantResume,
    TenantRetire, TenantScale, TenantSuspend,
};

use crate::scene::Scene;

async fn does<S: Saga<World = World>, R: Request>(
    scene: &Scene,
    tenant: TenantId,
    (saga, request): (&'static S, &R),
) -> End {
    scene.fakes.operate(tenant, request).await;
    scene.run(saga).await
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_for_one_that_is_awake_leaves_one_that_rests_alone(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    assert_eq!(does(&scene, tenant, (&SuspendTenant, &TenantSuspend {})).await, End::Succeeded);
    let beside = TenantBlueGreen::Create { color: Color::Green, n8n_version: None, pre_backup: false };
    let scale = TenantScale { workers: Some(2), ..TenantScale::default() };
    let ends = [
        does(&scene, tenant, (&RestartTenant, &TenantRestart {})).await,
        does(&scene, tenant, (&ScaleTenant, &scale)).await,
        does(&scene, tenant, (&HealTenant, &TenantHeal::default())).await,
        does(&scene, tenant, (&SuspendTenant, &TenantSuspend {})).await,
        does(&scene, tenant, (&BlueGreenTenant, &beside)).await,
        does(&scene, tenant, (&RebuildTenant, &TenantRebuild {})).await,
    ];
    assert_eq!(ends, [End::RolledBack; 6]);
    let workers = sqlx::query_scalar::<_, i32>("select workers from tenant_limits where tenant_id = $1");
    let workers = workers.bind(tenant).fetch_one(&pool).await.unwrap();
    scene.fakes.assert_resting(tenant, workers as usize).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_for_one_that_rests_leaves_one_that_is_awake_alone(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    assert_eq!(does(&scene, tenant, (&ResumeTenant, &TenantResume {})).await, End::RolledBack);
    assert_eq!(scene.fakes.status(tenant).await, "active");
    assert_eq!(scene.fakes.stand_ins(tenant).await, [None]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_leads_to_one_is_made_right_while_it_is_awake_or_rests_and_not_while_it_goes(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    assert_eq!(does(&scene, tenant, (&RerouteTenant, &TenantReroute {})).await, End::Succeeded);
    assert_eq!(scene.fakes.stand_ins(tenant).await, [None]);
    assert_eq!(does(&scene, tenant, (&SuspendTenant, &TenantSuspend {})).await, End::Succeeded);
    assert_eq!(does(&scene, tenant, (&RerouteTenant, &TenantReroute {})).await, End::Succeeded);
    let rests = [Some("suspended".to_owned())];
    assert_eq!(scene.fakes.stand_ins(tenant).await, rests);
    sqlx::query("update tenants set status = 'deleting'").execute(&pool).await.unwrap();
    sqlx::query("delete from routes").execute(&pool).await.unwrap();
    assert_eq!(does(&scene, tenant, (&RerouteTenant, &TenantReroute {})).await, End::RolledBack);
    assert!(scene.fakes.stand_ins(tenant).await.is_empty(), "one that goes gets no addresses back");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_accepted_before_a_removal_is_done_before_it(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.operate(tenant, &TenantRestart {}).await;
    let removal = scene.fakes.operate(tenant, &kinds::TenantDelete { final_backup: false }).await;
    sqlx::query("update operations set former_status = 'active' where id = $1")
        .bind(removal)
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("update tenants set status = 'deleting'").execute(&pool).await.unwrap();
    assert_eq!(scene.run(&RestartTenant).await, End::Succeeded);
}

/// What is kept where it does not live is no part of its life: it goes while a tenant rests and while it goes, and is then gone.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_kept_elsewhere_goes_however_its_tenant_is(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    let gone = TenantRetire::of_promotion(PromotionId::generate());
    assert_eq!(does(&scene, tenant, (&RetireTenant, &gone)).await, End::Succeeded);
    assert_eq!(does(&scene, tenant, (&SuspendTenant, &TenantSuspend {})).await, End::Succeeded);
    assert_eq!(does(&scene, tenant, (&RetireTenant, &gone)).await, End::Succeeded);
    let workers = sqlx::query_scalar::<_, i32>("select workers from tenant_limits where tenant_id = $1");
    let workers = workers.bind(tenant).fetch_one(&pool).await.unwrap();
    scene.fakes.assert_resting(tenant, workers as usize).await;
    sqlx::query("update tenants set status = 'deleting'").execute(&pool).await.unwrap();
    assert_eq!(does(&scene, tenant, (&RetireTenant, &gone)).await, End::Succeeded);
    assert_eq!(scene.fakes.status(tenant).await, "deleting");
}

/// Whoever adds one sees that it leaves a tenant alone that is not as it was going to be.
#[test]
fn every_kind_that_leaves_its_tenants_status_until_its_end_is_tried_here() {
    // What another service does leaves it to that one, or to the operation that it is a part of.
    let own = kinds::ALL.into_iter().filter(|kind| kind.service == TenantHeal::KIND.service);
    let kinds = own.filter(|kind| kind.passes.is_none()).map(|kind| kind.name);
    let tried = [
        TenantHeal::KIND.name,
        TenantRestart::KIND.name,
        TenantSuspend::KIND.name,
        TenantResume::KIND.name,
        TenantScale::KIND.name,
        TenantReroute::KIND.name,
        TenantRetire::KIND.name,
        TenantBlueGreen::KIND.name,
        TenantRebuild::KIND.name,
    ];
    assert_eq!(kinds.collect::<BTreeSet<_>>(), BTreeSet::from(tried));
}
