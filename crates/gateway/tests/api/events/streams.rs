//! What is told, to whom, and how it ends.

use sqlx::PgPool;

use super::{SUCCESS, accepted, hides_nothing_secret, succeed, turn, write_many};
use crate::support::{Call, Claims, Follower, Platform};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn every_change_is_told_once_and_in_order_live_and_later(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let mut live = platform.follow(Call::get("/events").by_a("admin")).await;
    let (tenant, operation) = accepted(&platform, "acme").await;
    // Nothing that an outsider could see.
    turn(&database, &tenant, "provisioning").await;
    succeed(&database, &tenant, &operation).await;
    let mut ids = Vec::new();
    for kind in SUCCESS {
        let told = live.next().await.unwrap();
        assert_eq!(told.data["kind"], kind);
        assert_eq!(told.data["tenant_id"], tenant);
        assert_eq!(told.data["id"], told.id.unwrap());
        hides_nothing_secret(&told.data);
        ids.push(told.id.unwrap());
    }
    assert!(ids.is_sorted());
    let other = platform.send_to(1, Call::get("/events").by_a("admin")).await;
    other.assert_problem(503, "unavailable");

    let mut later = platform.follow(Call::get("/events?since=0").by_a("admin")).await;
    assert_eq!(later.kinds(SUCCESS.len()).await, SUCCESS);
    let mut named = platform.follow(Call::get("/events?since=0&tenant=acme").by_a("admin")).await;
    assert_eq!(named.kinds(SUCCESS.len()).await, SUCCESS);
    let unknown = platform.send(Call::get("/events?tenant=nobody").by_a("admin")).await;
    unknown.assert_problem(422, "invalid_fields");
    let mut steps = platform.follow(Call::get("/events?since=0&kind=step").by_a("admin")).await;
    assert_eq!(steps.kinds(4).await, ["step.started", "step.failed", "step.started", "step.succeeded"]);
    platform.stop().await;
    assert_eq!(live.reason().await, "stopping");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_operation_is_told_from_its_beginning_to_its_end(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let (tenant, operation) = accepted(&platform, "acme").await;
    let target = format!("/operations/{operation}/events");
    let mut follower = platform.follow(Call::get(&target).by_a("admin")).await;
    assert_eq!(follower.kinds(1).await, ["operation.accepted"]);
    succeed(&database, &tenant, &operation).await;
    let rest: Vec<_> = SUCCESS[2..].iter().filter(|kind| !kind.starts_with("tenant")).collect();
    assert_eq!(follower.kinds(rest.len()).await.iter().collect::<Vec<_>>(), rest);
    let last = follower.last_id;
    assert_eq!(follower.reason().await, "operation_ended");

    let mut again = platform.follow(Call::get(&target).by_a("admin")).await;
    assert_eq!(again.kinds(rest.len() + 1).await.last().unwrap(), "operation.succeeded");
    assert_eq!(again.reason().await, "operation_ended");
    let back = Call::get(&target).by_a("admin").header("last-event-id", last.to_string());
    assert_eq!(platform.send(back).await.status, 204);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_owner_is_told_of_no_other_tenant_however_they_ask(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    // Told live, so that what it was told is past for whoever comes later.
    let mut everything = platform.follow(Call::get("/events").by_a("admin")).await;
    let (mine, _) = accepted(&platform, "mine").await;
    let (theirs, operation) = accepted(&platform, "theirs").await;
    let me = Claims::owner(&[&mine]);
    let foreign = platform.send(Call::get(&format!("/operations/{operation}/events")).by(&me)).await;
    foreign.assert_problem(404, "not_found");
    everything.kinds(4).await;
    let targets =
        ["/events".to_owned(), "/events?since=0".to_owned(), format!("/events?since=0&tenant={theirs}")];
    let mut followers = Vec::new();
    for target in &targets {
        followers.push(platform.follow(Call::get(target).by(&me)).await);
    }
    // What concerns no tenant is not for owners either.
    write_many(&database, 3).await;
    for status in ["active", "suspended"] {
        turn(&database, &theirs, status).await;
        turn(&database, &mine, status).await;
    }
    everything.kinds(7).await;
    for (follower, count) in followers.iter_mut().zip([2, 4, 0]) {
        for _ in 0..count {
            assert_eq!(follower.next().await.unwrap().data["tenant_id"], mine);
        }
        follower.assert_silent();
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn who_does_not_keep_up_is_cut_off_and_the_others_go_on(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let mut slow = platform.follow(Call::get("/events").by_a("admin")).await;
    let mut quick = platform.follow(Call::get("/events").by_a("admin")).await;
    write_many(&database, 3_000).await;
    for n in 1..=3_000 {
        assert_eq!(quick.next().await.unwrap().data["data"]["n"], n);
    }
    assert_eq!(slow.reason().await, "too_slow");
    let back = Call::get("/events").by_a("admin").header("last-event-id", slow.last_id.to_string());
    let mut back = platform.follow(back).await;
    for n in 1..=3_000 {
        assert_eq!(back.next().await.unwrap().data["data"]["n"], n, "nothing was lost");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_stream_lasts_no_longer_than_its_token(database: PgPool) {
    let platform = Platform::telling(database).await;
    // Valid for two more seconds, with the leeway.
    let nearly = Claims::of("admin").claim("exp", Claims::in_seconds(-28));
    let mut follower = platform.follow(Call::get("/events").by(&nearly)).await;
    assert_eq!(follower.reason().await, "token_expired");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn there_is_room_for_so_many_and_a_place_left_is_free_again(database: PgPool) {
    let platform = Platform::configured(database, &[("EVENT_CLIENTS", "1")]).await;
    platform.tell().await;
    let first: Follower = platform.follow(Call::get("/events").by_a("admin")).await;
    let full = platform.send(Call::get("/events").by_a("admin")).await;
    full.assert_problem(503, "unavailable");
    drop(first);
    platform.follow(Call::get("/events").by_a("admin")).await;
    platform.stop().await;
}
