//! What becomes of a firing.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use common::{
    error::Kind,
    schedules::{ATTEMPTS, Clock, Misses, Ran, Runner, ScheduleStore},
    service::Tasks,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, macros::datetime};
use tokio_util::sync::CancellationToken;

use crate::support::{Behaviour, Hands, JOB, Note, World, ask, replica, run_all, schedule, time_passes};

const NOON: OffsetDateTime = datetime!(2026-08-01 12:00 UTC);

/// A replica with one firing to be run.
async fn one_firing(pool: &PgPool, world: &World) -> Runner {
    let hands = Hands::at(NOON);
    let runner = replica(pool, &hands, world, &[schedule("s", "0 * * * *", Misses::CatchUp)]);
    runner.declare().await.unwrap();
    hands.set(NOON + Duration::HOUR);
    assert_eq!(runner.fire_due().await.unwrap(), 1);
    runner
}

async fn shown(pool: &PgPool) -> Value {
    ask(
        pool,
        "select jsonb_build_object('state', state, 'attempts', attempts, 'error', error,
                'finished', finished_at is not null, 'leased', lease_until is not null) from schedule_firings",
    )
    .await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_failure_is_tried_again_and_then_failed_for_good(pool: PgPool) {
    let world = World::default();
    world.behave(Behaviour::Fail(Kind::Unavailable));
    let runner = one_firing(&pool, &world).await;
    let error = json!({ "kind": "unavailable", "detail": "A dependency is not answering. Try again later." });
    for attempt in 1..ATTEMPTS {
        assert_eq!(run_all(&runner).await, [Ran::Retried]);
        let waiting = "select not_before >= fired_at + interval '1 second' from schedule_firings";
        assert!(ask::<bool>(&pool, waiting).await, "after attempt {attempt}");
        time_passes(&pool).await;
    }
    let waits = json!({ "state": "waiting", "attempts": ATTEMPTS - 1, "error": error, "finished": false, "leased": false });
    assert_eq!(shown(&pool).await, waits);
    assert_eq!(run_all(&runner).await, [Ran::Failed]);
    let over =
        json!({ "state": "failed", "attempts": ATTEMPTS, "error": error, "finished": true, "leased": false });
    assert_eq!(shown(&pool).await, over);
    time_passes(&pool).await;
    assert_eq!(run_all(&runner).await, []);
    let told = "select kind || ' ' || (data -> 'error' ->> 'kind') from event_outbox";
    assert_eq!(ask::<String>(&pool, told).await, "schedule.failed unavailable");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_verdict_is_not_asked_for_again(pool: PgPool) {
    let world = World::default();
    world.behave(Behaviour::Find);
    let runner = one_firing(&pool, &world).await;
    assert_eq!(run_all(&runner).await, [Ran::Failed]);
    assert_eq!(shown(&pool).await["error"], json!({ "kind": "conflict", "detail": "It broke at 7." }));
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_never_comes_back_fails_in_the_end(pool: PgPool) {
    let world = World::default();
    let runner = one_firing(&pool, &world).await;
    for _ in 0..ATTEMPTS {
        crate::support::die_running(&runner, &world, Behaviour::HangBefore).await;
        assert_eq!(run_all(&runner).await, [], "its lease holds");
        time_passes(&pool).await;
    }
    assert_eq!(run_all(&runner).await, [Ran::Failed]);
    assert_eq!(shown(&pool).await["error"]["detail"], "None of its attempts came back.");
    assert_eq!(world.total(), 0);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_process_that_stops_gives_its_firing_back_at_once(pool: PgPool) {
    let world = World::default();
    let runner = one_firing(&pool, &world).await;
    world.behave(Behaviour::HangBefore);
    let stopping = CancellationToken::new();
    let stop = async {
        world.hanging.notified().await;
        stopping.cancel();
    };
    let (ran, ()) = tokio::join!(runner.run_next(&stopping), stop);
    assert_eq!(ran.unwrap().unwrap().1, Ran::Released);
    assert_eq!(shown(&pool).await["attempts"], 0);
    world.behave(Behaviour::Work);
    assert_eq!(run_all(&runner).await, [Ran::Done]);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_lost_the_lease_cannot_say_how_it_ended(pool: PgPool) {
    let world = World::default();
    let slow = one_firing(&pool, &world).await;
    world.behave(Behaviour::HangAfter);
    let stopping = CancellationToken::new();
    let overtake = async {
        world.hanging.notified().await;
        time_passes(&pool).await;
        world.behave(Behaviour::Find);
        let other = replica(&pool, &Hands::at(NOON), &world, &[schedule("s", "0 * * * *", Misses::CatchUp)]);
        assert_eq!(run_all(&other).await, [Ran::Failed]);
        stopping.cancel();
    };
    let (ran, ()) = tokio::join!(slow.run_next(&stopping), overtake);
    assert_eq!(ran.unwrap().unwrap().1, Ran::Lost);
    assert_eq!(shown(&pool).await["state"], "failed");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_loop_of_several_replicas_fires_each_once_and_stops(pool: PgPool) {
    let (hands, world, tasks) = (Hands::at(NOON), World::default(), Tasks::default());
    let schedules =
        [schedule("a", "*/5 * * * *", Misses::CatchUp), schedule("b", "*/7 * * * *", Misses::CatchUp)];
    replica(&pool, &hands, &world, &schedules).declare().await.unwrap();
    hands.set(NOON + Duration::HOUR);
    for _ in 0..3 {
        replica(&pool, &hands, &world, &schedules).spawn(&tasks);
    }
    let done = async {
        while ask::<i64>(&pool, "select count(*) from schedule_firings where state = 'done'").await < 12 + 9 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), done).await.expect("everything is run");
    tasks.finish(std::time::Duration::from_secs(10)).await.expect("the loops end");
    assert_eq!(world.total(), 12 + 9);
    assert!(world.effects.lock().unwrap().values().all(|count| *count == 1));
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_loop_waits_while_the_record_is_away_and_goes_on(pool: PgPool) {
    let (hands, world, tasks) = (Hands::at(NOON), World::default(), Tasks::default());
    let looks = Arc::new(AtomicU32::new(0));
    let (counted, time) = (looks.clone(), hands.clone());
    let clock = Clock::Given(Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        time.now()
    }));
    let rename = async |statement: &'static str| sqlx::query(statement).execute(&pool).await.unwrap();
    let until = async |reached: &dyn Fn() -> bool| {
        let wait = async {
            while !reached() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), wait).await.expect("it goes on");
    };
    rename("alter table schedules rename to schedules_away").await;
    let note = Note { name: JOB, world: world.clone() };
    let store = ScheduleStore::new(pool.clone()).with_clock(clock);
    let schedules = [schedule("s", "0 * * * *", Misses::CatchUp)];
    Runner::new(store, "test", &schedules, vec![Box::new(note)]).unwrap().spawn(&tasks);
    until(&|| looks.load(Ordering::SeqCst) > 2).await;
    rename("alter table schedules_away rename to schedules").await;
    // It declares with the first look of these, and looks for what is due with the others.
    let seen = looks.load(Ordering::SeqCst);
    until(&|| looks.load(Ordering::SeqCst) > seen + 3).await;
    assert_eq!(world.total(), 0);
    hands.set(NOON + Duration::HOUR);
    until(&|| world.total() == 1).await;
    tasks.finish(std::time::Duration::from_secs(10)).await.expect("the loop ends");
}
