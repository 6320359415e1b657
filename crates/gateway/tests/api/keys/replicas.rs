//! Keys on several gateways, and while the record is away.

use super::*;

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_revoked_key_is_dead_on_every_gateway_when_that_is_answered(database: PgPool) {
    let platform = Platform::on(database).await;
    for round in 0..10 {
        let key = make(&platform, asking(&of_role("service"), "admin")).await;
        let ask = |replica| platform.send_to(replica, Call::get("/tenants").bearing(&key.text));
        // A key is good everywhere as soon as its maker has it.
        assert_eq!((ask(1).await.status.as_u16(), ask(0).await.status.as_u16()), (200, 200));
        // In use up to the end, so that every gateway has it in memory.
        let using = async {
            for replica in [0, 1].into_iter().cycle().take(200) {
                ask(replica).await;
            }
        };
        let (_, revoked) = tokio::join!(using, platform.send_to(round % 2, revocation(&key)));
        assert_eq!(revoked.status, 200);
        for replica in [0, 1] {
            ask(replica).await.assert_problem(401, "token_invalid");
        }
    }
    platform.stop().await;
}

/// It proves nothing any more, not even who asks for the answer that was kept: that it is refused says that it is revoked.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_may_revoke_itself_and_is_answered_once(database: PgPool) {
    let platform = Platform::on(database).await;
    let body = json!({ "name": "Portal", "role": "service", "scopes": ["keys:write"] });
    let key = make(&platform, asking(&body, "admin")).await;
    let itself = || Call::delete(&key.path()).key("mine").by_key(&key.text);
    assert_eq!(platform.send(itself()).await.status, 200);
    platform.send(itself()).await.assert_problem(401, "token_invalid");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_changes_a_row_by_hand_is_heard_too(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let key = make(&platform, asking(&of_role("admin"), "admin")).await;
    let status = async |path| platform.send(Call::get(path).bearing(&key.text)).await.status.as_u16();
    assert_eq!(status("/audit").await, 200);
    sqlx::query("update api_keys set role = 'service'").execute(&database).await.unwrap();
    eventually(async || status("/audit").await == 403).await;
    sqlx::query("update api_keys set revoked_at = now()").execute(&database).await.unwrap();
    eventually(async || status("/tenants").await == 401).await;
    assert!(
        sqlx::query("delete from api_keys").execute(&database).await.is_err(),
        "it would be good for ever"
    );
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_record_that_was_put_back_is_read_anew(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    let status = async || platform.send(Call::get("/tenants").bearing(&key.text)).await.status.as_u16();
    assert_eq!(status().await, 200);
    // As it was before there was a key.
    let earlier = "alter table api_keys disable trigger user; delete from api_keys; update api_key_revision set revision = 0";
    sqlx::raw_sql(earlier).execute(&database).await.unwrap();
    eventually(async || status().await == 401).await;
    platform.stop().await;
}

#[tokio::test]
async fn without_the_record_no_key_is_good_and_nobody_is_called_unknown() {
    let platform = Platform::without_record().await;
    let key = format!("rp9_{}_{}", "0".repeat(32), "0".repeat(64));
    platform.send(Call::get("/tenants").bearing(&key)).await.assert_problem(503, "unavailable");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_that_was_good_is_not_while_the_record_is_away(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    let asked = async || platform.send(Call::get("/plans").bearing(&key.text)).await.status.as_u16();
    assert_eq!(asked().await, 200);
    sqlx::query("alter table api_key_revision rename to api_key_revision_away")
        .execute(&database)
        .await
        .unwrap();
    eventually(async || asked().await >= 500).await;
    for _ in 0..20 {
        assert!(asked().await >= 500);
    }
    sqlx::query("alter table api_key_revision_away rename to api_key_revision")
        .execute(&database)
        .await
        .unwrap();
    eventually(async || asked().await == 200).await;
    platform.stop().await;
}
