//! Above the high water mark nothing more is accepted, and below the low one everything is again.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::PgPool;

use crate::support::{Call, Platform, Record, eventually, tenant};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_waits_closes_the_door_and_what_was_accepted_keeps_its_answer(database: PgPool) {
    let platform = Platform::configured(database.clone(), &[("BACKLOG_HIGH", "5")]).await;
    platform.watch_pressure();
    let create = async |number: u32| {
        let call = Call::post("/tenants", &tenant(&format!("acme-{number}"))).by_a("admin");
        platform.send_to(number as usize % 2, call.key(&format!("k{number}")).signed()).await
    };
    for number in 0..6 {
        assert_eq!(create(number).await.status, 201);
    }
    // Each look may come a little later than the operations that it counts.
    let next = AtomicU32::new(100);
    let another = || create(next.fetch_add(1, Ordering::Relaxed));
    eventually(async || another().await.status == 503 && another().await.status == 503).await;
    let before = Record::count(&database).await.without_refusals();
    let refused = another().await;
    refused.assert_problem(503, "overloaded");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 5));
    let repeated = create(3).await;
    assert_eq!((repeated.status.as_u16(), repeated.header("idempotency-replayed")), (201, "true"));
    assert_eq!(Record::count(&database).await.without_refusals(), before);
    let shown = platform.send(Call::get("/tenants/acme-3").by_a("admin")).await;
    assert_eq!(shown.status, 200, "looking is always possible");
    // Work is done: the door opens by itself.
    let done = "update operations set status = 'succeeded', finished_at = now()";
    sqlx::query(done).execute(&database).await.unwrap();
    eventually(async || another().await.status == 201).await;
    platform.stop().await;
}
