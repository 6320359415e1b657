//! What the record itself keeps from owners, whatever the gateway asks it (ADR 13). By taking away what lets them see anything: an
//! owner's read that sees something still went past it.

use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{Call, Claims, Platform, Reply, eventually, tenant};

/// An owner's tenant with an instance, and its creation, begun and cancelled.
struct Owned {
    owner: Claims,
    tenant: String,
    operation: String,
}

impl Owned {
    async fn on(platform: &Platform) -> Self {
        let created =
            platform.send(Call::post("/tenants", &tenant("acme")).by_a("admin").signed()).await.json();
        let text = |name: &str| created[name].as_str().unwrap().to_owned();
        let (tenant, operation) = (text("tenant_id"), text("operation_id"));
        let rows = "insert into clusters (id, region, engine, subnets) values ('local', 'local', 'docker', '10.0.0.0/16');
            insert into tenant_instances
                (name, tenant_id, cluster_id, role, color, ordinal, generation, cpu_millis, memory_mb)
            select 'main', id, 'local', 'main', 'blue', 0, 1, 1000, 1024 from tenants;
            insert into operation_steps (operation_id, ordinal, step, event, fence)
            select id, 0, 'reserve', 'started', 1 from operations;
            insert into backups (id, tenant_id, operation_id, type, includes_database, includes_workflows, includes_credentials, includes_files,
                                 includes_executions, retention_days, manifest)
            select o.tenant_id, o.tenant_id, o.id, 'manual', true, true, true, true, true, 30, '{\"objects\": [{}]}' from operations o";
        sqlx::raw_sql(rows).execute(&platform.database).await.unwrap();
        let cancel = Call::post(&format!("/operations/{operation}/cancel"), &json!({ "reason": "because" }));
        assert_eq!(platform.send(cancel.by_a("admin").signed()).await.status, 202);
        // Told to the end, so that a stream of its events has one.
        eventually(async || {
            let waiting = "select not exists (select from event_outbox)";
            sqlx::query_scalar(waiting).fetch_one(&platform.database).await.unwrap()
        })
        .await;
        Self { owner: Claims::owner(&[&tenant]), tenant, operation }
    }

    async fn reads(&self, platform: &Platform, target: &str) -> Reply {
        platform.send(Call::get(target).by(&self.owner)).await
    }

    /// How much they see at each route that shows something of a tenant.
    async fn sees(&self, platform: &Platform) -> Vec<(String, u16, usize)> {
        let Self { tenant, operation, .. } = self;
        let mut seen = Vec::new();
        for (target, pointer) in [
            ("/tenants".to_owned(), "/data"),
            (format!("/tenants/{tenant}"), "/data/instances"),
            ("/tenants/acme".to_owned(), "/data/instances"),
            ("/operations".to_owned(), "/data"),
            (format!("/operations/{operation}"), "/data/steps"),
            (format!("/tenants/{tenant}/backups"), "/data"),
            (format!("/backups/{}", tenant.replace("ten_", "bak_")), "/data/manifest/objects"),
        ] {
            let reply = self.reads(platform, &target).await;
            let items = reply.json().pointer(pointer).and_then(|data| data.as_array().map(Vec::len));
            seen.push((target, reply.status.as_u16(), items.unwrap_or_default()));
        }
        let events = self.reads(platform, &format!("/operations/{operation}/events")).await;
        seen.push((
            "events".to_owned(),
            events.status.as_u16(),
            events.text().matches("data:").count().min(1),
        ));
        seen
    }
}

async fn blind_owners(database: &PgPool, tables: &[&str]) {
    for table in tables {
        let dropped = AssertSqlSafe(format!("drop policy owners on {table}"));
        sqlx::query(dropped).execute(database).await.unwrap();
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn no_read_of_an_owner_sees_more_than_the_record_shows_them(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let owned = Owned::on(&platform).await;
    let seen = owned.sees(&platform).await;
    assert!(seen.iter().all(|(_, status, items)| (*status, *items) == (200, 1)), "{seen:?}");

    // What belongs to something that can still be seen is missing from it.
    blind_owners(&database, &["tenant_instances", "operation_steps", "events", "backups"]).await;
    let seen: Vec<_> =
        owned.sees(&platform).await.into_iter().map(|(_, status, items)| (status, items)).collect();
    let gone = [(200, 1), (200, 0), (200, 0), (200, 1), (200, 0), (200, 0), (404, 0), (204, 0)];
    assert_eq!(seen, gone);

    blind_owners(&database, &["tenants", "operations"]).await;
    let seen: Vec<_> =
        owned.sees(&platform).await.into_iter().map(|(_, status, items)| (status, items)).collect();
    let gone = [(200, 0), (404, 0), (404, 0), (200, 0), (404, 0), (404, 0), (404, 0), (404, 0)];
    assert_eq!(seen, gone);
    let remove = Call::delete(&format!("/tenants/{}", owned.tenant)).by(&owned.owner).signed();
    platform.send(remove).await.assert_problem(404, "not_found");

    let staff = Owned { owner: Claims::of("operator"), ..owned };
    let seen = staff.sees(&platform).await;
    assert!(seen.iter().all(|(_, status, items)| (*status, *items) == (200, 1)), "{seen:?}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_owner_whom_the_record_refuses_is_not_told_why_and_staff_is_not_concerned(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let owned = Owned::on(&platform).await;
    sqlx::raw_sql("revoke select on tenants from authenticated").execute(&database).await.unwrap();
    let refused = owned.reads(&platform, "/tenants").await;
    refused.assert_problem(500, "internal");
    assert!(
        !refused.text().contains("permission") && !refused.text().contains("authenticated"),
        "{}",
        refused.text()
    );
    assert_eq!(platform.send(Call::get("/tenants").by_a("admin")).await.status, 200);
    platform.stop().await;
}
