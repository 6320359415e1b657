//! Coming back without losing or repeating anything.

use std::collections::BTreeSet;

use sqlx::PgPool;

use super::{accepted, uuid};
use crate::support::{Call, Platform};

fn back_at(id: i64) -> Call {
    Call::get("/events").by_a("admin").header("last-event-id", id.to_string())
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_change_that_commits_late_is_told_to_those_who_have_seen_later_ones(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let (early, _) = accepted(&platform, "early").await;
    let (late, _) = accepted(&platform, "late").await;
    let mut follower = platform.follow(Call::get("/events?since=0").by_a("admin")).await;
    follower.kinds(4).await;
    let suspend = "update tenants set status = 'suspended' where id = $1";
    let mut open = common::database::begin(&database).await.unwrap();
    sqlx::query(suspend).bind(uuid(&late)).execute(&mut *open).await.unwrap();
    sqlx::query(suspend).bind(uuid(&early)).execute(&database).await.unwrap();
    assert_eq!(follower.next().await.unwrap().data["tenant_id"], early);
    let seen = follower.last_id;
    open.commit().await.unwrap();
    assert_eq!(follower.next().await.unwrap().data["tenant_id"], late);
    let mut resumed = platform.follow(back_at(seen)).await;
    assert_eq!(resumed.next().await.unwrap().data["tenant_id"], late);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_keeps_coming_back_loses_and_repeats_nothing(database: PgPool) {
    const WRITERS: usize = 6;
    const EACH: usize = 60;
    let platform = Platform::telling(database.clone()).await;
    let start = platform.follow(Call::get("/events").by_a("admin")).await;
    let writer = async |writer: usize| {
        for n in 0..EACH {
            let mut transaction = common::database::begin(&database).await.unwrap();
            let written = sqlx::query("insert into event_outbox (kind, data) values ('tenant.active', $1)");
            let name = serde_json::json!({ "name": format!("{writer}-{n}") });
            written.bind(name).execute(&mut *transaction).await.unwrap();
            // Some hold on for longer than others, so that they commit in another order than they drew numbers.
            for _ in 0..(writer * 7 + n) % 5 {
                sqlx::query("select 1").execute(&mut *transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        }
    };
    let reader = async {
        let (mut names, mut count, mut last) = (BTreeSet::new(), 0, start.last_id);
        while count < WRITERS * EACH {
            let mut follower = platform.follow(back_at(last)).await;
            for _ in 0..(count % 11 + 1).min(WRITERS * EACH - count) {
                let told = follower.next().await.unwrap();
                assert!(told.id.unwrap() > last);
                last = told.id.unwrap();
                names.insert(told.data["data"]["name"].as_str().unwrap().to_owned());
                count += 1;
            }
        }
        names
    };
    let (names, _) = futures::join!(reader, futures::future::join_all((0..WRITERS).map(writer)));
    assert_eq!(names.len(), WRITERS * EACH);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_no_position_is_refused(database: PgPool) {
    let platform = Platform::telling(database).await;
    let last = |id: &str| Call::get("/events").by_a("admin").header("last-event-id", id);
    for bad in ["x", "-1", "1.5", "99999999999999999999"] {
        platform.send(last(bad)).await.assert_problem(400, "invalid_request");
    }
    let bad = platform.send(Call::get("/events?since=x&kind=y&tenant=z").by_a("admin")).await;
    bad.assert_problem(422, "invalid_fields");
    assert_eq!(bad.field_errors().len(), 3);
    platform.stop().await;
}
