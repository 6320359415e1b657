//! Signed requests at the door; the arithmetic has its own tests beside it.

use sqlx::PgPool;

use crate::support::{Call, HMAC_SECRET, Platform, Record, eventually, tenant};

fn creation(subdomain: &str) -> Call {
    Call::post("/tenants", &tenant(subdomain)).by_a("admin")
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_signature_is_good_once_whichever_gateway_it_comes_to(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    for call in [creation("first").signed(), creation("second").signed_unbound(HMAC_SECRET, 0)] {
        let replies = (0..200).map(|n| platform.send_to(n % 2, call.clone()));
        let replies = futures::future::join_all(replies).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        for refused in replies.iter().filter(|reply| reply.status != 201) {
            refused.assert_problem(401, "signature_repeated");
        }
    }
    let record = Record::count(&database).await;
    for table in ["tenants", "tenant_limits", "operations", "request_signatures"] {
        assert_eq!(record.of(table), 2, "{table}");
    }
    assert_eq!(record.of("idempotency_keys"), 0);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn two_honest_calls_without_a_body_in_one_second_do_not_collide(database: PgPool) {
    let platform = Platform::on(database).await;
    for subdomain in ["first", "second"] {
        assert_eq!(platform.send(creation(subdomain).signed()).await.status, 201);
    }
    for subdomain in ["first", "second"] {
        let call = Call::delete(&format!("/tenants/{subdomain}")).by_a("admin");
        assert_eq!(platform.send(call.signed_unbound(HMAC_SECRET, -7)).await.status, 202);
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_old_form_can_be_switched_off(database: PgPool) {
    let platform = Platform::configured(database, &[("HMAC_V1", "off")]).await;
    let old = platform.send(creation("first").signed_unbound(HMAC_SECRET, 0)).await;
    old.assert_problem(401, "signature_invalid");
    assert_eq!(platform.send(creation("first").signed()).await.status, 201);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn during_a_rotation_both_secrets_are_good(database: PgPool) {
    let previous = "the-hmac-secret-before-the-rotation";
    let platform = Platform::configured(database, &[("HMAC_SECRET_PREVIOUS", previous)]).await;
    assert_eq!(platform.send(creation("first").signed_unbound(previous, 0)).await.status, 201);
    assert_eq!(platform.send(creation("second").signed_unbound(HMAC_SECRET, 0)).await.status, 201);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn exempt_roles_need_not_sign_but_what_they_sign_is_checked(database: PgPool) {
    let platform = Platform::configured(database, &[("SIGNED_ROLES", "service,owner")]).await;
    assert_eq!(platform.send(creation("first")).await.status, 201);
    let wrong = creation("second").signed_unbound(&HMAC_SECRET.to_uppercase(), 0);
    platform.send(wrong).await.assert_problem(401, "signature_invalid");
    let service = Call::post("/tenants", &tenant("second")).by_a("service");
    platform.send(service).await.assert_problem(401, "signature_missing");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn reads_can_be_made_to_need_a_signature(database: PgPool) {
    let platform = Platform::configured(database, &[("SIGNED_READS", "on")]).await;
    let read = Call::get("/tenants?limit=1").by_a("admin");
    platform.send(read.clone()).await.assert_problem(401, "signature_missing");
    let signed = read.signed();
    assert_eq!(platform.send(signed.clone()).await.status, 200);
    assert_eq!(platform.send(signed).await.status, 200, "reading twice does no more than reading once");
    platform.stop().await;
}

/// Somebody saw it on its way, and waits until it can be done.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_was_refused_for_how_things_are_is_not_done_when_they_are_otherwise(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let suspend = || Call::post("/tenants/acme/suspend", &serde_json::json!({})).by_a("admin");
    let seen = [suspend().signed(), suspend().key("k").signed()];
    let absent = Call::delete("/tenants/acme").by_a("admin").signed();
    platform.send(absent.clone()).await.assert_problem(404, "not_found");
    assert_eq!(platform.send(creation("acme").signed()).await.status, 201);
    for (replica, call) in seen.iter().enumerate() {
        platform.send_to(replica, call.clone()).await.assert_problem(409, "conflict");
    }
    eventually(async || Record::count(&database).await.of("request_signatures") == 4).await;
    // It still cannot be done: that is the answer.
    platform.send(seen[0].clone()).await.assert_problem(409, "conflict");
    let up = "with t as (update tenants set status = 'active')
              update operations set status = 'succeeded', finished_at = now()";
    sqlx::query(up).execute(&database).await.unwrap();
    for call in seen.into_iter().chain([absent]) {
        platform.send(call).await.assert_problem(401, "signature_repeated");
    }
    assert_eq!(
        platform.send(suspend().key("k").signed_at(-100)).await.status,
        202,
        "signed anew, under the same key"
    );
    platform.stop().await;
}
