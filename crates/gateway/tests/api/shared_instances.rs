//! The n8ns that tenants share: made by those who run the platform, and nothing to anybody else.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Reply, tenant};

async fn make(platform: &Platform, name: &str) -> Value {
    let body = json!({ "name": name, "capacity": 2 });
    let made = platform.send(Call::post("/shared-instances", &body).by_a("admin").signed()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let operation = format!("/operations/{}", made.json()["operation_id"].as_str().unwrap());
    assert_eq!(made.header("location"), operation);
    made.json()
}

/// It runs.
async fn brought_up(platform: &Platform, database: &PgPool, name: &str) -> String {
    let made = make(platform, name).await;
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(database)
        .await
        .unwrap();
    sqlx::query("update tenants set status = 'active' where subdomain = $1")
        .bind(name)
        .execute(database)
        .await
        .unwrap();
    made["id"].as_str().unwrap().to_owned()
}

/// A tenant that lives in it.
async fn settle(database: &PgPool, instance: &str, subdomain: &str) {
    let settle = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, shared_instance, shared_project, shared_user)
        select gen_random_uuid(), 'A', 'a@b.co', $2, 'shared', 'active', 'starter', '2.41.1', replace($1, 'ten_', '')::uuid::text,
               left(md5($2), 16), gen_random_uuid()";
    sqlx::query(settle).bind(instance).bind(subdomain).execute(database).await.unwrap();
}

async fn listed(platform: &Platform) -> Value {
    platform.send(Call::get("/shared-instances").by_a("operator")).await.json()["data"].clone()
}

