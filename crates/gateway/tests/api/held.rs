//! Calls that came while their tenant could take none: what whoever has a receipt is told, and who has one delivered again.

use common::id::TenantId;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Call, Claims, Platform, Reply, tenant};

/// A call of this tenant that came to nothing.
pub async fn dead_call(database: &PgPool, of: TenantId) -> Uuid {
    let receipt = Uuid::now_v7();
    let row = "insert into held_calls (receipt, tenant_id, host, method, target, path, headers, body, bytes, state, ended_at, deliveries, failure)
               values ($1, $2, 'acme.localhost', 'POST', '/webhook/secret-path?x=1', '/webhook/secret-path', '[[\"x-key\", \"hunter2\"]]', 'sent', 4,
                       'dead', now(), 10, 'The n8n answered 502.')";
    sqlx::query(row).bind(receipt).bind(of).execute(database).await.unwrap();
    receipt
}

async fn acme(platform: &Platform) -> TenantId {
    let created = platform.send(Call::post("/tenants", &tenant("acme")).by_a("admin").signed()).await;
    created.json()["tenant_id"].as_str().unwrap().parse().unwrap()
}

async fn told(platform: &Platform, receipt: Uuid) -> Reply {
    platform.send(Call::get(&format!("/held/{receipt}"))).await
}

async fn replay_under(platform: &Platform, key: &str, receipt: Uuid, claims: &Claims) -> Reply {
    let call = Call::post(&format!("/held/{receipt}/replay"), &json!({ "reason": "It is mended." }));
    platform.send(call.by(claims).key(key).signed()).await
}

async fn replay(platform: &Platform, receipt: Uuid, claims: &Claims) -> Reply {
    replay_under(platform, &Uuid::now_v7().to_string(), receipt, claims).await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_has_a_receipt_is_told_what_became_of_the_call_and_nothing_that_was_in_it(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let receipt = dead_call(&database, acme(&platform).await).await;
    let told = told(&platform, receipt).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let answer = told.json();
    assert_eq!(
        (&answer["receipt"], &answer["state"], &answer["answer_status"]),
        (&json!(receipt), &json!("dead"), &Value::Null)
    );
    assert_eq!(answer.as_object().unwrap().len(), 5, "{answer}");
    for secret in ["secret-path", "hunter2", "sent", "ten_"] {
        assert!(!told.text().contains(secret), "{secret}");
    }
    for absent in [Uuid::now_v7().to_string(), "x".to_owned(), format!("{receipt}0")] {
        platform.send(Call::get(&format!("/held/{absent}"))).await.assert_problem(404, "not_found");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_that_came_to_nothing_is_delivered_again_by_those_whose_it_is(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let acme = acme(&platform).await;
    let receipt = dead_call(&database, acme).await;
    let (owner, stranger) =
        (Claims::owner(&[&acme.to_string()]), Claims::owner(&[&TenantId::generate().to_string()]));
    replay(&platform, receipt, &stranger).await.assert_problem(404, "not_found");
    let first = replay_under(&platform, "one", receipt, &owner).await;
    assert_eq!((first.status.as_u16(), first.json()), (200, json!({ "receipt": receipt, "state": "held" })));
    let again = replay_under(&platform, "one", receipt, &owner).await;
    assert_eq!((again.text(), again.header("idempotency-replayed")), (first.text(), "true"));
    let held = "select jsonb_build_array(state, deliveries, given_up_after, failure, ended_at is null, replayed_at is not null, convert_from(body, 'UTF8'))
                  from held_calls";
    let row: Value = sqlx::query_scalar(held).fetch_one(&database).await.unwrap();
    assert_eq!(row, json!(["held", 10, 10, null, true, true, "sent"]));
    let other = replay(&platform, receipt, &Claims::of("operator")).await;
    assert!(other.assert_problem(409, "conflict")["detail"].as_str().unwrap().contains("`dead`"));
    let noted = "select jsonb_build_array(actor, reason, outcome) from audit_logs where action = 'held_call.replay' and outcome = 'accepted'";
    let noted: Vec<Value> = sqlx::query_scalar(noted).fetch_all(&database).await.unwrap();
    assert_eq!(noted, [json!(["owner-1", format!("{receipt}: It is mended."), "accepted"])]);

    // Nobody is there to take it.
    let late = dead_call(&database, acme).await;
    sqlx::query("update tenants set status = 'deleting'").execute(&database).await.unwrap();
    replay(&platform, late, &owner).await.assert_problem(409, "conflict");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn all_that_came_to_nothing_is_delivered_again_the_earliest_first_as_far_as_there_is_room(
    database: PgPool,
) {
    let platform = Platform::on(database.clone()).await;
    let acme = acme(&platform).await;
    let all = async || {
        let call = Call::post(&format!("/tenants/{acme}/held/replay"), &json!({})).by_a("operator");
        platform.send(call.key(&Uuid::now_v7().to_string()).signed()).await
    };
    let states = async || -> Vec<String> {
        let states = sqlx::query_scalar("select state from held_calls order by number");
        states.fetch_all(&database).await.unwrap()
    };
    all().await.assert_problem(409, "conflict");
    for _ in 0..3 {
        dead_call(&database, acme).await;
    }
    // A hundred MiB each: there is room for two.
    sqlx::query("update held_calls set bytes = 100 << 20").execute(&database).await.unwrap();
    let replayed = all().await;
    assert_eq!(
        (replayed.status.as_u16(), replayed.json()),
        (200, json!({ "tenant_id": acme, "state": "held" }))
    );
    assert_eq!(states().await, ["held", "held", "dead"]);
    all().await.assert_problem(409, "conflict");
    let last: Uuid = sqlx::query_scalar("select receipt from held_calls where state = 'dead'")
        .fetch_one(&database)
        .await
        .unwrap();
    replay(&platform, last, &Claims::of("operator")).await.assert_problem(409, "conflict");
    sqlx::query("update held_calls set state = 'delivered', ended_at = now() where state = 'held'")
        .execute(&database)
        .await
        .unwrap();
    assert_eq!(all().await.status, 200);
    assert_eq!(states().await, ["delivered", "delivered", "held"]);
    let noted = "select count(*) from audit_logs where action = 'held_calls.replay' and outcome = 'accepted' and tenant_id = $1";
    let noted: i64 = sqlx::query_scalar(noted).bind(acme).fetch_one(&database).await.unwrap();
    assert_eq!(noted, 2);
    platform.stop().await;
}
