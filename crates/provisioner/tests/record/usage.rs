//! Who takes more than is theirs of what cannot be bounded.

use std::collections::{BTreeMap, BTreeSet};

use common::{database::MIGRATOR, operations::End};
use n8n::{databases::Name, queues::QueueUsage};
use provisioner::{CreateTenant, usage};
use sqlx::PgPool;

use crate::support::Fakes;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_takes_too_much_of_disk_or_memory_is_named(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let world = fakes.world("usage");
    assert_eq!(usage::look(&pool, &world).await.unwrap(), usage::Excess::default());
    // Five gigabytes are in the plan.
    fakes.databases.change(&Name::of(tenant), |database| database.bytes = (5 << 30) + 1);
    fakes.queues.set_usage(QueueUsage { used: 50, most: 100, tenants: BTreeMap::from([(tenant, 40)]) });
    let excess = usage::look(&pool, &world).await.unwrap();
    assert_eq!((excess.storage, excess.memory), (BTreeSet::from([tenant]), BTreeSet::from([tenant])));
}
