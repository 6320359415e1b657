//! Many tenants at once.

use std::{sync::Arc, time::Duration};

use common::{
    database::MIGRATOR,
    operations::{Store, Wake, Worker},
    service::Tasks,
};
use provisioner::sagas;
use sqlx::PgPool;

use crate::support::Fakes;

const TENANTS: i64 = 16;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn tenants_made_at_once_do_not_get_in_each_others_way(pool: PgPool) {
    let (fakes, tasks) = (Fakes::new(&pool), Tasks::default());
    for _ in 0..TENANTS {
        fakes.accept("starter").await;
    }
    for process in ["one", "other"] {
        let (store, world) = (Store::new(pool.clone(), process), Arc::new(fakes.world(process)));
        Worker { store, world, sagas: sagas(), wake: Wake::default(), limit: 8 }.spawn(&tasks);
    }
    let made = "select count(*) from tenants where status = 'active'";
    let all = async {
        while sqlx::query_scalar::<_, i64>(made).fetch_one(&pool).await.unwrap() < TENANTS {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), all).await.expect("every tenant becomes active");
    tasks.finish(Duration::from_secs(10)).await.unwrap();
    let again = "select count(*) from operation_steps where event = 'failed'";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(again).fetch_one(&pool).await.unwrap(),
        0,
        "a step had to be tried again"
    );
    let subnets = "select count(distinct subnet) from tenants";
    assert_eq!(sqlx::query_scalar::<_, i64>(subnets).fetch_one(&pool).await.unwrap(), TENANTS);
}
