//! Keys that are none, in every way that somebody might try.

use futures::StreamExt as _;

use super::*;
use crate::support::{HMAC_SECRET, JWT_SECRET, Record};

/// What differs between two refusals, but for the names of the requests.
fn anonymous(reply: &Reply) -> (u16, String, Vec<String>) {
    let mut told = reply.json();
    told["trace_id"] = Value::Null;
    let headers = reply.headers.keys().map(|name| name.to_string()).collect();
    (reply.status.as_u16(), told.to_string(), headers)
}

fn with_secret(key: &Key, secret: &str) -> String {
    format!("{}_{secret}", key.text.rsplit_once('_').unwrap().0)
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn every_key_that_is_not_good_is_answered_alike(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let good = make(&platform, asking(&of_role("service"), "admin")).await;
    let other = make(&platform, asking(&of_role("service"), "admin")).await;
    let revoked = make(&platform, asking(&of_role("service"), "admin")).await;
    platform.send(revocation(&revoked)).await;
    let expired = make(&platform, asking(&of_role("operator"), "admin")).await;
    sqlx::query("update api_keys set expires_at = now() where role = 'operator'")
        .execute(&database)
        .await
        .unwrap();
    let secret = good.text.rsplit_once('_').unwrap().1;
    let mut flipped = good.text.clone().into_bytes();
    let last = flipped.len() - 1;
    flipped[last] = if flipped[last] == b'0' { b'1' } else { b'0' };
    let bad = [
        with_secret(&good, &"0".repeat(64)),
        String::from_utf8(flipped).unwrap(),
        with_secret(&other, secret),
        with_secret(&revoked, secret),
        format!("rp9_{}_{secret}", "0".repeat(32)),
        format!("rp9_{}_{}", "f".repeat(32), "0".repeat(64)),
        revoked.text.clone(),
        expired.text.clone(),
    ];
    let before = Record::count(&database).await;
    // Both gateways have asked after what was done by hand.
    for replica in [0, 1] {
        eventually(async || {
            platform.send_to(replica, Call::get("/tenants").bearing(&expired.text)).await.status == 401
        })
        .await;
    }
    let mut answers = std::collections::BTreeSet::new();
    for text in &bad {
        for replica in [0, 1] {
            answers.insert(anonymous(&platform.send_to(replica, Call::get("/tenants").bearing(text)).await));
            answers.insert(anonymous(
                &platform.send_to(replica, Call::post("/tenants", &tenant("acme")).by_key(text)).await,
            ));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(answers.first().unwrap().0, 401);
    assert_eq!(Record::count(&database).await, before, "nobody was known");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_only_looks_like_a_key_is_none(database: PgPool) {
    let platform = Platform::on(database).await;
    let key = make(&platform, asking(&of_role("admin"), "admin")).await;
    let (head, secret) = key.text.rsplit_once('_').unwrap();
    let texts = [
        "rp9_".to_owned(),
        head.to_owned(),
        format!("{head}_"),
        format!("{head}_{}", &secret[..63]),
        format!("{}0", key.text),
        format!("{}_", key.text),
        format!("{} ", key.text),
        format!(" {}", key.text),
        format!("{head}_{}", secret.to_uppercase()),
        key.text.to_uppercase(),
        key.text.replacen("rp9_", "rp9_key_", 1),
        key.text.replacen("rp9_", "rp8_", 1),
        key.text.replace('_', "-"),
        key.id.clone(),
        secret.to_owned(),
        format!("{}.{}", key.text, Claims::of("admin").sign()),
        format!("{},{}", key.text, key.text),
        format!("rp9_{}", Claims::of("admin").sign()),
        format!("rp9_{}_{}", "0".repeat(32), "x".repeat(64)),
        format!("rp9_{}", "0".repeat(10_000)),
        "rp9_' or 1=1 --".to_owned(),
    ];
    for text in texts {
        for path in ["/tenants", "/keys"] {
            let reply = platform.send(Call::get(path).bearing(&text)).await;
            assert_eq!(reply.status, 401, "{text}: {}", reply.text());
        }
    }
    for value in [key.text.clone(), format!("Basic {}", key.text), format!("Token {}", key.text)] {
        assert_eq!(platform.send(Call::get("/tenants").header("authorization", value)).await.status, 401);
    }
    let twice = Call::get("/tenants").bearing(&key.text).by_a("admin");
    platform.send(twice).await.assert_problem(401, "token_invalid");
    let in_query = platform.send(Call::get(&format!("/tenants?key={}", key.text))).await;
    in_query.assert_problem(401, "token_missing");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_change_is_signed_with_the_key_that_it_comes_with(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    let other = make(&platform, asking(&of_role("service"), "admin")).await;
    let create = || Call::post("/tenants", &tenant("acme")).bearing(&key.text);
    platform.send(create()).await.assert_problem(401, "signature_missing");
    // Neither the platform's secrets nor another key, nor a part of this one, nor what is kept of it.
    let hash: Vec<u8> = sqlx::query_scalar("select hash from api_keys order by created_at limit 1")
        .fetch_one(&database)
        .await
        .unwrap();
    let (_, secret) = key.text.rsplit_once('_').unwrap();
    for wrong in [HMAC_SECRET, JWT_SECRET, &other.text, secret, &key.id, &hex::encode(hash), ""] {
        platform.send(create().signed_with(wrong, 0)).await.assert_problem(401, "signature_invalid");
    }
    // The form that binds neither method nor path is for those who learned it before there were keys.
    platform.send(create().signed_unbound(&key.text, 0)).await.assert_problem(401, "signature_invalid");
    platform.send(create().signed_with(&key.text, -301)).await.assert_problem(401, "signature_expired");
    // A token is not signed for with a key.
    let by_token = Call::post("/tenants", &tenant("acme")).by_a("service").signed_with(&key.text, 0);
    platform.send(by_token).await.assert_problem(401, "signature_invalid");
    let good = create().signed_with(&key.text, 0);
    assert_eq!(platform.send(good.clone()).await.status, 201);
    platform.send_to(1, good).await.assert_problem(401, "signature_repeated");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn roles_that_need_not_sign_need_not_with_a_key(database: PgPool) {
    let platform = Platform::configured(database, &[("SIGNED_ROLES", "service,owner")]).await;
    let admin = make(&platform, asking(&of_role("admin"), "admin")).await;
    let service = make(&platform, asking(&of_role("service"), "admin")).await;
    let create = |key: &Key| Call::post("/tenants", &tenant("acme")).bearing(&key.text);
    platform.send(create(&service)).await.assert_problem(401, "signature_missing");
    assert_eq!(platform.send(create(&admin)).await.status, 201);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn thousands_of_wrong_keys_are_refused_and_bother_nobody(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    let attack = (0..5_000_u32).map(|n| {
        let text = format!("rp9_{:032x}_{:064x}", n, n);
        let (platform, text) = (&platform, text);
        async move {
            platform.send_to((n % 2) as usize, Call::get("/tenants").bearing(&text)).await.status.as_u16()
        }
    });
    let honest = async {
        for _ in 0..50 {
            assert_eq!(platform.send(Call::get("/tenants").bearing(&key.text)).await.status, 200);
        }
    };
    // As many at once as a gateway lets in, so that each is refused for its key.
    let attack = futures::stream::iter(attack).buffer_unordered(200).collect::<Vec<_>>();
    let (refused, ()) = tokio::join!(attack, honest);
    assert!(refused.iter().all(|status| *status == 401));
    platform.stop().await;
    let audited: i64 =
        sqlx::query_scalar("select count(*) from audit_logs").fetch_one(&database).await.unwrap();
    assert_eq!(audited, 1, "nobody was known: only the making of the key is noted");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_kept_for_a_key_is_nobody_elses(database: PgPool) {
    let platform = Platform::on(database).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    let other = make(&platform, asking(&of_role("service"), "admin")).await;
    let create = |subdomain| Call::post("/tenants", &tenant(subdomain)).key("same");
    let first = platform.send(create("acme").by_key(&key.text)).await;
    let second = platform.send(create("bolt").by_key(&other.text)).await;
    assert_eq!(
        (first.status.as_u16(), second.status.as_u16()),
        (201, 201),
        "each has keys of idempotency of its own"
    );
    // A token cannot say that it is a key.
    let posing = Claims::of("service").claim("sub", key.id.as_str());
    platform.send(Call::get("/tenants").by(&posing)).await.assert_problem(401, "token_invalid");
    platform.stop().await;
}
