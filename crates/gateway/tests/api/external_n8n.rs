//! An n8n that the platform does not run, among those that tenants share: what is refused, and why it says so.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Platform, Reply, tenant};

/// As a provisioner leaves it that has looked at it just now.
async fn external_n8n(database: &PgPool) -> String {
    let make = "with cluster as (
            insert into clusters (id, region, engine, subnets, dependencies, heartbeat_at, observed_at)
            values ('local', 'here', 'docker', '10.0.0.0/16', '{\"docker\": \"up\", \"redis\": \"up\", \"tenant_postgres\": \"up\"}', now(), now())
            returning id),
        tenant as (
            insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, purpose, capacity, cluster_id)
            select gen_random_uuid(), 'theirs', 'platform@tenants.invalid', 'theirs', 'dedicated', 'active', 'shared', '2.41.1', 'shared', 5, id
              from cluster returning id, cluster_id),
        limits as (
            insert into tenant_limits select tenant.id, cpu_millis, memory_mb, workers, storage_gb, executions_per_month,
                   concurrent_executions, api_calls_per_hour from tenant, plans where name = 'shared')
        insert into external_n8ns (cluster_id, tenant_id, base_url, obstacles)
        select cluster_id, id, 'https://n8n.example.com/', '[]' from tenant returning 'ten_' || replace(tenant_id::text, '-', '')";
    sqlx::query_scalar(make).fetch_one(database).await.unwrap()
}

async fn in_the_way(database: &PgPool, obstacles: &[(&str, bool)]) {
    let one = |(code, passes): &(&str, bool)| json!({ "code": code, "detail": format!("It is {code}."), "passes": passes });
    let obstacles: Vec<_> = obstacles.iter().map(one).collect();
    let note =
        sqlx::query("update external_n8ns set obstacles = $1, looked_at = now()").bind(json!(obstacles));
    note.execute(database).await.unwrap();
}

/// Somebody who lives there.
async fn lodger(platform: &Platform, database: &PgPool, subdomain: &str) {
    let mut body = tenant(subdomain);
    body["mode"] = json!("shared");
    assert_eq!(create(platform, &body).await.status, 201);
    let settled = "update operations set status = 'succeeded', finished_at = now()";
    sqlx::query(settled).execute(database).await.unwrap();
    let active = sqlx::query("update tenants set status = 'active' where subdomain = $1").bind(subdomain);
    active.execute(database).await.unwrap();
}

async fn create(platform: &Platform, body: &Value) -> Reply {
    platform.send(Call::post("/tenants", body).by_a("service").signed()).await
}

async fn command(platform: &Platform, method: &str, path: &str) -> Reply {
    let key = uuid::Uuid::now_v7().to_string();
    platform.send(Call::with(method, path).by_a("admin").key(&key).signed()).await
}

