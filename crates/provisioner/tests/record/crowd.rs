//! Many tenants at once.

use std::{sync::Arc, time::Duration};

use common::{
    database::MIGRATOR,
    operations::{Gate, Store, Wake, Worker},
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
        Worker { store, world, sagas: sagas(), wake: Wake::default(), gate: Gate::default(), limit: 8 }
            .spawn(&tasks);
    }
    let made = "select count(*) from tenants where status = 'active'";
    let all = async {
        while sqlx::query_scalar::<_, i64>(made).fetch_one(&pool).await.unwrap() < TENANTS {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(120), all).await.is_err() {
        panic!("not every tenant became active: {:#?}", unfinished(&pool).await);
    }
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

/// What a reader of the failure needs to know of the operations that did not end well.
async fn unfinished(pool: &PgPool) -> Vec<String> {
    let told = "select format('%s %s until %s, not before %s, now %s: %s; %s', o.status, o.lease_owner, o.lease_until,
                           o.not_before, now(), o.error,
                           (select string_agg(format('%s %s %s', s.step, s.event, s.error), ', ' order by s.at)
                            from operation_steps s where s.operation_id = o.id))
                from operations o where o.status <> 'done'";
    sqlx::query_scalar(told).fetch_all(pool).await.unwrap()
}
