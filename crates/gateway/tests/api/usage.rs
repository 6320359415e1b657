//! How a tenant does and how much it ran, as its owner, others and those who run the platform see it.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{Call, Claims, Platform, tenant};

/// Two active tenants.
struct Seen {
    platform: Platform,
    owner: Claims,
    tenant: String,
    other: String,
}

impl Seen {
    async fn on(database: PgPool) -> Self {
        let platform = Platform::on(database).await;
        let mut ids = Vec::new();
        for name in ["acme", "globex"] {
            let created =
                platform.send(Call::post("/tenants", &tenant(name)).by_a("admin").signed()).await.json();
            ids.push(created["tenant_id"].as_str().unwrap().to_owned());
        }
        let [tenant, other] = [0, 1].map(|n| ids[n].clone());
        let seen = Self { owner: Claims::owner(&[&tenant]), platform, tenant, other };
        seen.execute("update tenants set status = 'active'").await;
        seen
    }

    async fn execute(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&self.platform.database).await.unwrap();
    }

    async fn count(&self, name: &str, hour: &str, kind: &str, executions: i64) {
        let count = format!(
            "with counted as (select id, '{hour}'::timestamptz as hour from tenants where subdomain = '{name}')
             select count_usage(id, '00000000-0000-0000-0000-000000000001', now(), array[id], array[hour], array['{kind}'],
                 array[{executions}::bigint], array[{executions}::bigint], array[0::bigint], array[0::bigint], array[0::bigint], array[1500::bigint])
               from counted"
        );
        self.execute(&count).await;
    }

    async fn get(&self, target: &str) -> (u16, Value) {
        let answer = self.platform.send(Call::get(target).by(&self.owner)).await;
        (answer.status.as_u16(), answer.json())
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_s_figures_are_the_contract_s_and_what_is_not_seen_is_null(database: PgPool) {
    let seen = Seen::on(database).await;
    let target = format!("/metrics/tenant/{}", seen.tenant);
    let (status, never) = seen.get(&target).await;
    assert_eq!(
        (status, &never["data"]["cpu_percent"], &never["meta"]["sampled_at"]),
        (200, &Value::Null, &Value::Null)
    );

    seen.execute(
        "insert into tenant_samples (tenant_id, cluster_id, at, queue_wait_p95_seconds, executions_min, success_rate_percent, queue_depth, missing)
         select id, 'local', now(), 6.2, 12, 75, 3, '{\"containers\": \"2026-11-28T00:00:00Z\"}' from tenants",
    )
    .await;
    let (_, now) = seen.get("/metrics/tenant/acme").await;
    assert_eq!(
        now["data"],
        json!({
            "queue_wait_p95": 6.2, "queue_wait_p95_seconds": 6.2, "cpu_percent": null, "memory_bytes": null, "memory_percent": null,
            "executions_min": 12.0, "success_rate_percent": 75.0, "error_rate": 0.25, "workers": null, "queue_depth": 3,
        })
    );
    assert_eq!(now["meta"]["missing"], json!({ "containers": "2026-11-28T00:00:00Z" }));

    // Nobody looks any more.
    seen.execute("update tenant_samples set at = now() - interval '2 minutes'").await;
    let (_, old) = seen.get(&target).await;
    assert_eq!(old["data"]["executions_min"], Value::Null);
    assert!(
        old["meta"]["missing"]["everything"].is_string() && old["meta"]["sampled_at"].is_string(),
        "{old}"
    );
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nobody_sees_another_s_figures_and_the_list_is_for_those_who_run_it(database: PgPool) {
    let seen = Seen::on(database).await;
    seen.execute(
        "insert into tenant_samples (tenant_id, cluster_id, at, cpu_percent)
         select id, 'local', now(), case subdomain when 'acme' then 90 else 10 end from tenants",
    )
    .await;
    seen.count("globex", "2026-11-02 10:00Z", "production", 5).await;
    for target in
        [format!("/metrics/tenant/{}", seen.other), format!("/tenants/{}/usage?period=2026-11", seen.other)]
    {
        assert_eq!(seen.get(&target).await.0, 404, "{target}");
    }
    assert_eq!(seen.get("/metrics/tenants").await.0, 403);
    let top = seen.platform.send(Call::get("/metrics/tenants?by=cpu&limit=1").by_a("operator")).await.json();
    assert_eq!((top["data"].as_array().unwrap().len(), &top["data"][0]["subdomain"]), (1, &json!("acme")));
    let wrong = seen.platform.send(Call::get("/metrics/tenants?by=luck&limit=0").by_a("operator")).await;
    assert_eq!((wrong.status.as_u16(), wrong.json()["errors"].as_array().unwrap().len()), (422, 2));
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn usage_is_told_by_kind_and_by_the_calendar_that_was_asked_for(database: PgPool) {
    let seen = Seen::on(database).await;
    for (hour, kind, executions) in [
        ("2026-10-24 22:00Z", "production", 1),
        ("2026-10-25 22:00Z", "production", 2),
        ("2026-10-25 22:00Z", "manual", 4),
        ("2026-10-25 23:00Z", "production", 8),
        ("2026-11-01 00:00Z", "production", 16),
    ] {
        seen.count("acme", hour, kind, executions).await;
    }
    let usage = format!("/tenants/{}/usage", seen.tenant);
    let (_, october) = seen.get(&format!("{usage}?period=2026-10")).await;
    let october = &october["data"];
    assert_eq!(
        (&october["billable_executions"], &october["total"]["manual"]["executions"]),
        (&json!(11), &json!(4))
    );
    assert_eq!(
        (&october["from"], &october["executions_per_month"]),
        (&json!("2026-10-01T00:00:00Z"), &json!(10_000))
    );
    assert_eq!(october["total"]["production"]["run_seconds"], 4.5);
    let day = |answer: &Value| -> Vec<i64> {
        let intervals = answer["data"]["intervals"].as_array().unwrap();
        intervals.iter().map(|part| part["production"]["executions"].as_i64().unwrap()).collect()
    };
    let (_, berlin) = seen.get(&format!("{usage}?period=2026-10&time_zone=Europe/Berlin")).await;
    assert_eq!(day(&berlin), [3, 8], "the 25th ends at 23:00 UTC there");
    let (_, long_day) =
        seen.get(&format!("{usage}?period=2026-10-25&resolution=hour&time_zone=Europe/Berlin")).await;
    assert_eq!(day(&long_day), [1, 2]);
    let (_, year) = seen.get(&format!("{usage}?period=2026&resolution=month")).await;
    assert_eq!(day(&year), [11, 16]);
    for wrong in
        ["period=2026-13", "resolution=minute", "time_zone=Mars", "period=2026&resolution=hour", "month=1"]
    {
        assert_eq!(seen.get(&format!("{usage}?{wrong}")).await.0, 422, "{wrong}");
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn calls_and_storage_are_told_by_the_same_calendar_and_to_their_owner_alone(database: PgPool) {
    let seen = Seen::on(database).await;
    seen.execute(
        "insert into usage_measures_hourly (tenant_id, hour, api_calls, storage_bytes)
         select t.id, m.hour::timestamptz, m.calls, m.bytes from tenants t,
             (values ('2026-11-01 22:00Z', 3, 100), ('2026-11-01 23:00Z', 4, 300), ('2026-11-02 10:00Z', 5, null)) as m (hour, calls, bytes)",
    )
    .await;
    seen.count("acme", "2026-11-01 22:00Z", "production", 1).await;
    let (_, usage) =
        seen.get(&format!("/tenants/{}/usage?period=2026-11&time_zone=Europe/Berlin", seen.tenant)).await;
    let told =
        |of: &Value| json!([of["api_calls"], of["storage_bytes_average"], of["storage_bytes_highest"]]);
    let data = &usage["data"];
    assert_eq!(told(data), json!([12, 200, 300]));
    let days: Vec<_> = data["intervals"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(days, [json!([3, 100, 100]), json!([9, 300, 300])]);
    assert_eq!(data["intervals"][0]["production"]["executions"], 1);
    assert_eq!(seen.get(&format!("/tenants/{}/usage", seen.other)).await.0, 404);
    let (_, before) = seen.get(&format!("/tenants/{}/usage?period=2026-10", seen.tenant)).await;
    assert_eq!(told(&before["data"]), json!([0, null, null]));
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_is_shown_with_what_it_has_used_this_month(database: PgPool) {
    let seen = Seen::on(database).await;
    let target = format!("/tenants/{}", seen.tenant);
    let (_, unused) = seen.get(&target).await;
    assert_eq!(unused["data"]["usage"]["billable_executions"], 0);
    let hour: String = sqlx::query_scalar("select date_trunc('hour', now(), 'UTC')::text")
        .fetch_one(&seen.platform.database)
        .await
        .unwrap();
    seen.count("acme", &hour, "production", 7).await;
    seen.count("acme", &hour, "sub_workflow", 3).await;
    let (_, used) = seen.get(&target).await;
    let usage = &used["data"]["usage"];
    assert_eq!((&usage["billable_executions"], &usage["executions"]["sub_workflow"]), (&json!(7), &json!(3)));
    assert_eq!(usage["storage_bytes"], Value::Null);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn of_long_ago_whole_months_are_told_and_nothing_finer_is_made_up(database: PgPool) {
    let seen = Seen::on(database).await;
    // The hours of July were forgotten; so was a part of what their month says.
    seen.execute("update tenants set created_at = '2020-01-01'").await;
    seen.count("acme", "2021-07-02 10:00Z", "production", 5).await;
    seen.execute(
        "delete from usage_rollups_hourly;
         insert into usage_measures_monthly (tenant_id, month, api_calls, storage_byte_hours, storage_hours)
         select id, '2021-07-01', 7, 600, 3 from tenants where subdomain = 'acme'",
    )
    .await;
    let usage = format!("/tenants/{}/usage", seen.tenant);
    for period in ["2021", "2021-07"] {
        let (status, told) = seen.get(&format!("{usage}?period={period}&resolution=month")).await;
        let told = &told["data"];
        assert_eq!((status, &told["billable_executions"], &told["api_calls"]), (200, &json!(5), &json!(7)));
        assert_eq!(
            (&told["storage_bytes_average"], &told["storage_bytes_highest"]),
            (&json!(200), &Value::Null)
        );
        assert_eq!(told["intervals"][0]["from"], "2021-07-01T00:00:00Z");
    }
    for finer in
        ["period=2021", "period=2021-07&resolution=month&time_zone=Europe/Berlin", "period=2021-07-02"]
    {
        let (status, refused) = seen.get(&format!("{usage}?{finer}")).await;
        assert_eq!((status, &refused["errors"][0]["code"]), (422, &json!("not_kept")), "{finer}");
    }
    // Who was not there yet used nothing.
    seen.execute("update tenants set created_at = now()").await;
    let (status, nothing) = seen.get(&format!("{usage}?period=2020")).await;
    assert_eq!((status, &nothing["data"]["billable_executions"]), (200, &json!(0)));
}
