//! How a gateway leaves: first nobody is sent to it any more, then it closes.

use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::support::{Call, Replica};

async fn ended(replica: &mut Replica) -> bool {
    let ends = async {
        loop {
            if let Some(well) = replica.ended_well() {
                return well;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ends).await.expect("it ends")
}

async fn becomes_unready(replica: &Replica) {
    crate::support::eventually(async || !replica.is_ready().await).await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn who_is_told_to_stop_is_not_ready_and_answers_for_a_while(database: PgPool) {
    let delay = Duration::from_secs(5);
    let mut replica = Replica::start(&database, &[("DRAIN_DELAY_SECONDS", "5")], None).await;
    let told = Instant::now();
    replica.terminate();
    becomes_unready(&replica).await;
    let answer = replica.send(Call::get("/tenants").by_a("admin")).await.expect("a new connection is taken");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(ended(&mut replica).await, "what it had in hand was finished");
    assert!(told.elapsed() >= delay, "it stayed for {:?}", told.elapsed());
    assert!(replica.send(Call::get("/tenants").by_a("admin")).await.is_none());
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn who_is_told_twice_leaves_at_once(database: PgPool) {
    let mut replica = Replica::start(&database, &[("DRAIN_DELAY_SECONDS", "3600")], None).await;
    replica.terminate();
    becomes_unready(&replica).await;
    replica.terminate();
    assert!(ended(&mut replica).await);
}
