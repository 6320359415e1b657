//! One key, one effect, one answer.

use std::collections::BTreeSet;

use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Record, tenant};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn sixty_four_equal_requests_at_two_gateways_make_one_tenant_and_one_answer(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let call = Call::post("/tenants", &tenant("acme")).by_a("service").key("order-42").signed();
    let replies = (0..64).map(|n| platform.send_to(n % 2, call.clone()));
    let replies = futures::future::join_all(replies).await;

    let bodies: BTreeSet<_> = replies.iter().map(|reply| reply.body.clone()).collect();
    assert_eq!(
        bodies.len(),
        1,
        "{:?}",
        bodies.iter().map(|b| String::from_utf8_lossy(b)).collect::<Vec<_>>()
    );
    assert!(replies.iter().all(|reply| reply.status == 201));
    let places: BTreeSet<_> = replies.iter().map(|reply| reply.header("location").to_owned()).collect();
    assert_eq!(places.len(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.header("idempotency-replayed").is_empty()).count(), 1);
    let record = Record::count(&database).await;
    for table in
        ["tenants", "tenant_limits", "operations", "idempotency_keys", "request_signatures", "audit_logs"]
    {
        assert_eq!(record.of(table), 1, "{table}");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_belongs_to_one_request_of_one_subject(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let create = |subdomain: &str| Call::post("/tenants", &tenant(subdomain)).key("k");
    assert_eq!(platform.send(create("acme").by_a("service").signed()).await.status, 201);
    let before = Record::count(&database).await.without_audit();
    let other_body = platform.send(create("bolt").by_a("service").signed()).await;
    other_body.assert_problem(422, "idempotency_key_reused");
    let wrong_body = platform.send(create("www").by_a("service").signed()).await;
    wrong_body.assert_problem(422, "idempotency_key_reused");
    let other_path = platform.send(Call::delete("/tenants/acme").by_a("service").key("k").signed()).await;
    other_path.assert_problem(422, "idempotency_key_reused");
    let gone = platform.send(Call::delete("/tenants/absent").by_a("service").key("k").signed()).await;
    gone.assert_problem(422, "idempotency_key_reused");
    assert_eq!(Record::count(&database).await.without_audit(), before);

    let somebody_else = Claims::of("service").claim("sub", "service-2");
    assert_eq!(platform.send(create("bolt").by(&somebody_else).signed()).await.status, 201);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_repeat_signed_anew_gets_the_first_answer(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let call = Call::post("/tenants", &tenant("acme")).by_a("service").key("k");
    let first = platform.send(call.clone().signed_at(-10)).await;
    let second = platform.send_to(1, call.signed()).await;
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(Record::count(&database).await.of("request_signatures"), 1, "a replay writes nothing");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_repeat_gets_its_answer_though_it_would_be_refused_today(database: PgPool) {
    let call = Call::post("/tenants", &tenant("acme")).by_a("service").key("k");
    let platform = Platform::on(database.clone()).await;
    let first = platform.send(call.clone().signed_at(-10)).await;
    sqlx::query("update tenants set plan = 'starter'").execute(&database).await.unwrap();
    sqlx::query("delete from plans where name = 'pro'").execute(&database).await.unwrap();
    let later = Platform::on(database.clone()).await;
    let second = later.send(call.clone().signed()).await;
    assert_eq!((first.status, first.body), (second.status, second.body));
    let new = later.send(call.without("idempotency-key").signed()).await;
    new.assert_problem(422, "invalid_fields");
    platform.stop().await;
    later.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_too_old_is_forgotten_and_nothing_else(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    for subdomain in ["old", "new"] {
        let call = Call::post("/tenants", &tenant(subdomain)).by_a("service").key(subdomain);
        assert_eq!(platform.send(call.signed()).await.status, 201);
    }
    gateway::forget(&database).await.unwrap();
    assert_eq!(Record::count(&database).await.of("idempotency_keys"), 2);
    for statement in [
        "update idempotency_keys set created_at = now() - interval '25 hours' where key = 'old'",
        "update request_signatures set seen_at = now() - interval '12 minutes'",
    ] {
        sqlx::query(statement).execute(&database).await.unwrap();
    }
    gateway::forget(&database).await.unwrap();
    let record = Record::count(&database).await;
    assert_eq!((record.of("idempotency_keys"), record.of("request_signatures")), (1, 0));
    platform.stop().await;
}
