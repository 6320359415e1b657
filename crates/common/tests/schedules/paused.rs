//! Holding a schedule back, and what becomes of what it missed.

use common::schedules::Misses;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::support::{Hands, World, ask, fired, replica, run_all, schedule};

const NOON: OffsetDateTime = datetime!(2026-08-01 12:00 UTC);

async fn set(pool: &PgPool, change: &'static str) {
    sqlx::query(change).execute(pool).await.unwrap();
}

const PAUSE: &str = "update schedules set paused_at = now(), paused_by = 'ada', paused_reason = 'because'";
const RESUME: &str = "update schedules set paused_at = null, paused_by = null, paused_reason = null";

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn misses_of_a_pause_are_treated_as_declared(pool: PgPool) {
    let (hands, world) = (Hands::at(NOON), World::default());
    let both = [schedule("all", "0 * * * *", Misses::CatchUp), schedule("none", "0 * * * *", Misses::Skip)];
    let runner = replica(&pool, &hands, &world, &both);
    runner.declare().await.unwrap();
    hands.set(NOON + Duration::HOUR);
    assert_eq!(runner.fire_due().await.unwrap(), 2);
    set(&pool, PAUSE).await;
    // What fired before waits as well.
    assert_eq!(run_all(&runner).await, []);
    hands.set(NOON + Duration::hours(5) + Duration::minutes(30));
    assert_eq!(runner.fire_due().await.unwrap(), 0);
    set(&pool, RESUME).await;
    assert_eq!(runner.fire_due().await.unwrap(), 4);
    let hours: Vec<_> = (1..=5).map(|hour| NOON + Duration::hours(hour)).collect();
    assert_eq!(fired(&pool, "all").await, hours);
    assert_eq!(fired(&pool, "none").await, hours[..1]);
    assert_eq!(run_all(&runner).await.len(), 6);
    let told =
        "select string_agg(kind || ' ' || (data ->> 'schedule'), ', ' order by kind, data ->> 'schedule')
                  from event_outbox";
    let expected = "schedule.paused all, schedule.paused none, schedule.resumed all, schedule.resumed none";
    assert_eq!(ask::<String>(&pool, told).await, expected);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_row_that_cannot_be_followed_is_paused_and_says_why(pool: PgPool) {
    let (hands, world) = (Hands::at(NOON), World::default());
    let both =
        [schedule("bad", "0 * * * *", Misses::CatchUp), schedule("good", "0 * * * *", Misses::CatchUp)];
    let runner = replica(&pool, &hands, &world, &both);
    runner.declare().await.unwrap();
    set(&pool, "update schedules set cron = '0 0 30 2 *' where name = 'bad'").await;
    hands.set(NOON + Duration::HOUR);
    assert_eq!(runner.fire_due().await.unwrap(), 1);
    let why = "select paused_by || ': ' || paused_reason from schedules where name = 'bad'";
    assert_eq!(ask::<String>(&pool, why).await, "rp9: `0 0 30 2 *` never comes");
}
