//! Who looks at whom.

use common::database::MIGRATOR;
use metrics_collector::shards::{Now, SHARDS, Shards};
use sqlx::PgPool;

use crate::support::{CLUSTER, Fakes};

const EARLY: f64 = 0.5;
const LATE: f64 = 5.0;

async fn replica(pool: &PgPool) -> Shards {
    let shards = Shards::new(pool.clone(), CLUSTER.parse().unwrap());
    shards.ensure().await.unwrap();
    shards
}

async fn take_all(shards: &Shards, tick: i64, into: f64) -> Vec<i16> {
    let mut taken = Vec::new();
    loop {
        let more = shards.take(Now { tick, into }).await.unwrap();
        if more.is_empty() {
            return taken;
        }
        assert_eq!(shards.done(tick, &more).await.unwrap().len(), more.len());
        taken.extend(more);
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn every_part_is_taken_once_a_tick_and_those_who_come_later_get_their_share(pool: PgPool) {
    Fakes::new(&pool).await;
    let (first, second, third) = (replica(&pool).await, replica(&pool).await, replica(&pool).await);
    assert_eq!(take_all(&first, 1, EARLY).await.len(), SHARDS as usize);
    assert!(take_all(&second, 1, LATE).await.is_empty(), "none is taken twice");
    assert_eq!(second.even_out(1).await.unwrap(), 32);
    assert_eq!(first.even_out(1).await.unwrap(), 0);
    let (own, others) = (take_all(&first, 2, EARLY).await, take_all(&second, 2, EARLY).await);
    assert_eq!((own.len(), others.len()), (32, 32));
    assert_eq!(third.even_out(2).await.unwrap(), 21);
    let mut all = Vec::new();
    for replica in [&first, &second, &third] {
        let taken = take_all(replica, 3, EARLY).await;
        assert!((21..=22).contains(&taken.len()), "{}", taken.len());
        all.extend(taken);
    }
    all.sort_unstable();
    assert_eq!(all, (0..SHARDS).collect::<Vec<_>>());
    for replica in [&first, &second, &third] {
        assert_eq!(replica.even_out(3).await.unwrap(), 0, "as even as it gets");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_a_replica_that_is_gone_had_is_taken_in_the_same_tick_and_stays(pool: PgPool) {
    Fakes::new(&pool).await;
    let (stays, goes) = (replica(&pool).await, replica(&pool).await);
    take_all(&stays, 1, EARLY).await;
    goes.even_out(1).await.unwrap();
    take_all(&goes, 2, EARLY).await;
    assert_eq!(take_all(&stays, 2, EARLY).await.len(), 32);
    // It is gone.
    assert_eq!(take_all(&stays, 3, EARLY).await.len(), 32);
    assert_eq!(take_all(&stays, 3, LATE).await.len(), 32);
    assert_eq!(take_all(&stays, 4, EARLY).await.len(), SHARDS as usize);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_begun_and_does_not_end_is_anothers_and_told_by_one(pool: PgPool) {
    Fakes::new(&pool).await;
    let (stays, hangs) = (replica(&pool).await, replica(&pool).await);
    let (tick, now) = (1, Now { tick: 1, into: EARLY });
    let begun = hangs.take(now).await.unwrap();
    assert_eq!((begun.len(), take_all(&stays, tick, LATE).await.len()), (16, 48));
    assert_eq!(stays.even_out(tick).await.unwrap(), 0);
    assert_eq!(hangs.even_out(tick).await.unwrap(), 16, "of what was looked at to the end");
    let later = "update collector_shards set begun = begun - interval '8 seconds'";
    sqlx::query(later).execute(&pool).await.unwrap();
    let mut taken = stays.take(now).await.unwrap();
    taken.sort_unstable();
    assert_eq!(taken, begun);
    assert!(hangs.take(now).await.unwrap().is_empty(), "it has just begun");
    assert_eq!(hangs.done(tick, &begun).await.unwrap(), [0; 0], "what came too late is nobody's");
    assert_eq!(stays.done(tick, &taken).await.unwrap().len(), 16);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_record_s_clock_says_which_tick_it_is(pool: PgPool) {
    Fakes::new(&pool).await;
    let shards = replica(&pool).await;
    let (now, again) = (shards.now().await.unwrap(), shards.now().await.unwrap());
    assert!((0.0..15.0).contains(&now.into), "{now:?}");
    assert!(again.tick - now.tick <= 1 && now.tick > 118_000_000, "{now:?}");
}
