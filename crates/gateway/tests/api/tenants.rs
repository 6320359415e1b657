//! Creating, listing, showing and removing tenants.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Record, Reply, tenant};

async fn create(platform: &Platform, subdomain: &str) -> Value {
    let created = platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("service").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    created.json()
}

async fn remove(platform: &Platform, id: &str, key: &str) -> Reply {
    platform.send(Call::delete(&format!("/tenants/{id}")).by_a("admin").key(key).signed()).await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_is_accepted_with_everything_it_needs_though_no_bus_is_there(database: PgPool) {
    crate::offer::cluster(&database, "local", "eu-central", &["gdpr"]).await;
    let platform = Platform::on(database.clone()).await;
    let body = json!({
        "name": "Acme Ltd", "email": "ada@acme.example", "subdomain": "acme", "plan": "pro", "mode": "dedicated",
        "region": "eu-central", "custom_domain": "flows.acme.example", "compliance": ["gdpr"],
        "metadata": { "crm": { "id": 7 } },
    });
    let created = platform.send(Call::post("/tenants", &body).by_a("service").key("k").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let answer = created.json();
    assert_eq!(answer["login_url"], "http://acme.localhost:8000");
    assert_eq!(answer["loginUrl"], answer["login_url"]);
    assert_eq!(answer["status"], "provisioning");
    let operation = format!("/operations/{}", answer["operation_id"].as_str().unwrap());
    assert_eq!(created.header("location"), operation);

    let record = Record::count(&database).await;
    for table in
        ["tenants", "tenant_limits", "operations", "audit_logs", "idempotency_keys", "request_signatures"]
    {
        assert_eq!(record.of(table), 1, "{table}");
    }
    let shown = platform.send(Call::get("/tenants/acme").by_a("operator")).await.json();
    let tenant = &shown["data"]["tenant"];
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(tenant[name], *value, "{name}");
    }
    assert_eq!(shown["data"]["status"], "provisioning");
    assert_eq!((&tenant["cpu_cores"], &tenant["workers"]), (&json!(2.0), &json!(2)));
    assert_eq!(shown["data"]["limits"]["executions_per_month"], 10_000);
    assert_eq!(shown["data"]["instances"], json!([]));
    assert_eq!(shown["data"]["usage"]["storage_bytes"], json!(null), "what is not measured is not made up");

    let watched = platform.send(Call::get(&operation).by_a("operator")).await.json();
    assert_eq!(
        (&watched["data"]["status"], &watched["data"]["kind"]),
        (&json!("queued"), &json!("tenant.create"))
    );
    assert_eq!(watched["data"]["tenant_id"], answer["tenant_id"]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_callers_names_go_along(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let call = Call::post("/tenants", &tenant("acme"))
        .header("x-correlation-id", "order-42")
        // As a newer version of the standard might write it.
        .header("traceparent", format!("01-{trace}-00f067aa0ba902b7-01-extra"));
    let created = platform.send(call.clone().by_a("service").signed()).await;
    let refused = platform.send(call.by_a("service")).await.assert_problem(401, "signature_missing");
    assert_eq!(refused["trace_id"], trace);
    assert_eq!(created.header("x-correlation-id"), "order-42");
    assert_eq!(created.header("x-trace-id"), trace);
    let (correlation, traceparent): (String, String) =
        sqlx::query_as("select correlation_id, traceparent from operations")
            .fetch_one(&database)
            .await
            .unwrap();
    assert_eq!(correlation, "order-42");
    assert_eq!(traceparent, format!("00-{trace}-00f067aa0ba902b7-01"));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn json_may_come_as_curl_sends_it(database: PgPool) {
    let platform = Platform::on(database).await;
    for (subdomain, content_type) in [("first", Some("application/x-www-form-urlencoded")), ("second", None)]
    {
        let mut call = Call::post("/tenants", &tenant(subdomain)).without("content-type");
        if let Some(content_type) = content_type {
            call = call.header("content-type", content_type);
        }
        assert_eq!(platform.send(call.by_a("admin").signed()).await.status, 201);
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn pages_hold_every_tenant_once_the_newest_first(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    for number in 0..7 {
        create(&platform, &format!("acme-{number}")).await;
    }
    // All at one moment, so that the id has to decide.
    sqlx::query("update tenants set created_at = '2026-08-01 12:00:00.123456+00'")
        .execute(&database)
        .await
        .unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page =
            platform.send(Call::get(&format!("/tenants?limit=3&cursor={cursor}")).by_a("admin")).await.json();
        let names = page["data"].as_array().unwrap().iter();
        seen.extend(names.map(|tenant| tenant["subdomain"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 7);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 7);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_list_can_be_narrowed_and_a_wrong_query_is_told_in_full(database: PgPool) {
    for (cluster, region) in [("local", "local"), ("other", "elsewhere")] {
        crate::offer::cluster(&database, cluster, region, &[]).await;
    }
    let platform = Platform::on(database.clone()).await;
    create(&platform, "acme").await;
    create(&platform, "bolt").await;
    sqlx::query("update tenants set status = 'active', name = '100% Bolt' where subdomain = 'bolt'")
        .execute(&database)
        .await
        .unwrap();
    let count = async |query: &str| {
        let page = platform.send(Call::get(&format!("/tenants?{query}")).by_a("admin")).await.json();
        page["data"].as_array().map(Vec::len)
    };
    for (query, expected) in [
        ("", 2),
        ("status=active", 1),
        ("status=deleted", 0),
        ("mode=shared", 0),
        ("mode=dedicated&plan=pro&status=provisioning", 1),
        ("q=100%25", 1),
        ("q=BOLT", 1),
        ("q=_", 0),
        // Where they were placed when they were accepted.
        ("cluster=local", 2),
        ("cluster=other", 0),
    ] {
        assert_eq!(count(query).await, Some(expected), "{query}");
    }
    let wrong = platform.send(Call::get("/tenants?limit=0&mode=x&page=2").by_a("admin")).await;
    wrong.assert_problem(422, "invalid_fields");
    assert_eq!(wrong.field_errors().len(), 3);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_is_removed_once_and_then_it_is_gone(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = create(&platform, "acme").await["tenant_id"].as_str().unwrap().to_owned();
    let removed = remove(&platform, "acme", "a").await;
    assert_eq!(removed.status, 202, "{}", removed.text());
    let operation = removed.json()["operation_id"].as_str().unwrap().to_owned();
    assert_eq!(removed.header("location"), format!("/operations/{operation}"));
    assert_eq!(removed.json()["status"], "deleting");

    // Another request is told which operation is at it; even if the creation under way wrote a status meanwhile.
    for status in ["deleting", "active"] {
        set_status(&database, status).await;
        let again = remove(&platform, &id, &format!("b-{status}")).await;
        let problem = again.assert_problem(409, "removal_under_way");
        assert!(problem["detail"].as_str().unwrap().contains(&operation), "{problem}");
    }
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(&database)
        .await
        .unwrap();
    set_status(&database, "deleted").await;
    remove(&platform, "acme", "c").await.assert_problem(404, "not_found");
    remove(&platform, &id, "c").await.assert_problem(410, "tenant_deleted");
    let stranger = Claims::owner(&[]);
    let foreign = Call::delete(&format!("/tenants/{id}")).by(&stranger).signed();
    platform.send(foreign).await.assert_problem(404, "not_found");
    // The same request still gets its answer, under its old name too.
    let repeated = remove(&platform, "acme", "a").await;
    assert_eq!((repeated.status, &repeated.body), (removed.status, &removed.body));
    assert_eq!(repeated.header("idempotency-replayed"), "true");
    platform.send(Call::get("/tenants/acme").by_a("admin")).await.assert_problem(404, "not_found");
    let shown = platform.send(Call::get(&format!("/tenants/{id}")).by_a("admin")).await;
    assert_eq!(shown.json()["data"]["status"], "deleted");
    platform.stop().await;
}

async fn set_status(database: &PgPool, status: &str) {
    sqlx::query("update tenants set status = $1").bind(status).execute(database).await.unwrap();
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn of_many_removals_at_once_one_is_accepted(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    create(&platform, "acme").await;
    // Holding the row makes them meet in the middle of their statements.
    let mut holding = common::database::begin(&database).await.unwrap();
    sqlx::query("select from tenants for update").execute(&mut *holding).await.unwrap();
    let calls = (0..20).map(|n| {
        let call = Call::delete("/tenants/acme").by_a("admin").key(&format!("k{n}"));
        platform.send_to(n % 2, call.signed())
    });
    let release = async {
        let waiting = "select count(*) > 2 from pg_locks join pg_database d on d.oid = database
                        where not granted and datname = current_database()";
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut *holding).await.unwrap() {}
        holding.rollback().await.unwrap();
    };
    let (replies, ()) = tokio::join!(futures::future::join_all(calls), release);
    let accepted = replies.iter().filter(|reply| reply.status == 202).count();
    let refused = replies.iter().filter(|reply| reply.status == 409).count();
    assert_eq!((accepted, refused), (1, 19));
    let record = Record::count(&database).await;
    for (table, rows) in [("operations", 2), ("idempotency_keys", 1)] {
        assert_eq!(record.of(table), rows, "{table}");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_address_is_free_again_when_its_tenant_failed_or_is_gone(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    // The same words three times in one second would be one signature.
    let create = async |seconds: i64| {
        let call = Call::post("/tenants", &tenant("acme")).by_a("service").signed_at(seconds);
        platform.send(call).await.json()
    };
    for (seconds, status) in [(-2, "failed"), (-1, "deleted")] {
        create(seconds).await;
        sqlx::query("update tenants set status = $1 where status = 'provisioning'")
            .bind(status)
            .execute(&database)
            .await
            .unwrap();
    }
    let last = create(0).await;
    let shown = platform.send(Call::get("/tenants/acme").by_a("admin")).await.json();
    assert_eq!(shown["data"]["tenant"]["id"], last["tenant_id"], "the living one has the name");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_failed_tenant_can_be_removed_though_its_address_has_a_new_owner(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let call = Call::post("/tenants", &tenant("acme")).by_a("service").signed_at(-100);
    let first = platform.send(call).await.json();
    sqlx::query("update tenants set status = 'failed'").execute(&database).await.unwrap();
    sqlx::query("update operations set status = 'rolled_back', finished_at = now()")
        .execute(&database)
        .await
        .unwrap();
    let second = create(&platform, "acme").await;
    let removed = remove(&platform, first["tenant_id"].as_str().unwrap(), "k").await;
    assert_eq!(removed.status, 202, "{}", removed.text());
    let shown = platform.send(Call::get("/tenants/acme").by_a("admin")).await.json();
    assert_eq!(shown["data"]["tenant"]["id"], second["tenant_id"]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_owner_sees_and_removes_what_is_theirs_and_nothing_else(database: PgPool) {
    let platform = Platform::on(database).await;
    let mine = create(&platform, "mine").await;
    create(&platform, "theirs").await;
    let me = Claims::owner(&[mine["tenant_id"].as_str().unwrap()]);
    let page = platform.send(Call::get("/tenants").by(&me)).await.json();
    let seen: Vec<_> = page["data"].as_array().unwrap().iter().map(|tenant| &tenant["subdomain"]).collect();
    assert_eq!(seen, ["mine"]);
    let operation = format!("/operations/{}", mine["operation_id"].as_str().unwrap());
    assert_eq!(platform.send(Call::get(&operation).by(&me)).await.status, 200);
    assert_eq!(platform.send(Call::delete("/tenants/theirs").by(&me).signed()).await.status, 404);
    assert_eq!(platform.send(Call::delete("/tenants/mine").by(&me).signed()).await.status, 202);
    let denied = platform.send(Call::post("/tenants", &tenant("more")).by(&me).signed()).await;
    denied.assert_problem(403, "forbidden");
    platform.stop().await;
}
