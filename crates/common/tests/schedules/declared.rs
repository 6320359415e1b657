//! What a service declares becomes what the record holds.

use common::schedules::{DeclareError, Misses, Runner, ScheduleStore};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::support::{Hands, JOB, Note, World, ask, fired, replica, run_all, schedule};

const NOON: OffsetDateTime = datetime!(2026-08-01 12:00 UTC);

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn declaring_again_writes_nothing_and_looking_at_nothing_neither(pool: PgPool) {
    let (hands, world) = (Hands::at(NOON), World::default());
    let runner = replica(&pool, &hands, &world, &[schedule("s", "0 * * * *", Misses::CatchUp)]);
    runner.declare().await.unwrap();
    let version = "select xmin::text || ' ' || ctid::text from schedules";
    let before: String = ask(&pool, version).await;
    runner.declare().await.unwrap();
    for _ in 0..10 {
        assert_eq!(runner.fire_due().await.unwrap(), 0);
        assert_eq!(run_all(&runner).await, []);
    }
    assert_eq!(ask::<String>(&pool, version).await, before);
    assert_eq!(ask::<OffsetDateTime>(&pool, "select next_due from schedules").await, NOON + Duration::HOUR);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn another_expression_counts_from_now_on_and_a_pause_stays(pool: PgPool) {
    let (hands, world) = (Hands::at(NOON), World::default());
    replica(&pool, &hands, &world, &[schedule("s", "0 * * * *", Misses::CatchUp)]).declare().await.unwrap();
    sqlx::query("update schedules set paused_at = now(), paused_by = 'ada'").execute(&pool).await.unwrap();
    hands.set(NOON + Duration::hours(5));
    // The same expression with another policy goes on where it was.
    replica(&pool, &hands, &world, &[schedule("s", "0 * * * *", Misses::Skip)]).declare().await.unwrap();
    assert_eq!(ask::<OffsetDateTime>(&pool, "select next_due from schedules").await, NOON + Duration::HOUR);
    replica(&pool, &hands, &world, &[schedule("s", "30 * * * *", Misses::Skip)]).declare().await.unwrap();
    let next = NOON + Duration::hours(5) + Duration::minutes(30);
    assert_eq!(ask::<OffsetDateTime>(&pool, "select next_due from schedules").await, next);
    assert_eq!(ask::<String>(&pool, "select paused_by || misses from schedules").await, "adaskip");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_declared_no_longer_rests_and_can_come_back(pool: PgPool) {
    let (hands, world) = (Hands::at(NOON), World::default());
    let both =
        [schedule("kept", "0 * * * *", Misses::CatchUp), schedule("gone", "0 * * * *", Misses::CatchUp)];
    replica(&pool, &hands, &world, &both).declare().await.unwrap();
    let runner = replica(&pool, &hands, &world, &both[..1]);
    runner.declare().await.unwrap();
    hands.set(NOON + Duration::hours(3));
    assert_eq!(runner.fire_due().await.unwrap(), 3);
    assert!(fired(&pool, "gone").await.is_empty());
    // Back again, it does not catch up on the time it was not declared.
    let runner = replica(&pool, &hands, &world, &both);
    runner.declare().await.unwrap();
    hands.set(NOON + Duration::hours(4));
    assert_eq!(runner.fire_due().await.unwrap(), 2);
    assert_eq!(fired(&pool, "gone").await, [NOON + Duration::hours(4)]);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_ended_long_ago_is_forgotten(pool: PgPool) {
    let (hands, world) = (Hands::at(NOON), World::default());
    let both =
        [schedule("kept", "0 * * * *", Misses::CatchUp), schedule("gone", "0 * * * *", Misses::CatchUp)];
    let runner = replica(&pool, &hands, &world, &both);
    runner.declare().await.unwrap();
    hands.set(NOON + Duration::hours(2));
    runner.fire_due().await.unwrap();
    run_all(&runner).await;
    let age = "update schedule_firings set finished_at = finished_at - interval '36 days' where due_at < $1";
    sqlx::query(age).bind(NOON + Duration::minutes(90)).execute(&pool).await.unwrap();
    let retire = "update schedules set retired_at = now() - interval '36 days' where name = 'gone'";
    sqlx::query(retire).execute(&pool).await.unwrap();
    ScheduleStore::new(pool.clone()).forget().await.unwrap();
    assert_eq!(ask::<i64>(&pool, "select count(*) from schedules").await, 1);
    assert_eq!(fired(&pool, "kept").await, [NOON + Duration::hours(2)]);
}

#[tokio::test]
async fn what_cannot_be_planned_is_refused_before_anything_is_written() {
    let pool = PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap();
    let refuse = |schedules: &[common::schedules::Schedule]| {
        let note = Note { name: JOB, world: World::default() };
        let refused = Runner::new(ScheduleStore::new(pool.clone()), "test", schedules, vec![Box::new(note)]);
        refused.err().expect("it is refused")
    };
    let fine = schedule("s", "0 * * * *", Misses::Skip);
    assert!(matches!(refuse(&[schedule("s", "0 0 30 2 *", Misses::Skip)]), DeclareError::Plan { .. }));
    assert!(matches!(refuse(&[fine.clone().on_clocks_of("Mars/Olympus")]), DeclareError::Plan { .. }));
    assert!(matches!(
        refuse(&[common::schedules::Schedule { job: "none".into(), ..fine.clone() }]),
        DeclareError::NoJob { .. }
    ));
    assert!(matches!(refuse(&[fine.clone().with_jitter(3_601)]), DeclareError::Jitter(_)));
    assert!(matches!(refuse(&[fine.clone(), fine]), DeclareError::Twice(_)));
}