async fn is_refused(reply: Reply, said: &str) {
    assert!(reply.text().contains(said), "{}", reply.text());
    reply.assert_problem(409, "external_n8n");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_cannot_be_done_with_it_is_listed_for_staff(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    external_n8n(&database).await;
    in_the_way(&database, &[("no_database", false)]).await;
    let anybody = platform.send(Call::get("/health/detailed")).await;
    assert_eq!(anybody.status, 200);
    let anybody = anybody.json();
    assert_eq!(
        (&anybody["external_n8ns"], &anybody["dependencies"]["external_n8n"]),
        (&Value::Null, &json!("degraded"))
    );
    let staff = platform.send(Call::get("/health/detailed").by_a("operator")).await.json();
    let obstacles = json!([{ "code": "no_database", "detail": "It is no_database.", "passes": false }]);
    let told = json!([{ "name": "theirs", "cluster": "local", "status": "down", "obstacles": obstacles }]);
    assert_eq!(staff["external_n8ns"], told);
    let listed =
        platform.send(Call::get("/shared-instances").by_a("operator")).await.json()["data"][0].clone();
    assert_eq!(listed["external"], json!({ "base_url": "https://n8n.example.com/", "obstacles": obstacles }));
    assert_eq!(
        (&listed["workers"], &listed["cpu_cores"], &listed["capacity"]),
        (&Value::Null, &Value::Null, &json!(5))
    );
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn tenants_are_placed_there_and_done_to_as_anywhere_until_something_is_in_the_way(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    external_n8n(&database).await;
    lodger(&platform, &database, "acme").await;
    let shown = platform.send(Call::get("/tenants/acme").by_a("admin")).await.json()["data"].clone();
    assert_eq!(shown["health"]["status"], "healthy", "{shown}");

    let backup = command(&platform, "POST", "/tenants/acme/backup").await;
    assert!(backup.text().contains("whoever runs that one"), "{}", backup.text());
    backup.assert_problem(422, "shared_tenant");
    let promote = command(&platform, "POST", "/tenants/acme/promote").await;
    assert!(promote.text().contains("it is moved by hand"), "{}", promote.text());
    promote.assert_problem(422, "shared_tenant");
    let in_place = json!({ "restore_to_sandbox": false });
    let restore = platform.send(Call::post("/tenants/acme/restore", &in_place).by_a("admin").signed()).await;
    assert!(restore.text().contains("in place by hand"), "{}", restore.text());
    restore.assert_problem(422, "shared_tenant");

    in_the_way(&database, &[("another_database", false), ("away", true)]).await;
    let mut next = tenant("next");
    next["mode"] = json!("shared");
    let refused = create(&platform, &next).await;
    assert!(refused.text().contains("It is another_database. It is away."), "{}", refused.text());
    refused.assert_problem(409, "no_shared_n8n");
    for (method, path) in [
        ("POST", "/tenants/acme/suspend"),
        ("POST", "/tenants/acme/reset-login"),
        ("DELETE", "/tenants/acme"),
    ] {
        let refused = command(&platform, method, path).await;
        assert!(!refused.text().contains("It is away."), "what passes is no reason: {}", refused.text());
        is_refused(refused, "It is another_database.").await;
    }
    let shown = platform.send(Call::get("/tenants/acme").by_a("admin")).await.json()["data"].clone();
    assert_eq!(shown["health"]["status"], "degraded", "{shown}");
    let nothing = "select count(*) from operations where status = 'queued'";
    assert_eq!(sqlx::query_scalar::<_, i64>(nothing).fetch_one(&database).await.unwrap(), 0);

    in_the_way(&database, &[("away", true)]).await;
    assert_eq!(command(&platform, "POST", "/tenants/acme/suspend").await.status, 202, "it waits");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_only_whoever_runs_it_can_do_is_refused_and_it_is_forgotten_when_nobody_has_it(
    database: PgPool,
) {
    let platform = Platform::on(database.clone()).await;
    let id = external_n8n(&database).await;
    let body = json!({ "workers": 3 });
    let scale = Call::post("/tenants/theirs/scale", &body).by_a("admin").signed();
    is_refused(platform.send(scale).await, "does not run this n8n").await;
    is_refused(command(&platform, "POST", "/tenants/theirs/restart").await, "does not run this n8n").await;
    is_refused(command(&platform, "POST", "/tenants/theirs/upgrade").await, "does not run this n8n").await;
    is_refused(command(&platform, "POST", "/shared-instances/theirs/rebuild").await, "does not run this n8n")
        .await;
    command(&platform, "POST", "/tenants/theirs/promote").await.assert_problem(409, "conflict");
    is_refused(command(&platform, "DELETE", &format!("/shared-instances/{id}")).await, "SHARED_N8N_").await;
    assert_eq!(command(&platform, "POST", "/shared-instances/theirs/drain").await.status, 200);
    assert_eq!(command(&platform, "POST", "/shared-instances/theirs/reopen").await.status, 200);

    lodger(&platform, &database, "acme").await;
    let aged = "update external_n8ns set looked_at = now() - interval '2 minutes'";
    sqlx::query(aged).execute(&database).await.unwrap();
    is_refused(
        command(&platform, "DELETE", "/tenants/acme").await,
        "SHARED_N8N_BASE_URL is not set any more",
    )
    .await;
    let in_use = command(&platform, "DELETE", "/shared-instances/theirs").await;
    in_use.assert_problem(409, "instance_in_use");
    sqlx::query("update tenants set status = 'deleted' where subdomain = 'acme'")
        .execute(&database)
        .await
        .unwrap();
    assert_eq!(command(&platform, "DELETE", "/shared-instances/theirs").await.status, 202);
    platform.stop().await;
}
