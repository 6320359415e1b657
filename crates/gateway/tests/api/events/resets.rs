//! Coming back to where nobody can go on from: told so, in a form that an `EventSource` survives, and told what happens from then on.

use sqlx::PgPool;

use super::{accepted, succeed, write_many};
use crate::support::{Call, Follower, Platform};

async fn back_at(platform: &Platform, target: &str, id: i64) -> Follower {
    platform.follow(Call::get(target).by_a("admin").header("last-event-id", id.to_string())).await
}

/// Checks that a stream begins anew, for this reason, and remembers where.
async fn assert_reset(follower: &mut Follower, reason: &str, position: i64) {
    let told = follower.next().await.expect("it says so");
    assert_eq!((told.name.as_deref(), told.id), (Some("reset"), Some(position)), "{told:?}");
    assert_eq!(told.data["reason"], reason);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_position_from_the_future_starts_anew_and_goes_on(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let mut live = platform.follow(Call::get("/events").by_a("admin")).await;
    write_many(&database, 5).await;
    live.kinds(5).await;
    let mut back = back_at(&platform, "/events", live.last_id + 1_000).await;
    assert_reset(&mut back, "unknown_event", live.last_id).await;
    write_many(&database, 1).await;
    assert_eq!(back.kinds(1).await, ["tenant.active"]);
    let mut again = back_at(&platform, "/events", live.last_id).await;
    assert_eq!(again.next().await.unwrap().id, Some(back.last_id), "what it remembers is a position again");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_operation_is_told_from_its_beginning_to_whoever_cannot_go_on(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let (tenant, operation) = accepted(&platform, "acme").await;
    let target = format!("/operations/{operation}/events");
    succeed(&database, &tenant, &operation).await;
    let mut follower = platform.follow(Call::get(&target).by_a("admin")).await;
    let told = follower.kinds(7).await;
    assert_eq!(told.last().unwrap(), "operation.succeeded");
    let mut back = back_at(&platform, &target, follower.last_id + 1_000).await;
    assert_reset(&mut back, "unknown_event", 0).await;
    assert_eq!(back.kinds(7).await, told);
    assert_eq!(back.reason().await, "operation_ended");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_position_whose_events_are_forgotten_starts_anew(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let mut live = platform.follow(Call::get("/events").by_a("admin")).await;
    write_many(&database, 5).await;
    live.kinds(5).await;
    let latest = live.last_id;
    let aged = "update events set at = now() - interval '8 days' where id <= $1";
    sqlx::query(aged).bind(latest - 2).execute(&database).await.unwrap();
    gateway::forget(&database, gateway::OPERATIONS_KEPT_DAYS).await.unwrap();
    back_at(&platform, "/events", latest - 3).await.kinds(3).await;
    let published = sqlx::query("update event_relay set published_id = $1").bind(latest);
    published.execute(&database).await.unwrap();
    gateway::forget(&database, gateway::OPERATIONS_KEPT_DAYS).await.unwrap();
    let mut back = back_at(&platform, "/events", latest - 3).await;
    assert_reset(&mut back, "events_forgotten", latest).await;
    back_at(&platform, "/events", latest - 2).await.kinds(2).await;
    platform.follow(Call::get("/events?since=0").by_a("admin")).await.kinds(2).await;
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_record_put_back_under_a_running_gateway_is_told_on(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let mut live = platform.follow(Call::get("/events").by_a("admin")).await;
    write_many(&database, 5).await;
    live.kinds(5).await;
    let earlier = live.last_id - 3;
    sqlx::query("delete from events where id > $1").bind(earlier).execute(&database).await.unwrap();
    let counted = "select setval(pg_get_serial_sequence('events', 'id'), $1)";
    sqlx::query(counted).bind(earlier).execute(&database).await.unwrap();
    assert_eq!(live.reason().await, "rewound");
    let mut back = back_at(&platform, "/events", live.last_id).await;
    assert_reset(&mut back, "unknown_event", earlier).await;
    write_many(&database, 1).await;
    assert_eq!(back.next().await.unwrap().id, Some(earlier + 1), "an id that was told before");
    platform.stop().await;
}
