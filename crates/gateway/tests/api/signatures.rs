//! Signed requests at the door; the arithmetic has its own tests beside it.

use sqlx::PgPool;

use crate::support::{Call, HMAC_SECRET, Platform, Record, tenant};

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
