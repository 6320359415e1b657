//! Which n8n a tenant runs is its own row's word, whatever the platform gives to new ones.

use common::{database::MIGRATOR, id::TenantId, operations::End};
use engine::Selection;
use n8n::Version;
use provisioner::{CreateTenant, HealTenant};
use sqlx::PgPool;
use wire::kinds::TenantHeal;

use crate::scene::{Scene, main_of, worker_of};

const OLD: &str = "n8nio/n8n:2.41.1";
const NEW: &str = "n8nio/n8n:2.42.0";

/// The version that the containers of a tenant run, each once.
async fn images(scene: &Scene, tenant: TenantId) -> Vec<String> {
    let world = scene.fakes.world("inspector");
    let inventory = world.containers.observe(&world.site.cluster, Selection::ALL).await.unwrap();
    let own = inventory.containers.iter().filter(|c| c.owner.tenant == Some(tenant));
    let mut images: Vec<_> = own.map(|container| container.image.clone()).collect();
    images.dedup();
    images
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn healing_keeps_a_tenant_at_its_own_version(pool: PgPool) {
    // The site of these worlds is told another version, as after a new default.
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    assert_eq!(images(&scene, tenant).await, [OLD]);
    scene.fakes.containers.vanish(&main_of(tenant));
    scene.fakes.containers.clear_ledger();
    scene.fakes.operate(tenant, &TenantHeal::default()).await;
    assert_eq!(scene.run(&HealTenant).await, End::Succeeded);
    assert_eq!(images(&scene, tenant).await, [OLD]);
    let touched: Vec<_> = scene.fakes.containers.ledger().into_iter().map(|effect| effect.target).collect();
    assert!(touched.contains(&main_of(tenant)), "{touched:?}");
    assert!(!touched.contains(&worker_of(tenant, 1)), "what ran was not made anew: {touched:?}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn two_versions_live_side_by_side_each_with_its_own_image_and_template(pool: PgPool) {
    let (scene, old) = Scene::with_tenant(&pool).await;
    // Nothing of the new one needs it: not its template's migration either.
    scene.fakes.containers.set_image_missing(OLD, true);
    let new = scene.fakes.accept("pro").await;
    let version = sqlx::query("update tenants set n8n_version = '2.42.0' where id = $1").bind(new);
    version.execute(&pool).await.unwrap();
    assert_eq!(scene.run(&CreateTenant).await, End::Succeeded);
    assert_eq!((images(&scene, old).await, images(&scene, new).await), (vec![OLD.into()], vec![NEW.into()]));
    let databases = scene.fakes.world("inspector").databases.observe().await.unwrap();
    let templates: Vec<_> = databases.templates.iter().map(|template| template.version).collect();
    assert_eq!(templates, [Version::new(2, 41, 1), Version::new(2, 42, 0)]);
}
