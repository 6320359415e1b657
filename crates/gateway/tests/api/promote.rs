//! Tenants that share an n8n, moved into one of their own: what is accepted, what is refused and why, what is answered again, and what is listed.

use common::id::{BackupId, OperationId, PromotionId, TenantId};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    sandboxes::put_sandbox,
    schedules::fire_as,
    support::{Call, Claims, Platform, Reply, kept_backup, tenant},
};

/// A tenant that shares an n8n.
async fn lodger(platform: &Platform, database: &PgPool, subdomain: &'static str) -> TenantId {
    let created = platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("admin").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    set(database, "update operations set status = 'succeeded', finished_at = now()").await;
    set(database, "update tenants set status = 'active', mode = 'shared' where purpose = 'customer'").await;
    created.json()["tenant_id"].as_str().unwrap().parse().unwrap()
}

async fn set(database: &PgPool, change: &'static str) {
    sqlx::query(change).execute(database).await.unwrap();
}

async fn promote_under(platform: &Platform, key: &str, tenant: &str, body: &Value) -> Reply {
    let call = Call::post(&format!("/tenants/{tenant}/promote"), body).by_a("operator");
    platform.send(call.key(key).signed()).await
}

async fn promote(platform: &Platform, tenant: &str, body: &Value) -> Reply {
    promote_under(platform, &Uuid::now_v7().to_string(), tenant, body).await
}

/// All that were accepted.
async fn accepted(database: &PgPool) -> Vec<Value> {
    let rows = "select jsonb_build_object('request', o.request, 'former', o.former_status, 'tenant', t.status, 'status', p.status,
                       'executions', p.executions, 'ttl', p.ttl_seconds, 'by', p.asked_by)
                  from operations o join tenants t on t.id = o.tenant_id left join promotions p on p.operation_id = o.id
                 where o.kind = 'tenant.promote' order by o.created_at";
    sqlx::query_scalar(rows).fetch_all(database).await.unwrap()
}

/// One that is over: asked for so many seconds ago, its callers waiting for that long.
async fn put_promotion(
    database: &PgPool,
    of: TenantId,
    (took, froze): (f64, f64),
) -> (PromotionId, BackupId) {
    let (promotion, backup) = (PromotionId::generate(), kept_backup(database, of).await);
    let row = "insert into promotions (id, tenant_id, operation_id, asked_by, asked_at, executions, ttl_seconds, status, backup_id, frozen_at,
                    thawed_at, ended_at, retire_at)
               values ($1, $2, $3, 'somebody', now() - make_interval(secs => $5), false, 600, 'succeeded', $4,
                    now() - make_interval(secs => $6), now(), now(), now() + interval '1 day')";
    let row = sqlx::query(row).bind(promotion).bind(of).bind(OperationId::generate()).bind(backup);
    row.bind(took).bind(froze).execute(database).await.unwrap();
    (promotion, backup)
}

#[track_caller]
fn told(reply: &Reply) -> String {
    reply.assert_problem(409, "conflict")["detail"].as_str().unwrap().to_owned()
}

