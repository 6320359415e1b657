//! How a tenant is, and how old that is, as its owner sees it.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{Call, Claims, Platform, tenant};

/// An active tenant with a main that was seen well at this moment.
struct Seen {
    platform: Platform,
    owner: Claims,
    tenant: String,
}

impl Seen {
    async fn on(database: PgPool) -> Self {
        let platform = Platform::on(database).await;
        let created =
            platform.send(Call::post("/tenants", &tenant("acme")).by_a("admin").signed()).await.json();
        let tenant = created["tenant_id"].as_str().unwrap().to_owned();
        let seen = Self { owner: Claims::owner(&[&tenant]), platform, tenant };
        seen.execute(
            "insert into clusters (id, region, engine, subnets, observed_at)
             values ('local', 'local', 'docker', '10.0.0.0/16', now());
             update tenants set status = 'active', cluster_id = 'local';
             insert into tenant_instances (name, tenant_id, cluster_id, role, color, ordinal, generation, cpu_millis,
                 memory_mb, state, health, seen_at)
             select 'main', id, 'local', 'main', 'blue', 0, 1, 1000, 1024, 'running', 'healthy', now() - interval '1 day'
               from tenants",
        )
        .await;
        seen
    }

    async fn execute(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&self.platform.database).await.unwrap();
    }

    async fn shown(&self) -> Value {
        let target = format!("/tenants/{}", self.tenant);
        self.platform.send(Call::get(&target).by(&self.owner)).await.json()["data"].take()
    }

    async fn status(&self) -> Value {
        self.shown().await["health"]["status"].take()
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_shown_has_the_age_of_the_last_look_and_not_of_the_last_change(database: PgPool) {
    let seen = Seen::on(database).await;
    let record = "select to_json(observed_at) from clusters";
    let observed: Value = sqlx::query_scalar(record).fetch_one(&seen.platform.database).await.unwrap();
    let main = seen.shown().await["instances"][0].take();
    let second = |text: &Value| text.as_str().unwrap()[..19].to_owned();
    assert_eq!(second(&main["seen_at"]), second(&observed), "{main}");
    assert_eq!((&main["state"], seen.status().await), (&json!("running"), json!("healthy")));

    // Nobody looks any more: what was last seen is not told as if it still were so.
    seen.execute("update clusters set observed_at = now() - interval '61 seconds'").await;
    let main = seen.shown().await["instances"][0].take();
    assert_eq!((&main["state"], &main["health"]), (&json!("unknown"), &json!("unknown")));
    assert!(main["seen_at"].is_string());
    assert_eq!(seen.status().await, "unknown");
    seen.platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn restarts_and_why_are_part_of_an_instance(database: PgPool) {
    let seen = Seen::on(database).await;
    seen.execute(
        "update tenant_instances set restarts = 7, last_exit_code = 137, oom_killed = true, oom_kills = 3,
             last_restart_at = '2026-01-02T03:04:05Z'",
    )
    .await;
    let main = seen.shown().await["instances"][0].take();
    let why = json!([main["restarts"], main["last_exit_code"], main["oom_killed"], main["oom_kills"]]);
    assert_eq!(why, json!([7, 137, true, 3]));
    assert_eq!(main["last_restart_at"], "2026-01-02T03:04:05Z");
    seen.platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_that_healing_does_not_help_says_so_until_it_is_well(database: PgPool) {
    let seen = Seen::on(database).await;
    seen.execute("update tenant_instances set health = 'unhealthy'").await;
    assert_eq!(seen.status().await, "degraded");
    let trouble = "insert into tenant_troubles (tenant_id, reasons, heals, heal_after)
                   select id, '{main does not answer}', 1, now() from tenants";
    seen.execute(trouble).await;
    let health = seen.shown().await["health"].take();
    assert_eq!(
        (&health["status"], &health["healing_paused_until"]),
        (&json!("degraded"), &Value::Null),
        "it is being healed"
    );
    seen.execute("update tenant_troubles set heal_after = now() + interval '1 minute'").await;
    assert!(seen.shown().await["health"]["healing_paused_until"].is_string());
    seen.execute("update tenant_troubles set shown_at = now()").await;
    let health = seen.shown().await["health"].take();
    assert_eq!(
        (&health["status"], &health["reasons"]),
        (&json!("unhealthy"), &json!(["main does not answer"]))
    );
    assert!(health["since"].is_string());
    seen.execute("delete from tenant_troubles; update tenant_instances set health = 'healthy'").await;
    assert_eq!(
        seen.shown().await["health"],
        json!({ "status": "healthy", "since": null, "reasons": [], "healing_paused_until": null })
    );
    let told = "select kind from event_outbox where kind in ('tenant.unhealthy', 'tenant.recovered')
                union all select kind from events where kind in ('tenant.unhealthy', 'tenant.recovered')";
    let told: Vec<String> = sqlx::query_scalar(told).fetch_all(&seen.platform.database).await.unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    seen.execute("update tenants set status = 'suspended'").await;
    assert_eq!(seen.shown().await["health"], Value::Null);
    seen.platform.stop().await;
}
