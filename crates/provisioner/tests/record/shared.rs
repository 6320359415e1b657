//! The way into an n8n that tenants share.

use common::{
    database::MIGRATOR,
    error::Kind,
    id::TenantId,
    operations::{End, StepError},
};
use n8n::databases::Name;
use provisioner::CreateTenant;
use secrecy::ExposeSecret as _;
use sqlx::PgPool;

use crate::support::Fakes;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_platform_works_in_a_shared_n8n_through_the_edge_and_with_the_key_that_n8n_knows(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let instance = fakes.accept("shared").await;
    let before = fakes.world("member").main_of(&pool, instance).await;
    assert!(matches!(before, Err(StepError::Failed { kind: Kind::NotFound, .. })), "{before:?}");
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);

    let main = fakes.world("member").main_of(&pool, instance).await.unwrap();
    assert_eq!(main.instance, Name::of(instance));
    assert_eq!(main.address.as_str(), format!("http://edge:8002/{instance}"));
    let known = fakes.databases.database(&Name::of(instance)).unwrap().api_keys;
    assert_eq!(known.into_values().collect::<Vec<_>>(), [main.key.expose_secret()]);
    let nobody = fakes.world("member").main_of(&pool, TenantId::generate()).await;
    assert!(matches!(nobody, Err(StepError::Failed { kind: Kind::NotFound, .. })), "{nobody:?}");
}