async fn command(platform: &Platform, role: &str, method: &str, path: &str) -> Reply {
    // The same request again in the same second is another one by its key.
    let key = uuid::Uuid::now_v7().to_string();
    platform.send(Call::with(method, path).by_a(role).key(&key).signed()).await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn it_is_accepted_like_any_tenant_and_its_plan_is_nobody_elses(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let made = make(&platform, "shared-1").await;
    let operation = platform
        .send(Call::get(&format!("/operations/{}", made["operation_id"].as_str().unwrap())).by_a("operator"));
    assert_eq!(operation.await.json()["data"]["kind"], "tenant.create");
    let shown = &listed(&platform).await[0];
    for (name, value) in [
        ("id", made["id"].clone()),
        ("name", json!("shared-1")),
        ("state", json!("provisioning")),
        ("tenants", json!(0)),
        ("capacity", json!(2)),
        ("workers", json!(2)),
        ("address", json!("http://shared-1.localhost:8000")),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    let total = shown["memory_mb"].as_i64().unwrap() * (1 + shown["workers"].as_i64().unwrap());
    assert!(total <= 4096, "{total} MB in all");

    let again = Call::post("/shared-instances", &json!({ "name": "shared-1" })).by_a("admin").key("another");
    let again = platform.send(again.signed()).await;
    again.assert_problem(409, "subdomain_taken");
    assert_eq!(again.field_errors(), [("/name".to_owned(), "subdomain_taken".to_owned())]);
    let taken = platform.send(Call::post("/tenants", &tenant("shared-1")).by_a("service").signed()).await;
    taken.assert_problem(409, "subdomain_taken");
    assert_eq!(taken.field_errors()[0].0, "/subdomain");
    let mut asked = tenant("acme");
    asked["plan"] = json!("shared");
    for role in ["admin", "operator", "service"] {
        let refused = platform.send(Call::post("/tenants", &asked).by_a(role).signed()).await;
        refused.assert_problem(422, "invalid_fields");
        assert_eq!(refused.field_errors(), [("/plan".to_owned(), "unknown_plan".to_owned())]);
        let plans = platform.send(Call::get("/plans").by_a(role)).await.json();
        let names: Vec<_> =
            plans["data"].as_array().unwrap().iter().map(|plan| plan["name"].clone()).collect();
        assert_eq!(names, ["starter", "pro", "enterprise"]);
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn neither_customers_nor_the_portal_find_it_by_any_way(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let mut following = platform.follow(Call::get("/events").by_a("service")).await;
    let made = make(&platform, "shared-1").await;
    let (id, operation) = (made["id"].as_str().unwrap(), made["operation_id"].as_str().unwrap());
    let customers =
        platform.send(Call::post("/tenants", &tenant("acme")).by_a("service").signed()).await.json();
    let own = customers["tenant_id"].as_str().unwrap();
    // As if the portal had been told of it and said so in its customer's token.
    let owner = Claims::owner(&[own, id]);
    for claims in [Claims::of("service"), owner.clone()] {
        let get = async |path: &str| platform.send(Call::get(path).by(&claims)).await;
        for name in [id, "shared-1"] {
            for rest in ["", "/events", "/logs", "/initial-login"] {
                get(&format!("/tenants/{name}{rest}")).await.assert_problem(404, "not_found");
            }
            for verb in ["restart", "reset-login"] {
                let call = Call::with("POST", &format!("/tenants/{name}/{verb}")).by(&claims).signed();
                platform.send(call).await.assert_problem(404, "not_found");
            }
            let removed = Call::delete(&format!("/tenants/{name}")).by(&claims).signed();
            platform.send(removed).await.assert_problem(404, "not_found");
        }
        for rest in ["", "/events"] {
            get(&format!("/operations/{operation}{rest}")).await.assert_problem(404, "not_found");
        }
        for path in ["/tenants", "/tenants?q=shared", "/operations", &format!("/operations?tenant={id}")] {
            let listed = get(path).await;
            assert_eq!(listed.status, 200, "{path}: {}", listed.text());
            assert!(!listed.text().contains(id), "{path}: {}", listed.text());
        }
        for (method, path) in [
            ("GET", "/shared-instances".to_owned()),
            ("POST", "/shared-instances".to_owned()),
            ("DELETE", format!("/shared-instances/{id}")),
            ("POST", format!("/shared-instances/{id}/drain")),
            ("POST", format!("/shared-instances/{id}/reopen")),
        ] {
            let call = Call::with(method, &path).by(&claims);
            platform
                .send(if method == "GET" { call } else { call.signed() })
                .await
                .assert_problem(403, "forbidden");
        }
        // What was told before, and what is told live.
        let mut told = platform.follow(Call::get("/events?since=0").by(&claims)).await;
        assert_eq!(told.next().await.unwrap().data["tenant_id"], own);
    }
    assert_eq!(following.next().await.unwrap().data["tenant_id"], own);
    for role in ["admin", "operator"] {
        let get = async |path: &str| platform.send(Call::get(path).by_a(role)).await;
        assert_eq!(get(&format!("/tenants/{id}")).await.status, 200);
        assert_eq!(get("/tenants/shared-1").await.status, 200);
        assert_eq!(get(&format!("/operations/{operation}")).await.status, 200);
        assert!(!get("/tenants").await.text().contains(id), "it has a list of its own");
        let mut told = platform.follow(Call::get("/events?since=0").by_a(role)).await;
        assert_eq!(told.next().await.unwrap().data["tenant_id"], id);
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn it_is_removed_when_nobody_lives_in_it_and_does_not_rest(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = brought_up(&platform, &database, "shared-1").await;
    settle(&database, &id, "one").await;
    let path = format!("/shared-instances/{id}");
    let refused = command(&platform, "admin", "DELETE", &path).await.assert_problem(409, "instance_in_use");
    assert!(refused["detail"].as_str().unwrap().starts_with("1 tenant lives in shared-1. More"), "{refused}");
    command(&platform, "admin", "POST", &format!("/tenants/{id}/suspend"))
        .await
        .assert_problem(409, "conflict");
    command(&platform, "admin", "DELETE", &format!("/tenants/{id}")).await.assert_problem(409, "conflict");
    command(&platform, "admin", "POST", &format!("/tenants/{id}/reset-login"))
        .await
        .assert_problem(404, "not_found");
    let login = platform.send(Call::get(&format!("/tenants/{id}/initial-login")).by_a("admin")).await;
    login.assert_problem(404, "not_found");
    assert_eq!(command(&platform, "operator", "POST", &format!("/tenants/{id}/restart")).await.status, 202);
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(&database)
        .await
        .unwrap();

    for (verb, draining, state) in
        [("drain", true, "draining"), ("reopen", false, "active"), ("drain", true, "draining")]
    {
        for _ in 0..2 {
            let steered =
                command(&platform, "operator", "POST", &format!("/shared-instances/shared-1/{verb}")).await;
            assert_eq!((steered.status.as_u16(), &steered.json()["draining"]), (200, &json!(draining)));
        }
        assert_eq!(listed(&platform).await[0]["state"], state);
    }
    let refused = command(&platform, "admin", "DELETE", &path).await.assert_problem(409, "instance_in_use");
    assert_eq!(refused["detail"], "1 tenant lives in shared-1. It can be removed once nobody does.");
    command(&platform, "operator", "DELETE", &path).await.assert_problem(403, "forbidden");

    sqlx::query("update tenants set status = 'deleted' where mode = 'shared'")
        .execute(&database)
        .await
        .unwrap();
    let removed = command(&platform, "admin", "DELETE", &path).await;
    assert_eq!((removed.status.as_u16(), removed.json()["state"].clone()), (202, json!("deleting")));
    command(&platform, "admin", "DELETE", &path).await.assert_problem(409, "removal_under_way");
    command(&platform, "operator", "POST", &format!("{path}/reopen"))
        .await
        .assert_problem(409, "removal_under_way");
    platform.stop().await;
}

/// Whoever places a tenant and whoever removes its n8n lock the same row: one of them finds what the other did.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_removal_sees_whoever_was_placed_while_it_waited(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = brought_up(&platform, &database, "shared-1").await;
    let mut placing = common::database::begin(&database).await.unwrap();
    sqlx::query("select from tenants where subdomain = 'shared-1' for update")
        .execute(&mut *placing)
        .await
        .unwrap();
    let settle = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, shared_instance)
        select gen_random_uuid(), 'A', 'a@b.co', 'one', 'shared', 'provisioning', 'starter', '2.41.1', id::text
          from tenants where subdomain = 'shared-1'";
    sqlx::query(settle).execute(&mut *placing).await.unwrap();
    let path = format!("/shared-instances/{id}");
    let removal = command(&platform, "admin", "DELETE", &path);
    let placed = async {
        let waits = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&database).await.unwrap() {
            tokio::task::yield_now().await;
        }
        placing.commit().await.unwrap();
    };
    let (refused, ()) = tokio::join!(removal, placed);
    refused.assert_problem(409, "instance_in_use");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_that_lost_its_database_is_made_anew_once_by_an_admin(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let instance = brought_up(&platform, &database, "shared-1").await;
    let path = "/shared-instances/shared-1/rebuild";
    command(&platform, "operator", "POST", path).await.assert_problem(403, "forbidden");
    let asked = command(&platform, "admin", "POST", path).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    assert_eq!(asked.json()["id"], instance);
    let operation = asked.json()["operation_id"].as_str().unwrap().to_owned();
    assert_eq!(asked.header("location"), format!("/operations/{operation}"));
    let again = command(&platform, "admin", "POST", path).await;
    assert!(again.text().contains(&operation), "{}", again.text());
    again.assert_problem(409, "conflict");
    sqlx::query("update operations set status = 'rolled_back', finished_at = now()")
        .execute(&database)
        .await
        .unwrap();
    sqlx::query("update tenants set status = 'deleting'").execute(&database).await.unwrap();
    command(&platform, "admin", "POST", path).await.assert_problem(409, "removal_under_way");
}
