//! What can be done to a tenant that is there.

use common::operations::OperationKind;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;
use wire::kinds;

use crate::support::{Call, Claims, Platform, Reply, eventually, tenant};

async fn acme(platform: &Platform, database: &PgPool, status: &str) -> String {
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let id = platform.send(create).await.json()["tenant_id"].as_str().unwrap().to_owned();
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(database)
        .await
        .unwrap();
    sqlx::query("update tenants set status = $1").bind(status).execute(database).await.unwrap();
    id
}

async fn ask(platform: &Platform, verb: &str, body: &Value) -> Reply {
    // Without a key the same request within the same second is an exact repeat, and refused.
    let key = Uuid::now_v7().to_string();
    platform
        .send(Call::post(&format!("/tenants/acme/{verb}"), body).by_a("operator").key(&key).signed())
        .await
}

async fn open(database: &PgPool, kind: &str) -> Vec<Value> {
    let open = "select request from operations where kind = $1 and status = 'queued' order by created_at";
    sqlx::query_scalar(open).bind(kind).fetch_all(database).await.unwrap()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_asked_twice_is_one_operation_and_what_is_so_already_is_none(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    for verb in ["restart", "suspend"] {
        let (first, second) =
            (ask(&platform, verb, &json!({})).await, ask(&platform, verb, &json!({})).await);
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 202), "{}", second.text());
        assert_eq!(first.json()["operation_id"], second.json()["operation_id"]);
        assert_eq!(first.header("location"), second.header("location"));
        assert_eq!((&first.json()["already"], &second.json()["already"]), (&json!(false), &json!(true)));
        assert_eq!(open(&database, &format!("tenant.{verb}")).await, [json!({})]);
    }
}

