//! The edge's port.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{Call, Platform, tenant};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_edge_gets_every_route_and_whose_record_it_is_at_once(database: PgPool) {
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
    let record: common::id::RecordId =
        sqlx::query_scalar("select id from record_identity").fetch_one(&database).await.unwrap();
    assert_eq!(reply.json()["record"], record.to_string());
    assert_eq!(reply.json()["routes"][0]["host"], "acme.localhost");
    assert_eq!(reply.json()["routes"][0]["targets"][0]["url"], "http://10.201.0.2:5678");
    assert_eq!(reply.json()["left"], json!(null));
    // From its acceptance on a removal is no loss to the edge.
    let removed = platform.send(Call::delete("/tenants/acme").by_a("admin").signed()).await;
    assert_eq!(removed.status, 202);
    let told = platform.ask_as_edge(&Platform::edge_authorization()).await.json();
    assert_eq!(told["left"], json!([created.json()["tenant_id"]]));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_clusters_edge_gets_the_routes_of_that_cluster(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let execute = async |statement: &'static str| sqlx::raw_sql(statement).execute(&database).await.unwrap();
    execute(
        "insert into clusters (id, region, engine, subnets) values ('east', 'x', 'docker', '10.1.0.0/16')",
    )
    .await;
    let created = platform.send(Call::post("/tenants", &tenant("acme")).by_a("admin").signed()).await;
    assert_eq!(created.status, 201);
    execute(
        "insert into routes (host, tenant_id, targets, generation, stand_in)
             select 'acme.localhost', id, '[]', 1, 'suspended' from tenants",
    )
    .await;
    let hosts = async |cluster: &str| {
        let asked = Call::get(&format!("/edge/routes.json?cluster={cluster}"));
        let reply =
            platform.send_to_edge(asked.header("authorization", Platform::edge_authorization())).await;
        assert_eq!(reply.status, 200);
        reply.json()["routes"].as_array().unwrap().len()
    };
    execute("update tenants set cluster_id = 'east'").await;
    assert_eq!((hosts("east").await, hosts("west").await), (1, 0));
    let all = platform.ask_as_edge(&Platform::edge_authorization()).await.json();
    assert_eq!(all["routes"][0]["stand_in"], "suspended");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn of_a_tenant_that_shares_an_n8n_the_edge_is_told_which_part_of_which(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let instance = common::id::TenantId::generate();
    let settle = "with settled as (
            insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, shared_instance, shared_project, shared_user)
            values ('00000000-0000-7000-8000-000000000001', 'A', 'a@b.co', 'acme', 'shared', 'active', 'starter', '2.41.1', $1,
                    'aB3dE6gH9jK2mN5p', '00000000-0000-4000-8000-000000000002') returning id),
        limits as (
            insert into tenant_limits (tenant_id, cpu_millis, memory_mb, workers, storage_gb, executions_per_month, concurrent_executions, api_calls_per_hour)
            select settled.id, 1, 1, 1, 1, 1, 1, 1000 from settled)
        insert into routes (host, tenant_id, targets, generation) select 'acme.localhost', id, '[]', 3 from settled";
    sqlx::query(settle).bind(instance.uuid().to_string()).execute(&database).await.unwrap();
    let told = platform.ask_as_edge(&Platform::edge_authorization()).await.json();
    let workspace = json!({ "instance": instance, "prefix": "aB3dE6gH9jK2mN5p", "user": "00000000-0000-4000-8000-000000000002",
        "address": "http://acme.localhost:8000", "calls_per_hour": 1000 });
    let route = json!({ "host": "acme.localhost", "tenant": "ten_00000000000070008000000000000001", "targets": [],
        "workspace": workspace, "generation": 3 });
    assert_eq!(told["routes"], json!([route]));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_part_of_a_shared_n8n_is_nobodys_twice_and_means_nothing_in_a_rule(database: PgPool) {
    let settle = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, shared_instance, shared_project)
        values (gen_random_uuid(), 'A', 'a@b.co', $1, 'shared', $2, 'starter', '2.41.1', gen_random_uuid()::text, $3)";
    let settle = async |subdomain: &str, status: &str, part: &str| {
        sqlx::query(settle).bind(subdomain).bind(status).bind(part).execute(&database).await.is_ok()
    };
    assert!(settle("one", "deleted", "aB3dE6gH9jK2mN5p").await);
    assert!(!settle("two", "active", "aB3dE6gH9jK2mN5p").await, "calls for whoever had it still come");
    for part in ["aB3dE6gH9jK2mN5", "aB3dE6gH9jK2mN5`", "aB3dE6gH9jK2mN5pp", ""] {
        assert!(!settle("two", "active", part).await, "{part}");
    }
    assert!(settle("two", "active", "ab3de6gh9jk2mn5p").await);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_the_edge_has_is_not_sent_again(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let right = Platform::edge_authorization();
    let first = platform.ask_as_edge(&right).await;
    let again = Call::get("/edge/routes.json").header("authorization", right);
    let again = again.header("if-none-match", first.header("etag"));
    let reply = platform.send_to_edge(again.clone()).await;
    assert_eq!((reply.status.as_u16(), reply.header("etag")), (304, first.header("etag")));
    // Another record is another answer, without a single route in either.
    sqlx::query("update record_identity set id = gen_random_uuid()").execute(&database).await.unwrap();
    assert_eq!(platform.send_to_edge(again).await.status, 200);
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
    let public = platform.send(Call::get("/edge/routes.json").header("authorization", right)).await;
    public.assert_problem(404, "not_found");
    platform.stop().await;
}

#[tokio::test]
async fn without_the_record_it_gets_a_503_and_keeps_what_it_has() {
    let platform = Platform::without_record().await;
    let reply = platform.ask_as_edge(&Platform::edge_authorization()).await;
    reply.assert_problem(503, "unavailable");
}
