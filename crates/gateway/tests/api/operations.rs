//! Listing operations, and changing their course.

use common::operations::Request as _;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use wire::kinds::TenantCreate;

use crate::support::{Call, Claims, Platform, Reply, tenant};

async fn create(platform: &Platform, subdomain: &str) -> (String, String) {
    let created = platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("service").signed()).await;
    let answer = created.json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("tenant_id"), text("operation_id"))
}

async fn steer(platform: &Platform, operation: &str, verb: &str, key: &str) -> Reply {
    let call = Call::post(&format!("/operations/{operation}/{verb}"), &json!({ "reason": "because" }));
    platform.send(call.by_a("admin").key(key).signed()).await
}

async fn set(database: &PgPool, change: &str) {
    let update = AssertSqlSafe(format!("update operations set {change}"));
    sqlx::query(update).execute(database).await.unwrap();
}

async fn shown(platform: &Platform, target: &str) -> Value {
    platform.send(Call::get(target).by_a("admin")).await.json()["data"].clone()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_list_holds_every_operation_once_and_can_be_narrowed(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(create(&platform, &format!("acme-{number}")).await);
    }
    set(&database, "created_at = '2026-08-01 12:00:00.123456+00'").await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let call = Call::get(&format!("/operations?limit=2&cursor={cursor}")).by_a("operator");
        let page = platform.send(call).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let mut expected: Vec<_> = ids.iter().map(|(_, operation)| operation.clone()).collect();
    expected.sort();
    expected.reverse();
    assert_eq!(seen, expected);
    let count = async |query: &str, claims: &Claims| {
        let page = platform.send(Call::get(&format!("/operations?{query}")).by(claims)).await.json();
        page["data"].as_array().map(Vec::len)
    };
    let (admin, owner) = (Claims::of("admin"), Claims::owner(&[&ids[0].0]));
    let tenant = format!("tenant={}", ids[1].0);
    for (query, by_admin, by_owner) in [
        ("", 5, 1),
        ("status=queued&kind=tenant.create", 5, 1),
        ("status=stuck", 0, 0),
        ("kind=tenant.heal", 0, 0),
        (tenant.as_str(), 1, 0),
    ] {
        assert_eq!(count(query, &admin).await, Some(by_admin), "{query}");
        assert_eq!(count(query, &owner).await, Some(by_owner), "{query}");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_queued_creation_that_is_cancelled_ends_at_once_and_frees_its_address(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (tenant, operation) = create(&platform, "acme").await;
    let cancelled = steer(&platform, &operation, "cancel", "a").await;
    assert_eq!(cancelled.status, 202, "{}", cancelled.text());
    assert_eq!(cancelled.header("location"), format!("/operations/{operation}"));
    let over = shown(&platform, &format!("/operations/{operation}")).await;
    assert_eq!((&over["status"], &over["cancelled"]), (&json!("rolled_back"), &json!(true)));
    let told = "select count(*) from event_outbox where kind = 'operation.cancelled'";
    let told: i64 = sqlx::query_scalar(told).fetch_one(&database).await.unwrap();
    assert_eq!(told, 1);
    assert_eq!(over["error"], json!({ "kind": "cancelled", "detail": "Cancelled by admin-1." }));
    assert!(over["finished_at"].is_string());
    assert_eq!(shown(&platform, &format!("/tenants/{tenant}")).await["status"], "failed");

    // Asking again changes nothing; the same request gets its answer.
    assert_eq!(steer(&platform, &operation, "cancel", "b").await.status, 202);
    assert_eq!(steer(&platform, &operation, "cancel", "a").await.header("idempotency-replayed"), "true");
    let again = Call::post("/tenants", &crate::support::tenant("acme")).by_a("admin").key("c");
    let again = platform.send(again.signed()).await;
    assert_eq!(again.status, 201, "{}", again.text());
    let noted: Vec<(String, Option<String>)> = sqlx::query_as(
        "select outcome, reason from audit_logs where action = 'operation.cancel' and operation_id is not null",
    )
    .fetch_all(&database)
    .await
    .unwrap();
    assert_eq!(noted, vec![("accepted".to_owned(), Some("because".to_owned())); 2]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_queued_removal_that_is_cancelled_gives_the_tenant_back(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (tenant, _) = create(&platform, "acme").await;
    set(&database, "status = 'succeeded', finished_at = now()").await;
    sqlx::query("update tenants set status = 'suspended'").execute(&database).await.unwrap();
    let remove = |key: &'static str| Call::delete("/tenants/acme").by_a("admin").key(key).signed();
    let first = platform.send(remove("1")).await.json()["operation_id"].as_str().unwrap().to_owned();
    assert_eq!(steer(&platform, &first, "cancel", "a").await.status, 202);
    assert_eq!(shown(&platform, &format!("/tenants/{tenant}")).await["status"], "suspended");
    // A later removal is not called off by asking for the earlier one again.
    assert_eq!(platform.send(remove("2")).await.status, 202);
    assert_eq!(steer(&platform, &first, "cancel", "b").await.status, 202);
    assert_eq!(shown(&platform, &format!("/tenants/{tenant}")).await["status"], "deleting");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn it_can_be_too_late_and_the_answer_says_why(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (_, operation) = create(&platform, "acme").await;
    for (number, (change, verb, code)) in [
        ("status = 'undoing'", "cancel", "operation_undoing"),
        ("status = 'stuck'", "cancel", "operation_stuck"),
        ("status = 'running', kind = 'tenant.delete'", "cancel", "operation_irrevocable"),
        ("status = 'running'", "resume", "operation_not_stuck"),
        ("status = 'running'", "abandon", "operation_not_stuck"),
        ("status = 'succeeded', finished_at = now()", "cancel", "operation_over"),
    ]
    .into_iter()
    .enumerate()
    {
        set(&database, change).await;
        steer(&platform, &operation, verb, &number.to_string()).await.assert_problem(409, code);
    }
    let unexplained = Call::post(&format!("/operations/{operation}/resume"), &json!({})).by_a("admin");
    platform.send(unexplained.signed()).await.assert_problem(422, "invalid_fields");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_running_operation_is_marked_and_due_at_once(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (_, operation) = create(&platform, "acme").await;
    set(&database, "status = 'running', not_before = now() + interval '1 hour'").await;
    assert_eq!(steer(&platform, &operation, "cancel", "a").await.status, 202);
    let marked = "select status = 'running' and cancellation ->> 'detail' = 'Cancelled by admin-1.'
                         and not_before <= now() from operations";
    assert!(sqlx::query_scalar::<_, bool>(marked).fetch_one(&database).await.unwrap());
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_stuck_operation_goes_on_in_its_direction_with_fresh_attempts(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (_, operation) = create(&platform, "acme").await;
    for (number, (event, status)) in
        [("started", "running"), ("failed", "running"), ("undo_started", "undoing")].into_iter().enumerate()
    {
        set(&database, "status = 'stuck', error = '{}'").await;
        let step = "insert into operation_steps (operation_id, ordinal, step, event, fence)
                    select id, 0, 'reserve', $1, 1 from operations";
        sqlx::query(step).bind(event).execute(&database).await.unwrap();
        assert_eq!(steer(&platform, &operation, "resume", &number.to_string()).await.status, 202);
        assert_eq!(shown(&platform, &format!("/operations/{operation}")).await["status"], status);
        let last = "select event from operation_steps order by seq desc limit 1";
        let last: String = sqlx::query_scalar(last).fetch_one(&database).await.unwrap();
        assert_eq!(last, "resumed");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_abandoned_removal_leaves_a_failed_tenant_that_can_be_removed_again(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (tenant, _) = create(&platform, "acme").await;
    set(&database, "status = 'succeeded', finished_at = now()").await;
    let remove = |key: &'static str| Call::delete("/tenants/acme").by_a("admin").key(key).signed();
    let removal = platform.send(remove("1")).await.json()["operation_id"].as_str().unwrap().to_owned();
    set(&database, "status = 'stuck', finished_at = null where kind = 'tenant.delete'").await;
    let route = "insert into routes (host, tenant_id, targets, generation)
                 select 'acme.localhost', id, '[]', 1 from tenants";
    sqlx::query(route).execute(&database).await.unwrap();
    assert_eq!(steer(&platform, &removal, "abandon", "a").await.status, 202);
    assert_eq!(shown(&platform, &format!("/operations/{removal}")).await["status"], "abandoned");
    assert_eq!(shown(&platform, &format!("/tenants/{tenant}")).await["status"], "failed");
    let routes: i64 = sqlx::query_scalar("select count(*) from routes").fetch_one(&database).await.unwrap();
    assert_eq!(routes, 0);
    assert_eq!(platform.send(remove("2")).await.status, 202);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_cause_of_a_failure_is_for_those_who_run_the_platform(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (tenant, operation) = create(&platform, "acme").await;
    let error = r#"{"kind": "unavailable", "detail": "Later.", "hint": "Start it."}"#;
    set(&database, &format!("error = '{error}', status = 'stuck'")).await;
    let failed = "insert into operation_steps (operation_id, ordinal, step, event, fence, error, cause)
                  select id, 0, 'reserve', e.event, 1, e.error::jsonb, e.cause from operations,
                      (values ('started', null, null), ('failed', $1, 'connect: 10.0.0.7 refused')) e (event, error, cause)";
    sqlx::query(failed).bind(error).execute(&database).await.unwrap();
    let told = json!({ "kind": "unavailable", "detail": "Later." });
    let all = json!({
        "kind": "unavailable", "detail": "Later.", "hint": "Start it.", "cause": "connect: 10.0.0.7 refused"
    });
    for (claims, expected) in [
        (Claims::of("admin"), &all),
        (Claims::of("operator"), &all),
        (Claims::of("service"), &told),
        (Claims::owner(&[&tenant]), &told),
    ] {
        let one = platform.send(Call::get(&format!("/operations/{operation}")).by(&claims)).await.json();
        assert_eq!(one["data"]["error"], *expected);
        assert_eq!(one["data"]["steps"][0]["error"], *expected);
        let listed = platform.send(Call::get("/operations").by(&claims)).await.json();
        assert_eq!(listed["data"][0]["error"], *expected);
    }
    platform.stop().await;
}

/// Being late would turn it back at once, whatever the person who looked at it found.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn who_resumes_what_is_late_gives_it_as_long_as_it_had_at_first(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (_, operation) = create(&platform, "acme").await;
    for (key, late) in [("one", "now() - interval '1 hour'"), ("two", "now() - interval '2 days'")] {
        set(&database, &format!("status = 'stuck', error = '{{}}', deadline = {late}")).await;
        assert_eq!(steer(&platform, &operation, "resume", key).await.status, 202);
        let left = "select extract(epoch from deadline - now())::float8 from operations";
        let left: f64 = sqlx::query_scalar(left).fetch_one(&database).await.unwrap();
        let all = TenantCreate::KIND.deadline.as_secs_f64();
        assert!((all - 60.0..=all).contains(&left), "{left} s");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn operations_are_forgotten_long_after_their_end_with_all_that_they_were_parts_of(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    for subdomain in ["long-ago", "lately", "open", "whole"] {
        let create = Call::post("/tenants", &tenant(subdomain)).by_a("service").signed();
        assert_eq!(platform.send(create).await.status, 201);
    }
    let execute = async |statement: &'static str| sqlx::query(statement).execute(&database).await.unwrap();
    execute(
        "update operations o set status = 'succeeded',
            finished_at = now() - make_interval(days => case t.subdomain when 'lately' then 89 else 91 end)
           from tenants t where t.id = o.tenant_id and t.subdomain <> 'open'",
    )
    .await;
    // Ended parts of what is open and of what has ended, and their journals.
    execute(
        "insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline, status, finished_at, parent_id)
         select gen_random_uuid(), 'part', o.tenant_id, '{}', 'test', 'test', now(), 'succeeded', now() - interval '91 days', o.id
           from operations o join tenants t on t.id = o.tenant_id where t.subdomain in ('open', 'whole')",
    )
    .await;
    execute("insert into operation_steps (operation_id, ordinal, step, event, fence) select id, 0, 'reserve', 'started', 1 from operations").await;
    gateway::forget(&database, gateway::OPERATIONS_KEPT_DAYS).await.unwrap();
    let left = "select t.subdomain || ' ' || o.kind from operations o join tenants t on t.id = o.tenant_id
                 where exists (select from operation_steps s where s.operation_id = o.id) order by 1";
    let left = async || -> Vec<String> { sqlx::query_scalar(left).fetch_all(&database).await.unwrap() };
    assert_eq!(
        left().await,
        ["lately tenant.create", "open part", "open tenant.create", "whole tenant.create"]
    );
    // Its part is gone by now.
    gateway::forget(&database, gateway::OPERATIONS_KEPT_DAYS).await.unwrap();
    assert_eq!(left().await, ["lately tenant.create", "open part", "open tenant.create"]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_operation_on_a_cluster_is_shown_with_it_and_to_no_owner(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (tenant, _) = create(&platform, "acme").await;
    let cluster =
        "insert into clusters (id, region, engine, subnets) values ('east', 'r', 'docker', '10.1.0.0/16')";
    sqlx::query(cluster).execute(&database).await.unwrap();
    let id = common::id::OperationId::generate();
    let insert = "insert into operations (id, kind, request, actor, correlation_id, deadline, cluster_id)
                  values ($1, 'test.cluster_check', '{}', 'test', 'test', now() + interval '1 hour', 'east')";
    sqlx::query(insert).bind(id).execute(&database).await.unwrap();
    let one = shown(&platform, &format!("/operations/{id}")).await;
    assert_eq!((&one["cluster_id"], &one["tenant_id"]), (&json!("east"), &Value::Null));
    let listed = shown(&platform, "/operations").await;
    assert_eq!((&listed[0]["cluster_id"], &listed[1]["cluster_id"]), (&json!("east"), &Value::Null));
    let owner = Claims::owner(&[&tenant]);
    let hidden = platform.send(Call::get(&format!("/operations/{id}")).by(&owner)).await;
    assert_eq!(hidden.status, 404);
    let theirs = platform.send(Call::get("/operations").by(&owner)).await.json();
    assert_eq!(theirs["data"].as_array().map(Vec::len), Some(1));

    set(&database, "status = 'stuck' where tenant_id is null").await;
    assert_eq!(steer(&platform, &id.to_string(), "abandon", "a").await.status, 202);
    let noted = shown(&platform, "/audit?action=operation.abandon").await;
    assert_eq!((&noted[0]["cluster_id"], &noted[0]["tenant_id"]), (&json!("east"), &Value::Null));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_given_up_calls_off_its_part(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (_, whole) = create(&platform, "acme").await;
    set(&database, "status = 'stuck'").await;
    let part = "insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline, status, parent_id)
                select $1, 'tenant.heal', tenant_id, '{}', 'test', 'test', deadline, $2, id from operations where parent_id is null";
    let parts = [common::id::OperationId::generate(), common::id::OperationId::generate()];
    for (id, status) in parts.iter().zip(["queued", "running"]) {
        sqlx::query(part).bind(id).bind(status).execute(&database).await.unwrap();
    }
    assert_eq!(steer(&platform, &whole, "abandon", "a").await.status, 202);
    let [waiting, running] = parts.map(|id| format!("/operations/{id}"));
    let (waiting, running) = (shown(&platform, &waiting).await, shown(&platform, &running).await);
    assert_eq!((&waiting["status"], &waiting["cancelled"]), (&json!("rolled_back"), &json!(true)));
    assert_eq!((&running["status"], &running["cancelled"]), (&json!("running"), &json!(true)));
    platform.stop().await;
}
