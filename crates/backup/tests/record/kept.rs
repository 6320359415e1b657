//! What is kept, and what goes.

use std::sync::Arc;

use backup::keeping::Keeping;
use common::{clock, database::MIGRATOR, id::BackupId, service::Round as _};
use objects::{Objects as _, Unfinished};
use sqlx::PgPool;
use time::Duration;

use crate::support::Fakes;

async fn keep(fakes: &Fakes) {
    Keeping::new(fakes.pool.clone(), Arc::new(fakes.world("keeper"))).run().await.unwrap();
}

async fn is_old(fakes: &Fakes, backup: BackupId) {
    let old = "update backups set kept_until = now() - interval '1 minute', taken_at = taken_at - interval '40 days' where id = $1";
    fakes.set(old, backup).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_kept_long_enough_goes_and_never_the_last_that_can_be_restored_from(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.tenant("customer").await;
    let [oldest, held, newest] =
        [fakes.backup(tenant).await, fakes.backup(tenant).await, fakes.backup(tenant).await];
    fakes.set("update backups set legal_hold = true where id = $1", held).await;
    for backup in [oldest, held, newest] {
        is_old(&fakes, backup).await;
    }
    for _ in 0..2 {
        keep(&fakes).await;
        assert_eq!(fakes.status(oldest).await, "removed");
        assert_eq!(fakes.status(held).await, "verified", "it is under a legal hold");
        assert_eq!(fakes.status(newest).await, "verified", "it is the last");
        assert_eq!(fakes.objects_of(tenant, oldest), []);
    }
    // Ones that nothing can be restored from do not count as newer ones.
    let bare = fakes.backup(tenant).await;
    fakes.set("update backups set includes_database = false where id = $1", bare).await;
    keep(&fakes).await;
    assert_eq!(fakes.status(newest).await, "verified");
    let deleted = sqlx::query("update tenants set status = 'deleted', cluster_id = null where id = $1");
    deleted.bind(tenant).execute(&pool).await.unwrap();
    fakes.set("update backups set legal_hold = false where id = $1", held).await;
    is_old(&fakes, bare).await;
    keep(&fakes).await;
    assert_eq!(fakes.objects.keys(), [], "of one that is gone all of it goes in its time");
    let left: i64 = sqlx::query_scalar("select count(*) from tenant_secrets where name = 'backup_key'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 0, "and with the last what opened them");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_something_is_restored_from_stays_until_the_end(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.tenant("customer").await;
    let [old, _] = [fakes.backup(tenant).await, fakes.backup(tenant).await];
    is_old(&fakes, old).await;
    let restore = "insert into restores (id, tenant_id, backup_id, operation_id, asked_by)
                   select gen_random_uuid(), b.tenant_id, b.id, gen_random_uuid(), 'test' from backups b where b.id = $1";
    fakes.set(restore, old).await;
    keep(&fakes).await;
    assert_eq!(fakes.status(old).await, "verified");
    fakes.set("update restores set status = 'failed', ended_at = now() where backup_id = $1", old).await;
    // Somebody who is about to have it restored: whether that was accepted is seen the next time.
    let mut asking = common::database::begin(&pool).await.unwrap();
    sqlx::query("select from backups where id = $1 for share").bind(old).execute(&mut *asking).await.unwrap();
    keep(&fakes).await;
    assert_eq!(fakes.status(old).await, "verified");
    asking.rollback().await.unwrap();
    keep(&fakes).await;
    assert_eq!(fakes.status(old).await, "removed");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_store_that_is_away_costs_nothing_but_time(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.tenant("customer").await;
    let [old, new] = [fakes.backup(tenant).await, fakes.backup(tenant).await];
    is_old(&fakes, old).await;
    fakes.objects.set_away(true);
    let round = Keeping::new(fakes.pool.clone(), Arc::new(fakes.world("keeper"))).run().await;
    assert!(round.is_err());
    assert_eq!(fakes.status(old).await, "removing");
    fakes.objects.set_away(false);
    keep(&fakes).await;
    assert_eq!(fakes.status(old).await, "removed");
    assert_eq!(fakes.status(new).await, "verified");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn uploads_that_nobody_finished_are_given_up_within_the_hour(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.tenant("customer").await;
    let backup = fakes.backup(tenant).await;
    let key = fakes.objects_of(tenant, backup)[0].clone();
    for (id, minutes) in [("old", 50), ("new", 10)] {
        let begun_at = clock::now() - Duration::minutes(minutes);
        fakes.objects.leave_unfinished(Unfinished { key: key.clone(), begun_at, id: id.into() });
    }
    keep(&fakes).await;
    let left = fakes.objects.unfinished(&"tenants".parse().unwrap()).await.unwrap();
    let left: Vec<_> = left.iter().map(|upload| upload.id.as_str()).collect();
    assert_eq!(left, ["new"]);
}
