//! Tenants of whom somebody changed something in the n8n that they share: seen, healed, or shown.

use std::time::Duration;

use common::database::MIGRATOR;
use n8n::{databases::Name, members::Flaw};
use provisioner::Report;
use serde_json::json;
use sqlx::PgPool;

use crate::scene::Scene;

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_somebody_changed_is_healed_by_one_operation_and_told_and_its_neighbours_are_not(
    pool: PgPool,
) {
    let (mut scene, _, tenants) = Scene::with_sharing(&pool, 3).await;
    assert_eq!(scene.look().await, Report::default(), "they are as they should be");
    scene.damage(tenants[1], |member| member.disabled = true).await;
    scene.damage(tenants[1], |member| member.damage.extend([Flaw::NotTheOwner])).await;
    assert_eq!(scene.look().await.healing, 1);
    assert_eq!(scene.look().await.healing, 0, "an operation is at it");
    scene.heals().await;
    assert_eq!(scene.look().await, Report::default());
    let reasons = [Flaw::Disabled, Flaw::NotTheOwner].map(|flaw| flaw.to_string());
    assert_eq!(scene.told("tenant.drifted").await, [json!({ "reasons": reasons })]);
    for _ in 0..6 {
        assert_eq!(scene.after(HALF_A_MINUTE).await, Report::default());
    }
    assert!(scene.told("tenant.unhealthy").await.is_empty());
    let troubles: i64 =
        sqlx::query_scalar("select count(*) from tenant_troubles").fetch_one(&pool).await.unwrap();
    assert_eq!(troubles, 0, "it has been well for a while");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_only_a_person_can_put_right_is_shown_with_its_reason_until_they_did(pool: PgPool) {
    let (mut scene, _, tenants) = Scene::with_sharing(&pool, 2).await;
    scene.damage(tenants[0], |member| member.damage.extend([Flaw::Stranger])).await;
    for _ in 0..6 {
        if scene.after(HALF_A_MINUTE).await.healing > 0 {
            scene.gives_up_healing().await;
        }
        let on = "update tenant_troubles set since = since - interval '30 seconds',
                         heal_after = heal_after - interval '30 seconds'";
        scene.execute(on).await;
    }
    let shown = scene.told("tenant.unhealthy").await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["reasons"], json!([Flaw::Stranger.to_string()]));
    scene.damage(tenants[0], |member| member.damage.clear()).await;
    for _ in 0..6 {
        scene.after(HALF_A_MINUTE).await;
    }
    assert_eq!(scene.told("tenant.recovered").await.len(), 1);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn of_those_whom_nobody_can_see_nothing_is_concluded_and_they_are_asked_for_all_at_once(pool: PgPool) {
    let (mut scene, _, tenants) = Scene::with_sharing(&pool, 20).await;
    for tenant in &tenants {
        scene.damage(*tenant, |member| member.suspended = true).await;
    }
    scene.fakes.members.set_unreachable(true);
    assert_eq!(scene.look().await, Report::default());
    scene.fakes.members.set_unreachable(false);
    let asked =
        |scene: &Scene| scene.fakes.members.ledger().iter().filter(|call| call.verb == "check").count();
    let before = asked(&scene);
    assert_eq!(scene.look().await.healing, tenants.len());
    assert_eq!(asked(&scene), before + 1, "one question about all of them");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn other_limits_in_the_record_are_brought_to_the_n8n(pool: PgPool) {
    let (mut scene, _, _) = Scene::with_sharing(&pool, 2).await;
    scene
        .execute("update tenant_limits set concurrent_executions = 77 where concurrent_executions = 10")
        .await;
    assert_eq!(scene.look().await.healing, 2);
    scene.heals().await;
    assert_eq!(scene.look().await, Report::default());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_all_have_in_common_is_healed_once_with_the_n8n(pool: PgPool) {
    let (mut scene, instance, _) = Scene::with_sharing(&pool, 2).await;
    scene.fakes.databases.change(&Name::of(instance), |database| database.shared_schema = false);
    assert_eq!(scene.look().await.healing, 1);
    scene.heals().await;
    assert!(scene.fakes.databases.database(&Name::of(instance)).unwrap().shared_schema);
    assert_eq!(scene.look().await, Report::default());
    assert_eq!(scene.told("tenant.drifted").await.len(), 1);
}
