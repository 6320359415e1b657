//! Tenants whose databases were lost are told, and whether there is something to bring them back from.

use backup::{MakeBackup, record::lost};
use common::{database::MIGRATOR, operations::End};
use n8n::{
    Version,
    databases::{Name, TenantDatabases as _},
    fake::DatabaseWorld,
};
use secrecy::SecretString;
use sqlx::PgPool;

use crate::support::{Fakes, manual};

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_is_to_have_a_database_and_has_none_is_told(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let [there, gone, never, shared, leaving] = [
        fakes.tenant("customer").await,
        fakes.tenant("customer").await,
        fakes.tenant("customer").await,
        fakes.tenant("shared").await,
        fakes.tenant("customer").await,
    ];
    fakes.ask(gone, &manual()).await;
    assert_eq!(fakes.run(&MakeBackup).await, End::Succeeded);
    let going = "update tenants set status = 'deleting' where id = $1";
    sqlx::query(going).bind(leaving).execute(&pool).await.unwrap();
    let world = DatabaseWorld::default();
    let (databases, name) = (world.actor("test"), Name::of(there));
    databases.ensure_role(&name, &SecretString::from("hunter2"), 9).await.unwrap();
    world.load(&name, Version::new(2, 41, 1));

    let told: Vec<_> = lost(&pool, &"fake".parse().unwrap(), &databases).await.unwrap();
    let told: Vec<_> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [format!("{gone} restorable"), format!("{never} without-backup"), format!("{shared} shared")]
    );
    assert_eq!(lost(&pool, &"other".parse().unwrap(), &databases).await.unwrap(), []);
}
