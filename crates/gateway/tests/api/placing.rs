//! Tenants that share an n8n: which one, and what can be done to them.

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Reply, tenant};

/// An n8n that runs in a cluster of its own, for so many.
async fn house(database: &PgPool, name: &str, capacity: i32) -> String {
    let cluster = "insert into clusters (id, region, engine, subnets, compliance, heartbeat_at, observed_at)
                   values ($1, $1, 'docker', '10.0.0.0/16', '{gdpr}', now(), now()) on conflict do nothing";
    sqlx::query(cluster).bind(format!("at-{name}")).execute(database).await.unwrap();
    let made = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, purpose, capacity, cluster_id)
                values (gen_random_uuid(), 'Shared', 'shared@tenants.invalid', $1, 'dedicated', 'active', 'shared', '2.41.1', 'shared', $2, $3)
                returning id::text";
    let made = sqlx::query_scalar(made).bind(name).bind(capacity).bind(format!("at-{name}"));
    let id: String = made.fetch_one(database).await.unwrap();
    let limits = "insert into tenant_limits select $1::uuid, cpu_millis, memory_mb, workers, storage_gb, executions_per_month,
                  concurrent_executions, api_calls_per_hour from plans where name = 'shared'";
    sqlx::query(limits).bind(&id).execute(database).await.unwrap();
    let main = "insert into tenant_instances (name, tenant_id, role, color, ordinal, generation, cpu_millis, memory_mb, state, health, cluster_id)
                select role || '-of-' || $1, $1::uuid, role, 'blue', 0, 0, 1000, 1024, 'running', 'healthy', $2
                  from unnest(array['main', 'worker']) role";
    sqlx::query(main).bind(&id).bind(format!("at-{name}")).execute(database).await.unwrap();
    id
}

fn asked(subdomain: &str) -> Value {
    let mut body = tenant(subdomain);
    body.as_object_mut().unwrap().remove("mode");
    body
}

async fn create(platform: &Platform, body: &Value) -> Reply {
    platform.send(Call::post("/tenants", body).by_a("service").signed()).await
}

