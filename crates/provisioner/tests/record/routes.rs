//! Whatever changes of where a tenant's addresses lead reaches the table of routes.

use common::{database::MIGRATOR, operations::End};
use engine::Selection;
use provisioner::{RerouteTenant, ResumeTenant, SuspendTenant};
use sqlx::PgPool;
use wire::kinds::{TenantReroute, TenantResume, TenantSuspend};

use crate::scene::Scene;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_address_that_was_given_up_goes_and_one_that_led_elsewhere_is_put_right(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    let own_domain = "update tenants set custom_domain = $2 where id = $1";
    sqlx::query(own_domain).bind(tenant).bind("old.example").execute(&pool).await.unwrap();
    scene.fakes.operate(tenant, &TenantSuspend::default()).await;
    assert_eq!(scene.run(&SuspendTenant).await, End::Succeeded);
    assert_eq!(scene.fakes.stand_ins(tenant).await.len(), 2);

    sqlx::query(own_domain).bind(tenant).bind("new.example").execute(&pool).await.unwrap();
    // Of this very generation, and not where the tenant's main is.
    let elsewhere = "update routes set targets = jsonb_set(targets, '{0,url}', '\"http://elsewhere:5678\"'), stand_in = null,
                         generation = (select generation from tenants where id = $1) where tenant_id = $1";
    sqlx::query(elsewhere).bind(tenant).execute(&pool).await.unwrap();
    scene.fakes.operate(tenant, &TenantResume::default()).await;
    assert_eq!(scene.run(&ResumeTenant).await, End::Succeeded);
    let routes = "select host, targets #>> '{0,url}' from routes where tenant_id = $1 order by host";
    let routes: Vec<(String, String)> = sqlx::query_as(routes).bind(tenant).fetch_all(&pool).await.unwrap();
    let main = format!("http://{}:5678", crate::scene::main_of(tenant));
    let subdomain = format!("t{}.example.com", &tenant.digits()[16..]);
    assert_eq!(routes, [("new.example".to_owned(), main.clone()), (subdomain, main)]);
}

/// While something is done to a tenant nobody else puts its network right.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_edge_that_was_made_anew_is_let_in_before_anybody_waits_for_it(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    let (world, cluster) = (scene.fakes.world("a look"), scene.fakes.cluster.parse().unwrap());
    let is_reached = async || {
        let seen = world.containers.observe(&cluster, Selection::of(tenant)).await.unwrap();
        seen.networks[0].attached.iter().any(|role| role == "edge")
    };
    assert!(is_reached().await);
    scene.fakes.containers.add_shared(&cluster, "edge");
    assert!(!is_reached().await);
    scene.fakes.operate(tenant, &TenantReroute {}).await;
    assert_eq!(scene.run(&RerouteTenant).await, End::Succeeded);
    assert!(is_reached().await);
}