/// As many times as it says, the record refuses what could be done: something stood in its way, and is over when anybody looks for it.
async fn refuses(database: &PgPool, times: i64) {
    for change in [
        "alter function tenant_that_may(uuid, text, text[], boolean) rename to tenant_that_may_by_itself",
        "create sequence refused",
        "create table refusals (times bigint not null)",
        "create function tenant_that_may(tenant uuid, wanted text, begins_from text[], single boolean)
             returns table (id uuid, status text, cluster_id text) language plpgsql volatile rows 1 as $$
         begin
             if nextval('refused') > (select times from refusals) then
                 return query select * from tenant_that_may_by_itself(tenant, wanted, begins_from, single);
             end if;
         end $$",
    ] {
        sqlx::query(change).execute(database).await.unwrap();
    }
    sqlx::query("insert into refusals values ($1)").bind(times).execute(database).await.unwrap();
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_ends_while_it_is_looked_for_stands_in_nobodys_way(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    refuses(&database, 2).await;
    let restarted = ask(&platform, "restart", &json!({})).await;
    assert_eq!(restarted.status, 202, "{}", restarted.text());
    assert_eq!(restarted.json()["already"], json!(false));
    assert_eq!(open(&database, "tenant.restart").await, [json!({})]);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_always_in_the_way_is_told_to_be(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    refuses(&database, 1000).await;
    let refused = ask(&platform, "restart", &json!({})).await;
    refused.assert_problem(409, "conflict");
    assert!(refused.text().contains("Ask again."), "{}", refused.text());
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_so_already_is_no_operation(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    let resumed = ask(&platform, "resume", &json!({})).await;
    assert_eq!((resumed.status.as_u16(), &resumed.json()["already"]), (200, &json!(true)));
    assert_eq!(resumed.json()["operation_id"], Value::Null);
    assert_eq!(open(&database, "tenant.resume").await, [Value::Null; 0]);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn something_is_asked_of_a_tenant_as_it_will_be(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    let ask = async |verb| ask(&platform, verb, &json!({})).await;
    let suspended = ask("suspend").await;
    let restarted = ask("restart").await;
    restarted.assert_problem(409, "conflict");
    assert!(restarted.text().contains("will be suspended by operation op_"), "{}", restarted.text());
    let resumed = ask("resume").await;
    assert_eq!(
        (resumed.status.as_u16(), &resumed.json()["already"]),
        (202, &json!(false)),
        "it is about to rest"
    );
    assert_eq!(ask("resume").await.json()["operation_id"], resumed.json()["operation_id"]);
    // In the same second, without a key, it would be a signature that was seen before.
    let again = Call::post("/tenants/acme/suspend", &json!({})).key("again").by_a("operator").signed();
    let again = platform.send(again).await;
    assert_eq!(again.json()["already"], json!(false), "it would be awake in the end");
    assert_ne!(again.json()["operation_id"], suspended.json()["operation_id"]);
    let called_off = format!("/operations/{}/cancel", again.json()["operation_id"].as_str().unwrap());
    assert_eq!(
        platform.send(Call::post(&called_off, &json!({})).by_a("operator").signed()).await.status,
        202
    );
    assert_eq!(ask("restart").await.status, 202, "it will be awake");
    let remove = Call::delete("/tenants/acme").by_a("operator").signed();
    assert_eq!(platform.send(remove).await.status, 202);
    ask("resume").await.assert_problem(409, "conflict");
}

/// Both wait for the tenant, and neither leaves its status to the other.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_creation_that_fails_while_its_removal_is_called_off_leaves_a_tenant_that_failed(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    platform.send(create).await;
    let creation = "update operations set status = 'running' returning id";
    let creation: uuid::Uuid = sqlx::query_scalar(creation).fetch_one(&database).await.unwrap();
    let removal = platform.send(Call::delete("/tenants/acme").by_a("operator").signed()).await;
    let cancel = format!("/operations/{}/cancel", removal.json()["operation_id"].as_str().unwrap());
    let mut turn = common::database::begin(&database).await.unwrap();
    sqlx::query("select from tenants for update").execute(&mut *turn).await.unwrap();
    let settle = sqlx::query("select settle_tenant($1, 'failed', 'It was called off.')").bind(creation);
    let release = async {
        waiting(&database, 2).await;
        turn.commit().await.unwrap();
    };
    let called_off = platform.send(Call::post(&cancel, &json!({})).by_a("operator").signed());
    let (called_off, settled, ()) = tokio::join!(called_off, settle.execute(&database), release);
    assert_eq!(called_off.status, 202, "{}", called_off.text());
    settled.unwrap();
    let status: String = sqlx::query_scalar("select status from tenants").fetch_one(&database).await.unwrap();
    assert_eq!(status, "failed");
}

/// Until so many wait for somebody's lock.
async fn waiting(database: &PgPool, many: i64) {
    let locks = "select count(*) from pg_stat_activity
                  where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(locks).fetch_one(database).await.unwrap() < many {
        tokio::task::yield_now().await;
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_many_ask_for_at_once_is_done_once(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    for verb in ["restart", "suspend", "resume"] {
        let nothing = json!({});
        let all = (0..20).map(|_| ask(&platform, verb, &nothing));
        let all = futures::future::join_all(all).await;
        let new = all.iter().filter(|reply| reply.json()["already"] == json!(false)).count();
        assert_eq!((new, open(&database, &format!("tenant.{verb}")).await.len()), (1, 1), "{verb}");
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_repeated_scaling_gets_its_first_answer_also_when_it_is_so(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    let larger = json!({ "workers": 3 });
    let send =
        || platform.send(Call::post("/tenants/acme/scale", &larger).key("k").by_a("operator").signed());
    let first = send().await;
    assert_eq!(first.status, 202, "{}", first.text());
    sqlx::query("update tenant_limits set workers = 3").execute(&database).await.unwrap();
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(&database)
        .await
        .unwrap();
    assert_eq!(send().await.text(), first.text());
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_in_another_state_is_a_conflict_that_says_which(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "failed").await;
    for (verb, body) in [
        ("restart", json!({})),
        ("suspend", json!({})),
        ("resume", json!({})),
        ("scale", json!({ "cpu": 1.5 })),
        // Even if it had that once.
        ("scale", json!({ "cpu": 2 })),
    ] {
        let refused = ask(&platform, verb, &body).await;
        refused.assert_problem(409, "conflict");
        assert!(refused.text().contains("The tenant is failed"), "{}", refused.text());
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn only_those_whom_the_kind_names_may_ask(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    let id = acme(&platform, &database, "active").await;
    let owner = Claims::owner(&[&id]);
    for (verb, allowed) in [("restart", true), ("suspend", false), ("resume", false), ("scale", false)] {
        let kind: &OperationKind = kinds::of_word(&format!("tenant.{verb}")).unwrap();
        assert_eq!(kind.is_open_to(common::role::Role::Owner), allowed);
        let reply =
            platform.send(Call::post(&format!("/tenants/acme/{verb}"), &json!({})).by(&owner).signed()).await;
        assert_eq!(reply.status.as_u16(), if allowed { 202 } else { 403 }, "{verb}: {}", reply.text());
    }
}

/// A queue that sends a request again hours later must not undo what was asked for since, and nobody who saw one may have it done.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_answer_that_nothing_is_to_be_done_is_kept_as_any_other(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    let call = |verb: &str, body: &Value| Call::post(&format!("/tenants/acme/{verb}"), body).by_a("operator");
    let size = json!({ "workers": 2 });
    for (verb, body) in [("resume", &json!({})), ("scale", &size)] {
        let send = async |body: &Value| platform.send(call(verb, body).key(verb).signed()).await;
        let first = send(body).await;
        assert_eq!(first.status, 200, "{}", first.text());
        sqlx::query("update tenants set status = 'suspended'").execute(&database).await.unwrap();
        let again = send(body).await;
        assert_eq!((again.status.as_u16(), again.text()), (200, first.text()));
        assert_eq!(again.header("idempotency-replayed"), "true");
        send(&json!({ "reason": "another body" })).await.assert_problem(422, "idempotency_key_reused");
        sqlx::query("update tenants set status = 'active'").execute(&database).await.unwrap();
    }
    // Without a key it is the signature that is good once.
    let signed = call("resume", &json!({})).signed();
    assert_eq!(platform.send(signed.clone()).await.status, 200);
    sqlx::query("update tenants set status = 'suspended'").execute(&database).await.unwrap();
    platform.send(signed).await.assert_problem(401, "signature_repeated");
    assert_eq!(open(&database, "tenant.resume").await.len() + open(&database, "tenant.scale").await.len(), 0);
    // One that is being done: it is that operation which the answer names for good.
    let resume = call("resume", &json!({}));
    assert_eq!(platform.send(resume.clone().key("a").signed()).await.status, 202);
    let joined = platform.send(resume.clone().key("b").signed()).await;
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(&database)
        .await
        .unwrap();
    let again = platform.send(resume.key("b").signed()).await;
    assert_eq!((again.status.as_u16(), again.text()), (202, joined.text()));
    assert_eq!(open(&database, "tenant.resume").await, [Value::Null; 0]);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn that_nothing_is_to_be_done_is_in_the_audit_log_as_what_is_done_and_what_is_refused(
    database: PgPool,
) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    let why = |reason: &str| json!({ "reason": reason });
    ask(&platform, "resume", &why("is so")).await;
    let first = ask(&platform, "suspend", &why("first")).await.json();
    ask(&platform, "suspend", &why("joined")).await;
    ask(&platform, "restart", &why("refused")).await.assert_problem(409, "conflict");
    let noted = async || {
        let noted = "select outcome, reason, 'op_' || replace(operation_id::text, '-', '') from audit_logs
                      where action <> 'tenant.create' order by at";
        sqlx::query_as::<_, (String, Option<String>, Option<String>)>(noted)
            .fetch_all(&database)
            .await
            .unwrap()
    };
    eventually(async || noted().await.len() == 4).await;
    let operation = first["operation_id"].as_str().map(str::to_owned);
    let entry =
        |outcome: &str, reason: &str, operation| (outcome.to_owned(), Some(reason.to_owned()), operation);
    let noted = noted().await;
    let first = [
        entry("already", "is so", None),
        entry("accepted", "first", operation.clone()),
        entry("already", "joined", operation),
    ];
    assert_eq!(noted[..3], first);
    assert_eq!(noted[3].0, "refused: conflict");
}

/// Owners' own connections do not even have what decides about it.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_owner_is_told_why_nothing_is_done_as_everybody_is(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    let id = acme(&platform, &database, "active").await;
    let owner = Claims::owner(&[&id]);
    let send =
        async |call: Call| platform.send(call.by(&owner).key(&Uuid::now_v7().to_string()).signed()).await;
    let restart = async || send(Call::post("/tenants/acme/restart", &json!({}))).await;
    let remove = async || send(Call::with("DELETE", &format!("/tenants/{id}"))).await;
    let (first, second) = (restart().await, restart().await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 202), "{}", second.text());
    assert_eq!(first.json()["operation_id"], second.json()["operation_id"]);
    assert_eq!(ask(&platform, "suspend", &json!({})).await.status, 202);
    sqlx::query(
        "update operations set status = 'succeeded', finished_at = now() where kind = 'tenant.restart'",
    )
    .execute(&database)
    .await
    .unwrap();
    assert!(
        restart().await.assert_problem(409, "conflict")["detail"].as_str().unwrap().contains("suspended")
    );
    assert_eq!(remove().await.status, 202);
    remove().await.assert_problem(409, "removal_under_way");
    let done = "with t as (update tenants set status = 'deleted')
                update operations set status = 'succeeded', finished_at = now()";
    sqlx::query(done).execute(&database).await.unwrap();
    remove().await.assert_problem(410, "tenant_deleted");
    assert!([404, 409, 410].contains(&restart().await.status.as_u16()));
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_size_is_read_whole_and_what_is_allowed_is_told(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    acme(&platform, &database, "active").await;
    let accepted = ask(&platform, "scale", &json!({ "cpu": 1.5, "workers": 3, "reason": "Mondays." })).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let request = json!({ "cpu_millis": 1500, "memory_mb": null, "workers": 3 });
    assert_eq!(open(&database, "tenant.scale").await, [request]);
    let now = json!({ "cpu": 2, "memory_mb": 2048, "workers": 2 });
    assert_eq!(ask(&platform, "scale", &now).await.status, 202, "it is about to be larger");
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(&database)
        .await
        .unwrap();
    assert_eq!(ask(&platform, "scale", &now).await.status, 200, "it is so already");
    let wrong =
        ask(&platform, "scale", &json!({ "cpu": 4.001, "memory_mb": 1.5, "workers": 5, "gpu": 1 })).await;
    wrong.assert_problem(422, "invalid_fields");
    assert_eq!(wrong.json()["errors"].as_array().unwrap().len(), 4, "{}", wrong.text());
    assert!(wrong.text().contains("from 0.25 to 4"), "{}", wrong.text());
    for nothing in [json!({}), json!({ "reason": "Mondays." }), json!({ "cpu": null })] {
        let refused = ask(&platform, "scale", &nothing).await;
        refused.assert_problem(422, "invalid_fields");
        assert_eq!(refused.field_errors(), [(String::new(), "nothing_asked_for".to_owned())]);
    }
    assert_eq!(ask(&platform, "suspend", &json!({})).await.status, 202);
    assert_eq!(
        ask(&platform, "scale", &now).await.status,
        409,
        "one that will rest has no size to be asked for"
    );
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_happened_to_a_tenant_is_told_by_pages_and_owners_are_not_shown_who_asked(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let id = acme(&platform, &database, "active").await;
    ask(&platform, "restart", &json!({ "reason": "It is slow." })).await;
    let all = async |claims: &Claims, limit: u32| {
        let (mut kinds, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/tenants/acme/events?hours=1&limit={limit}{cursor}");
            let page = platform.send(Call::get(&path).by(claims)).await;
            assert_eq!(page.status, 200, "{}", page.text());
            let page = page.json();
            kinds.extend(page["data"].as_array().unwrap().iter().map(|event| event["kind"].to_string()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return kinds,
            }
        }
    };
    let admin = Claims::of("admin");
    // The gateway moves events out of their outbox by itself.
    let moved = async {
        let accepted =
            |kinds: &[String]| kinds.iter().filter(|kind| kind.contains("operation.accepted")).count();
        while accepted(&all(&admin, 200).await) < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), moved).await.expect("events are told");
    let told = all(&admin, 200).await;
    assert!(told.contains(&"\"audit.tenant.restart\"".to_owned()), "{told:?}");
    assert_eq!(all(&admin, 1).await, told, "pages lose nothing and repeat nothing");
    let owned = all(&Claims::owner(&[&id]), 200).await;
    assert!(!owned.is_empty() && owned.iter().all(|kind| !kind.contains("audit")), "{owned:?}");
}
