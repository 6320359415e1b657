//! A rotation while tenants are made, started again, let in and removed.

use std::{sync::Arc, time::Duration};

use common::{
    database::MIGRATOR,
    id::TenantId,
    operations::{Gate, Store, Wake, Worker},
    secrets::MasterKeys,
    service::Tasks,
};
use provisioner::{rotate_master_key, sagas};
use sqlx::PgPool;
use tokio::time::{sleep, timeout};
use wire::kinds::{TenantDelete, TenantRestart};

use super::{count_under, keys, open_nothing, opened};
use crate::{crowd::unfinished, support::Fakes};

const AT_ONCE: i64 = 50;

/// Two provisioners, and the keys by which each goes.
fn provisioners(fakes: &Fakes, tasks: &Tasks) -> [MasterKeys; 2] {
    ["one", "other"].map(|process| {
        let (store, world) = (Store::new(fakes.pool.clone(), process), fakes.world(process));
        // The next key is known to everybody before anybody uses it.
        world.keys.replace(&keys(&[1, 2]));
        let in_use = world.keys.clone();
        let world = Arc::new(world);
        Worker { store, world, sagas: sagas(), wake: Wake::default(), gate: Gate::default(), limit: 25 }
            .spawn(tasks);
        in_use
    })
}

async fn until(pool: &PgPool, what: &str, count: i64) {
    let reached = async {
        while sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(what)).fetch_one(pool).await.unwrap() < count {
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(Duration::from_secs(120), reached).await.is_err() {
        panic!("not {count}: {what}: {:#?}", unfinished(pool).await);
    }
}

async fn rotate_thrice(pool: &PgPool, keys: &MasterKeys) -> usize {
    let rotate = || rotate_master_key(pool, keys);
    let (one, other, third) = tokio::try_join!(rotate(), rotate(), rotate()).unwrap();
    [one, other, third].iter().map(|done| done.rewrapped).sum()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_rotation_under_fifty_operations_fails_none_and_ends_the_old_key(pool: PgPool) {
    let (fakes, tasks) = (Fakes::new(&pool), Tasks::default());
    let in_use = provisioners(&fakes, &tasks);
    let mut tenants: Vec<TenantId> = Vec::new();
    for _ in 0..AT_ONCE {
        tenants.push(fakes.accept("starter").await);
    }
    const ACTIVE: &str = "select count(*) from tenants where status = 'active'";
    until(&pool, ACTIVE, 20).await;
    let before = opened(&pool, &keys(&[1])).await;
    // Each goes by the next key when it hears of it, and there is more to do all the while.
    let next = keys(&[2, 1]);
    in_use.iter().for_each(|in_use| in_use.replace(&next));
    let more = async {
        for tenant in &tenants[..10] {
            let active = format!("{ACTIVE} and id = '{}'", tenant.digits());
            until(&pool, &active, 1).await;
            fakes.operate(*tenant, &TenantRestart {}).await;
        }
        for _ in 0..10 {
            fakes.accept("starter").await;
        }
    };
    let (early, ()) = tokio::join!(rotate_thrice(&pool, &next), more);
    until(&pool, ACTIVE, AT_ONCE + 10).await;
    until(&pool, "select count(*) from operations where status = 'succeeded'", AT_ONCE + 20).await;
    let rest = rotate_thrice(&pool, &next).await;
    assert!(early >= before.len() && count_under(&pool, 1).await == 0, "{early} {rest}");

    let failed = "select count(*) from operation_steps where event = 'failed'";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(failed).fetch_one(&pool).await.unwrap(),
        0,
        "a step had to be tried again"
    );
    let after = opened(&pool, &keys(&[2])).await;
    assert_eq!(after.len() as i64, 5 * (AT_ONCE + 10));
    assert!(before.iter().all(|(secret, text)| after.get(secret) == Some(text)));
    assert!(open_nothing(&pool, &keys(&[1])).await);

    // With the old key forgotten, tenants are made and removed as before.
    in_use.iter().for_each(|keys_in_use| keys_in_use.replace(&keys(&[2])));
    for tenant in &tenants[..5] {
        fakes.operate(*tenant, &TenantDelete { final_backup: false }).await;
    }
    fakes.accept("starter").await;
    until(&pool, "select count(*) from operations where status = 'succeeded'", AT_ONCE + 26).await;
    tasks.finish(Duration::from_secs(10)).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_provisioner_that_hears_of_the_next_key_late_loses_nothing(pool: PgPool) {
    let (fakes, tasks) = (Fakes::new(&pool), Tasks::default());
    let in_use = provisioners(&fakes, &tasks);
    let next = keys(&[2, 1]);
    // Against the order: the old key is retired while both still wrap with it.
    rotate_thrice(&pool, &next).await;
    for _ in 0..10 {
        fakes.accept("starter").await;
    }
    until(&pool, "select count(*) from operation_steps where event = 'failed'", 5).await;
    assert_eq!(count_under(&pool, 1).await, 0);
    in_use.iter().for_each(|in_use| in_use.replace(&next));
    until(&pool, "select count(*) from operations where status = 'succeeded'", 10).await;
    tasks.finish(Duration::from_secs(10)).await.unwrap();
}
