//! The edge's port.

use sqlx::PgPool;

use crate::support::{Call, Platform, tenant};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_edge_gets_every_route_in_one_document(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let created = platform.send(Call::post("/tenants", &tenant("acme")).by_a("admin").signed()).await;
    assert_eq!(created.status, 201);
    sqlx::query(
        r#"insert into routes (host, tenant_id, targets, generation)
           select 'acme.localhost', id, '[{"color": "blue", "url": "http://10.201.0.2:5678", "weight": 100}]', 1
             from tenants"#,
    )
    .execute(&database)
    .await
    .unwrap();
    let reply = platform.ask_as_edge(&Platform::edge_authorization()).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
    let rule = reply.json()["http"]["routers"]["acme.localhost"]["rule"].clone();
    assert_eq!(rule, "Host(`acme.localhost`)");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nobody_else_gets_it(database: PgPool) {
    let platform = Platform::on(database).await;
    let right = Platform::edge_authorization();
    for wrong in ["Bearer ", "Bearer the-edge", &right.to_lowercase(), &format!("{right}x"), &right[7..]] {
        platform.ask_as_edge(wrong).await.assert_problem(401, "token_invalid");
    }
    let public = platform.send(Call::get("/edge/traefik.json").header("authorization", right)).await;
    public.assert_problem(404, "not_found");
    platform.stop().await;
}

#[tokio::test]
async fn without_the_record_it_gets_a_503_and_keeps_what_it_has() {
    let platform = Platform::without_record().await;
    let reply = platform.ask_as_edge(&Platform::edge_authorization()).await;
    reply.assert_problem(503, "unavailable");
}