/// In how many seconds it is said to be done.
fn estimated(reply: &Reply) -> f64 {
    let at = OffsetDateTime::parse(reply.json()["estimated_completion"].as_str().unwrap(), &Rfc3339).unwrap();
    (at - common::clock::now()).as_seconds_f64()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_asked_for_is_an_operation_and_again_it_is_the_same(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    lodger(&platform, &database, "acme").await;
    let body = json!({ "ttl_minutes": 5, "include_executions": false, "reason": "It has outgrown it." });
    let first = promote_under(&platform, "one", "acme", &body).await;
    assert_eq!(first.status, 202, "{}", first.text());
    let answer = first.json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    let (promotion, operation) = (text("promotion_id"), text("operation_id"));
    assert!(promotion.starts_with("pro_"), "{promotion}");
    assert_eq!(first.header("location"), format!("/operations/{operation}"));
    assert_eq!(answer["already"], json!(false));
    assert_eq!(answer["plan"]["estimated_downtime_minutes"], json!(1.0));
    assert_eq!(answer["plan"]["migration_steps"].as_array().unwrap().len(), 10);
    assert!((560.0..=600.0).contains(&estimated(&first)), "{answer}");
    let row = json!({
        "request": { "promotion": promotion, "ttl_minutes": 5, "executions": false }, "former": "active", "tenant": "migrating",
        "status": "running", "executions": false, "ttl": 300, "by": "operator-1",
    });
    assert_eq!(accepted(&database).await, [row]);

    let same = json!({ "ttl_minutes": 5, "include_executions": false });
    let joined = promote(&platform, "acme", &same).await;
    assert_eq!(joined.status, 202, "{}", joined.text());
    let named = |reply: &Reply| {
        let answer = reply.json();
        (answer["promotion_id"].clone(), answer["operation_id"].clone(), answer["already"].clone())
    };
    assert_eq!(named(&joined), (json!(promotion), json!(operation), json!(true)));
    assert_eq!(joined.header("location"), first.header("location"));
    for other in [json!({}), json!({ "ttl_minutes": 5 }), json!({ "include_executions": false })] {
        let other = told(&promote(&platform, "acme", &other).await);
        assert!(other.contains(&operation) && other.contains("something else"), "{other}");
    }
    // Where it lives changes before it is over, and may change back.
    set(&database, "update tenants set mode = 'dedicated'").await;
    assert_eq!(named(&promote(&platform, "acme", &same).await).1, json!(operation));
    let again = promote_under(&platform, "one", "acme", &body).await;
    assert_eq!((again.status.as_u16(), again.text()), (202, first.text()));

    set(&database, "update operations set status = 'succeeded', finished_at = now()").await;
    set(&database, "update promotions set status = 'succeeded', ended_at = now()").await;
    set(&database, "update tenants set status = 'active'").await;
    let again = promote_under(&platform, "one", "acme", &body).await;
    assert_eq!((again.status.as_u16(), again.text()), (202, first.text()));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let so = told(&promote(&platform, "acme", &same).await);
    assert_eq!(so, "The tenant has an n8n of its own already.");
    assert_eq!(accepted(&database).await.len(), 1);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_that_is_called_off_before_it_begins_has_failed_and_another_may_be_asked_for(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    lodger(&platform, &database, "acme").await;
    // No body at all asks for the usual.
    let bare = Call::with("POST", "/tenants/acme/promote").by_a("service").key("bare").signed();
    let first = platform.send(bare).await;
    assert_eq!(first.status, 202, "{}", first.text());
    let cancel = format!("/operations/{}/cancel", first.json()["operation_id"].as_str().unwrap());
    let cancelled = platform.send(Call::with("POST", &cancel).by_a("operator").signed()).await;
    assert!(cancelled.status.is_success(), "{}", cancelled.text());
    let second = promote(&platform, "acme", &json!({})).await;
    assert_eq!((second.status.as_u16(), &second.json()["already"]), (202, &json!(false)));
    let how: Vec<_> =
        accepted(&database).await.iter().map(|row| (row["status"].clone(), row["ttl"].clone())).collect();
    assert_eq!(how, [(json!("failed"), json!(600)), (json!("running"), json!(600))]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn until_its_window_the_tenant_is_what_it_is_and_anything_may_be_done_to_it(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    lodger(&platform, &database, "acme").await;
    let at = |hours| {
        let moment = common::clock::now() + time::Duration::hours(hours);
        moment.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap()
    };
    let window = format!("{}/{}", at(3), at(5));
    let body = json!({ "window": window });
    let asked = promote(&platform, "acme", &body).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    assert!((3.0 * 3600.0..3.3 * 3600.0).contains(&estimated(&asked)), "{}", asked.text());
    let row = accepted(&database).await.remove(0);
    assert_eq!(
        (&row["former"], &row["tenant"], &row["request"]["window"]),
        (&Value::Null, &json!("active"), &json!(window))
    );
    let waits = "select due_at = not_before and not_before = split_part($1, '/', 1)::timestamptz and deadline = not_before + interval '12 hours' from operations
                  where kind = 'tenant.promote'";
    let waits: bool = sqlx::query_scalar(waits).bind(&window).fetch_one(&database).await.unwrap();
    assert!(waits);
    let listed = platform.send(Call::get("/tenants/acme/promotions").by_a("operator")).await.json();
    assert_eq!(listed["data"][0]["window"], json!(window));

    let joined = promote(&platform, "acme", &body).await;
    assert_eq!((joined.status.as_u16(), &joined.json()["already"]), (202, &json!(true)));
    assert!((3.0 * 3600.0..3.3 * 3600.0).contains(&estimated(&joined)), "{}", joined.text());
    for other in [json!({}), json!({ "window": at(3) }), json!({ "window": format!("{}/{}", at(4), at(5)) })]
    {
        assert!(told(&promote(&platform, "acme", &other).await).contains("something else"));
    }
    for verb in ["backup", "suspend"] {
        let done =
            Call::post(&format!("/tenants/acme/{verb}"), &json!({})).by_a("operator").key(verb).signed();
        let done = platform.send(done).await;
        assert_eq!(done.status, 202, "{}", done.text());
    }
    let cancel = format!("/operations/{}/cancel", asked.json()["operation_id"].as_str().unwrap());
    let cancelled = platform.send(Call::with("POST", &cancel).by_a("operator").signed()).await;
    assert!(cancelled.status.is_success(), "{}", cancelled.text());
    let row = accepted(&database).await.remove(0);
    assert_eq!((&row["status"], &row["tenant"]), (&json!("failed"), &json!("active")), "{row}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn of_many_at_once_one_is_accepted_and_the_others_join_it(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    lodger(&platform, &database, "acme").await;
    let usual = json!({});
    let replies = join_all((0..8).map(|_| promote(&platform, "acme", &usual))).await;
    assert!(replies.iter().all(|reply| reply.status == 202));
    let named = |name: &str| {
        let names = replies.iter().map(|reply| reply.json()[name].to_string());
        names.collect::<std::collections::BTreeSet<_>>().len()
    };
    let new = replies.iter().filter(|reply| reply.json()["already"] == json!(false)).count();
    assert_eq!((new, named("promotion_id"), named("operation_id")), (1, 1, 1));
    assert_eq!(accepted(&database).await.len(), 1);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_wrong_with_it_is_told(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    lodger(&platform, &database, "acme").await;
    for (body, pointer, code) in [
        (json!({ "ttl_minutes": 0 }), "/ttl_minutes", "out_of_range"),
        (json!({ "ttl_minutes": 61 }), "/ttl_minutes", "out_of_range"),
        (json!({ "include_executions": "no" }), "/include_executions", "not_a_boolean"),
        (json!({ "reason": "" }), "/reason", "invalid_length"),
        (json!({ "executions": true }), "/executions", "unknown_field"),
        (json!({ "window": "tonight" }), "/window", "invalid_time"),
        (json!({ "window": "2026-08-01T01:00:00Z/2026-08-01T03:00:00Z" }), "/window", "out_of_range"),
    ] {
        let refused = promote(&platform, "acme", &body).await;
        refused.assert_problem(422, "invalid_fields");
        assert_eq!(refused.field_errors(), [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    for (change, words) in [
        (
            "update tenants set status = 'suspended'",
            "The tenant is suspended; this is done to one that is active",
        ),
        ("update tenants set status = 'failed'", "The tenant is failed"),
    ] {
        set(&database, change).await;
        let refused = told(&promote(&platform, "acme", &json!({})).await);
        assert!(refused.contains(words), "{refused}");
    }
    set(&database, "update tenants set status = 'active'").await;
    let without = Platform::configured(database.clone(), &[("S3_BUCKET", "")]).await;
    promote(&without, "acme", &json!({})).await.assert_problem(422, "backups_off");
    set(&database, "update tenants set mode = 'dedicated'").await;
    for platform in [&without, &platform] {
        let own = told(&promote(platform, "acme", &json!({})).await);
        assert_eq!(own, "The tenant has an n8n of its own already.");
    }
    assert_eq!(accepted(&database).await, [Value::Null; 0]);
    without.stop().await;
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_no_customers_is_not_moved(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = lodger(&platform, &database, "acme").await;
    put_sandbox(&database, id, "acme-restore-20260801").await;
    let sandbox = "select 'ten_' || replace(tenant_id::text, '-', '') from sandboxes";
    let sandbox: String = sqlx::query_scalar(sandbox).fetch_one(&database).await.unwrap();
    let shared = platform
        .send(Call::post("/shared-instances", &json!({ "name": "shared-1" })).by_a("admin").signed())
        .await
        .json();
    set(&database, "update tenants set status = 'active'").await;
    for own in [sandbox.as_str(), shared["id"].as_str().unwrap()] {
        let refused = told(&promote(&platform, own, &json!({})).await);
        assert!(refused.contains("no customer's tenant"), "{refused}");
    }
    assert_eq!(accepted(&database).await, [Value::Null; 0]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_cluster_without_room_for_it_is_told_with_the_figures(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    lodger(&platform, &database, "acme").await;
    set(
        &database,
        "insert into clusters (id, region, engine, subnets, cpu_millis, memory_mb, connections_usable, connections_committed, subnets_usable,
             subnets_committed, counted_at) values ('full', 'local', 'docker', '10.0.0.0/16', 8000, 8192, 1000, 1000, 10, 0, now())",
    )
    .await;
    set(&database, "update tenants set cluster_id = 'full'").await;
    let refused = promote(&platform, "acme", &json!({})).await;
    refused.assert_problem(409, "no_room");
    assert!(refused.text().contains("the tenant's cluster has 0 left"), "{}", refused.text());
    set(&database, "update clusters set connections_committed = 0").await;
    assert_eq!(promote(&platform, "acme", &json!({})).await.status, 202);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn how_long_it_takes_is_estimated_by_everybodys_of_late(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (acme, other) =
        (lodger(&platform, &database, "acme").await, lodger(&platform, &database, "other").await);
    put_promotion(&database, other, (100.0, 20.0)).await;
    put_promotion(&database, acme, (200.0, 40.0)).await;
    let reply = promote(&platform, "acme", &json!({})).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(reply.json()["plan"]["estimated_downtime_minutes"], json!(0.5));
    assert!((110.0..=150.0).contains(&estimated(&reply)), "{}", reply.text());
    // One that takes longer than others did is about to end, for all that anybody knows.
    set(&database, "update promotions set asked_at = now() - interval '1 hour' where status = 'running'")
        .await;
    let joined = promote(&platform, "acme", &json!({})).await;
    assert!((-30.0..=0.0).contains(&estimated(&joined)), "{}", joined.text());
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn owners_see_what_became_of_theirs_and_ask_for_none(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (acme, other) =
        (lodger(&platform, &database, "acme").await, lodger(&platform, &database, "other").await);
    put_promotion(&database, other, (100.0, 20.0)).await;
    let (former, backup) = put_promotion(&database, acme, (200.0, 40.0)).await;
    let asked = promote(&platform, "acme", &json!({})).await.json();

    let by = async |claims: &Claims| platform.send(Call::get("/tenants/acme/promotions").by(claims)).await;
    let owner = Claims::owner(&[&acme.to_string()]);
    let seen = by(&owner).await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    let seen = seen.json();
    let listed = seen["data"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{seen}");
    for (name, value) in [
        ("promotion_id", asked["promotion_id"].clone()),
        ("operation_id", asked["operation_id"].clone()),
        ("status", json!("running")),
        ("ended_at", Value::Null),
        ("freeze_seconds", Value::Null),
        ("retire_at", Value::Null),
        ("retired_at", Value::Null),
        ("include_executions", json!(true)),
        ("backup_id", Value::Null),
    ] {
        assert_eq!(listed[0][name], value, "{name}");
    }
    for (name, value) in [
        ("promotion_id", json!(former)),
        ("status", json!("succeeded")),
        ("freeze_seconds", json!(40.0)),
        ("retired_at", Value::Null),
        ("include_executions", json!(false)),
        ("backup_id", json!(backup)),
    ] {
        assert_eq!(listed[1][name], value, "{name}");
    }
    assert!(["asked_at", "ended_at", "retire_at"].iter().all(|at| listed[1][at].is_string()), "{seen}");
    assert_eq!(by(&Claims::of("operator")).await.json(), seen);
    by(&Claims::owner(&[&other.to_string()])).await.assert_problem(404, "not_found");

    let asks = Call::post("/tenants/acme/promote", &json!({})).by(&owner).signed();
    platform.send(asks).await.assert_problem(403, "forbidden");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn who_should_be_moved_is_told_with_the_reasons_and_nobody_else(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let acme = lodger(&platform, &database, "acme").await;
    lodger(&platform, &database, "quiet").await;
    lodger(&platform, &database, "late").await;
    lodger(&platform, &database, "alone").await;
    let scan = async |role: &str| {
        platform.send(Call::post("/promotions/scan", &json!({})).by_a(role).signed()).await
    };
    for change in [
        "update tenants set plan = 'enterprise' where subdomain = 'acme'",
        "update tenants set mode = 'dedicated', compliance = '{gdpr}' where subdomain = 'alone'",
        // The month before counts, and what is older, or ran by hand, does not.
        "insert into usage_rollups_monthly (tenant_id, month, kind, executions, succeeded, failed, canceled, discarded, run_ms)
         select t.id, (date_trunc('month', now()) - ago)::date, kind, executions, executions, 0, 0, 0, 0
           from tenants t, (values ('acme', interval '1 month', 'production', 8500), ('acme', interval '0', 'production', 10),
                                   ('quiet', interval '2 months', 'production', 90000), ('quiet', interval '0', 'manual', 90000))
                           ran (subdomain, ago, kind, executions)
          where t.subdomain = ran.subdomain",
        "insert into tenant_samples (tenant_id, cluster_id, at, queue_wait_p95_seconds, missing)
         select id, 'local', now() - case subdomain when 'late' then interval '2 minutes' else interval '0' end,
                case subdomain when 'quiet' then 5 else 6.2 end, '{}' from tenants where subdomain <> 'alone'",
    ] {
        set(&database, change).await;
    }
    let told = scan("service").await;
    assert_eq!(told.status, 200, "{}", told.text());
    let expected = json!({ "candidates": [{
        "tenant_id": acme, "name": "Acme Ltd", "subdomain": "acme", "plan": "enterprise", "priority": "high", "score": 85,
        "reasons": [
            "High execution volume: 8,500/month", "Enterprise plan requires dedicated infrastructure", "High queue latency: 6.2s p95",
        ],
    }] });
    assert_eq!(told.json(), expected);
    assert_eq!(scan("admin").await.json(), expected);
    platform.stop().await;
}

/// What was asked for by itself: who, and when it may begin.
async fn moved_by_itself(database: &PgPool) -> Vec<(String, String)> {
    let moved = "select t.subdomain, p.in_window from promotions p join tenants t on t.id = p.tenant_id join operations o on o.id = p.operation_id
                  where o.actor = 'service:gateway' and o.not_before > now() and o.status = 'queued' order by t.subdomain";
    sqlx::query_as(moved).fetch_all(database).await.unwrap()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_most_urgent_are_moved_in_their_next_night_where_that_is_wanted(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let mut ids = Vec::new();
    for name in ["acme", "tried", "fell", "less", "rests", "elsewhere"] {
        ids.push(lodger(&platform, &database, name).await);
    }
    let scan = async |promote_high| {
        let settings = gateway::JobSettings { promote_high, ..gateway::JobSettings::default() };
        fire_as(&database, "promotions.scan", settings).await;
        moved_by_itself(&database).await
    };
    put_promotion(&database, ids[1], (100.0, 20.0)).await;
    for change in [
        "insert into clusters (id, region, engine, subnets, cpu_millis, memory_mb, connections_usable, connections_committed, subnets_usable,
             subnets_committed, counted_at) values ('roomy', 'local', 'docker', '10.0.0.0/16', 8000, 8192, 1000, 0, 10, 0, now())",
        "update tenants set plan = 'enterprise', compliance = '{gdpr}', custom_domain = subdomain || '.example', cluster_id = 'roomy',
                            metadata = '{\"time_zone\": \"Europe/Berlin\"}'",
        "update tenants set compliance = '{}' where subdomain = 'less'",
        "update tenants set status = 'suspended' where subdomain = 'rests'",
        "update tenants set cluster_id = null where subdomain = 'elsewhere'",
        "insert into failovers (operation_id, tenant_id, asked_by, status, ended_at)
         select gen_random_uuid(), id, 'ada', 'failed', now() from tenants where subdomain = 'fell'",
    ] {
        set(&database, change).await;
    }
    assert_eq!(scan(false).await, [], "it is off unless somebody wants it");

    let moved = scan(true).await;
    assert_eq!(moved.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["acme"], "{moved:?}");
    assert!(moved[0].1.contains('/'), "{moved:?}");
    assert_eq!(scan(true).await, moved, "once");
    let told = platform.send(Call::post("/promotions/scan", &json!({})).by_a("admin").signed()).await.json();
    let told: Vec<_> = told["candidates"].as_array().unwrap().iter().map(|one| &one["subdomain"]).collect();
    assert!(
        told.contains(&&json!("rests")) && !told.contains(&&json!("acme")),
        "who waits for it is none: {told:?}"
    );
    platform.stop().await;
}