async fn place_of(database: &PgPool, subdomain: &str) -> (Option<String>, Option<String>) {
    let place = sqlx::query_as("select shared_instance, cluster_id from tenants where subdomain = $1");
    place.bind(subdomain).fetch_one(database).await.unwrap()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_says_nothing_shares_the_n8n_with_the_fewest_tenants(database: PgPool) {
    let (one, two) = (house(&database, "one", 5).await, house(&database, "two", 5).await);
    let platform = Platform::on(database.clone()).await;
    for subdomain in ["a", "b"].map(|letter| format!("tenant-{letter}")) {
        let created = create(&platform, &asked(&subdomain)).await;
        assert_eq!(created.status, 201, "{}", created.text());
    }
    let mut places = [place_of(&database, "tenant-a").await, place_of(&database, "tenant-b").await]
        .map(|place| place.0.unwrap());
    places.sort();
    let mut houses = [one.clone(), two];
    houses.sort();
    assert_eq!(places, houses);
    // Each operation is its own cluster's.
    let elsewhere = "select count(*) from operations o join tenants t on t.id = o.tenant_id
                      where o.cluster_id is distinct from t.cluster_id or o.request ->> 'mode' <> 'shared'";
    assert_eq!(sqlx::query_scalar::<_, i64>(elsewhere).fetch_one(&database).await.unwrap(), 0);

    let mut there = asked("there");
    (there["region"], there["compliance"]) = (json!("at-one"), json!(["gdpr"]));
    assert_eq!(create(&platform, &there).await.status, 201);
    assert_eq!(place_of(&database, "there").await, (Some(one), Some("at-one".into())));
    let shown = platform.send(Call::get("/tenants/there").by_a("service")).await.json()["data"].clone();
    let own = &shown["tenant"];
    assert_eq!(
        (&own["mode"], &own["cpu_cores"], &own["container_id"]),
        (&json!("shared"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        (&shown["limits"]["workers"], &shown["limits"]["concurrent_executions"]),
        (&Value::Null, &json!(10))
    );
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn however_many_ask_at_once_it_holds_no_more_than_it_may(database: PgPool) {
    house(&database, "one", 2).await;
    house(&database, "two", 1).await;
    let platform = Platform::on(database.clone()).await;
    let bodies: Vec<_> = (0..10).map(|number| asked(&format!("crowd-{number}"))).collect();
    let replies = join_all(bodies.iter().map(|body| create(&platform, body))).await;
    let mut placed = 0;
    for reply in replies {
        if reply.status == 201 {
            placed += 1;
        } else {
            assert!(reply.text().contains("3 of 3"), "{}", reply.text());
            reply.assert_problem(409, "no_shared_n8n");
        }
    }
    assert_eq!(placed, 3);
    let full = "select shared_instance, count(*) from tenants where mode = 'shared' group by 1 order by 2";
    let full: Vec<(String, i64)> = sqlx::query_as(full).fetch_all(&database).await.unwrap();
    assert_eq!(full.iter().map(|(_, tenants)| *tenants).collect::<Vec<_>>(), [1, 2]);
    // What was accepted before has its answer, also when there is no room any more.
    let key = Call::post("/tenants", &bodies[0]).by_a("service").key("once");
    sqlx::query("delete from tenants where mode = 'shared'").execute(&database).await.unwrap();
    let first = platform.send(key.clone().signed()).await;
    assert_eq!(first.status, 201);
    sqlx::query("update tenants set draining = true where purpose = 'shared'")
        .execute(&database)
        .await
        .unwrap();
    let again = platform.send(key.signed()).await;
    assert_eq!((again.status.as_u16(), again.text()), (201, first.text()));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn why_there_is_no_place_is_said(database: PgPool) {
    house(&database, "one", 2).await;
    let platform = Platform::on(database.clone()).await;
    let execute = async |statement: &'static str| {
        sqlx::raw_sql(statement).execute(&database).await.unwrap();
    };
    for (change, told) in [
        ("update tenants set draining = true", "drained"),
        ("update tenants set draining = false, status = 'provisioning'", "being made"),
        ("update tenants set status = 'active'; update clusters set state = 'draining'", "drained"),
    ] {
        execute(change).await;
        let refused = create(&platform, &asked("acme")).await;
        assert!(refused.text().contains(told), "{}", refused.text());
        refused.assert_problem(409, "no_shared_n8n");
    }
    let nothing: i64 =
        sqlx::query_scalar("select count(*) from operations").fetch_one(&database).await.unwrap();
    assert_eq!(nothing, 0);
    platform.stop().await;
}

/// Both hold its row: one of them sees what the other did.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nobody_is_placed_in_an_n8n_that_is_being_removed(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    // Which makes shared ones to be offered, whatever becomes of the others.
    house(&database, "always", 1).await;
    sqlx::query("update tenants set draining = true").execute(&database).await.unwrap();
    for round in 0..5 {
        let name = format!("house-{round}");
        let id = house(&database, &name, 5).await;
        let path = format!("/shared-instances/ten_{}", id.replace('-', ""));
        let removal = Call::delete(&path).by_a("admin").key(&name).signed();
        let body = asked(&format!("resident-{round}"));
        let (removed, created) = tokio::join!(platform.send(removal), create(&platform, &body));
        match (removed.status.as_u16(), created.status.as_u16()) {
            (202, 409) | (409, 201) => {}
            other => panic!("{other:?}: {} {}", removed.text(), created.text()),
        }
        sqlx::query(
            "update tenants set status = 'deleted', address_released = true where subdomain <> 'always'",
        )
        .execute(&database)
        .await
        .unwrap();
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_done_to_containers_is_refused_and_everything_else_accepted(database: PgPool) {
    let id = house(&database, "one", 2).await;
    let platform = Platform::with_bus(database.clone()).await;
    let mut body = asked("acme");
    body["n8n_version"] = json!("2.41.1");
    let refused = create(&platform, &body).await;
    refused.assert_problem(422, "invalid_fields");
    assert_eq!(refused.field_errors(), [("/n8n_version".to_owned(), "contradicts".to_owned())]);
    let created = create(&platform, &asked("acme")).await.json();
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(&database)
        .await
        .unwrap();
    sqlx::query("update tenants set status = 'active'").execute(&database).await.unwrap();
    let owner = Claims::owner(&[created["tenant_id"].as_str().unwrap()]);
    let send = async |method: &str, path: &str, body: Value| {
        let call = if body.is_null() { Call::with(method, path) } else { Call::post(path, &body) };
        platform.send(call.by_a("operator").key(path).signed()).await
    };
    send("POST", "/tenants/acme/restart", json!({})).await.assert_problem(422, "shared_tenant");
    send("POST", "/tenants/acme/scale", json!({ "workers": 2 })).await.assert_problem(422, "shared_tenant");
    send("POST", "/tenants/acme/upgrade", json!({ "n8n_version": "2.41.1" }))
        .await
        .assert_problem(422, "shared_tenant");
    assert_eq!(send("POST", "/tenants/acme/backup", json!({})).await.status, 202);
    let backups = platform.send(Call::get("/tenants/acme/backups").by(&owner)).await.json()["data"].clone();
    assert_eq!(
        (&backups[0]["type"], &backups[0]["status"]),
        (&json!("manual"), &json!("queued")),
        "{backups}"
    );
    // In place as well; there is only nothing yet.
    send("POST", "/tenants/acme/restore", json!({ "restore_to_sandbox": false }))
        .await
        .assert_problem(409, "no_restorable_backup");
    let logs = platform.send(Call::get("/tenants/acme/logs").by_a("operator")).await;
    logs.assert_problem(422, "shared_tenant");

    let health =
        async || platform.send(Call::get("/tenants/acme").by(&owner)).await.json()["data"]["health"].clone();
    assert_eq!(health().await["status"], "healthy");
    sqlx::query("update tenant_instances set health = 'starting' where role = 'worker'")
        .execute(&database)
        .await
        .unwrap();
    let degraded = health().await;
    assert_eq!(degraded["status"], "degraded", "{degraded}");
    let shown = platform.send(Call::get("/tenants/acme").by(&owner)).await.text();
    assert!(!shown.contains(&id) && !shown.contains(&id.replace('-', "")), "{shown}");
    // Nor does the record tell, to whoever asks it as an owner does.
    let mut session = database.acquire().await.unwrap();
    sqlx::raw_sql("set role authenticated").execute(&mut *session).await.unwrap();
    let told = sqlx::query_scalar("select count(*) from shared_n8n_sightings").fetch_one(&mut *session).await;
    assert_eq!(told.unwrap_or(0_i64), 0);
    let scope = "select count(*) from shared_n8n_sightings where $1::tenant_scope is not null and instance is not null";
    let own: uuid::Uuid = created["tenant_id"].as_str().unwrap().trim_start_matches("ten_").parse().unwrap();
    let told = sqlx::query_scalar(scope).bind(vec![own]).fetch_one(&mut *session).await;
    assert_eq!(told.unwrap_or(0_i64), 0);
    sqlx::raw_sql("reset role").execute(&mut *session).await.unwrap();
    drop(session);
    let staff = platform.send(Call::get("/tenants/acme").by_a("operator")).await.json();
    assert_eq!(staff["data"]["shared_instance"], format!("ten_{}", id.replace('-', "")));
    let portal = platform.send(Call::get("/tenants/acme").by_a("service")).await.json();
    assert_eq!(portal["data"]["shared_instance"], Value::Null);
    sqlx::query("update clusters set observed_at = now() - interval '5 minutes'")
        .execute(&database)
        .await
        .unwrap();
    assert_eq!(health().await["status"], "unknown");

    assert_eq!(send("POST", "/tenants/acme/suspend", json!({})).await.status, 202);
    assert_eq!(send("DELETE", "/tenants/acme", Value::Null).await.status, 202);
    let theirs = "select count(*) from operations where cluster_id = 'at-one' and status = 'queued'";
    assert_eq!(sqlx::query_scalar::<_, i64>(theirs).fetch_one(&database).await.unwrap(), 3);
    platform.stop().await;
}
