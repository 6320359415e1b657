//! What is counted for whom.

use common::{database::MIGRATOR, id::TenantId, service::Round as _, tenant::ExecutionKind};
use metrics_collector::{
    exposition::Shown,
    history::History,
    store,
    usage::{Usage, read},
};
use n8n::{
    databases::Name,
    executions::{HourCount, Metered},
};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use crate::support::Fakes;

const HOUR: OffsetDateTime = datetime!(2026-10-31 23:00 UTC);

fn hour(project: Option<&str>, hour: OffsetDateTime, executions: u64) -> HourCount {
    HourCount {
        project: project.map(str::to_owned),
        hour,
        kind: ExecutionKind::Production,
        executions,
        succeeded: executions,
        failed: 0,
        canceled: 0,
        discarded: 0,
        run: std::time::Duration::from_secs(executions),
    }
}

fn metered(source: u128, hours: Vec<HourCount>) -> Metered {
    Metered { source: Uuid::from_u128(source), until: HOUR, hours }
}

/// Executions by month, as the months say, and as the hours add up to.
async fn months(pool: &PgPool, tenant: TenantId) -> Vec<(String, i64)> {
    let months = "select month::text, executions from usage_rollups_monthly where tenant_id = $1 order by 1";
    let months: Vec<(String, i64)> = sqlx::query_as(months).bind(tenant).fetch_all(pool).await.unwrap();
    let hours = "select date_trunc('month', hour, 'UTC')::date::text, sum(executions)::bigint from usage_rollups_hourly
                  where tenant_id = $1 group by 1 order by 1";
    let hours: Vec<(String, i64)> = sqlx::query_as(hours).bind(tenant).fetch_all(pool).await.unwrap();
    assert_eq!(months, hours);
    months
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_same_hour_read_again_is_the_same_and_a_later_answer_puts_it_right(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, world) = (fakes.dedicated().await, fakes.world());
    let next = HOUR + Duration::hours(1);
    fakes.executions.set_hours(
        Name::of(own),
        metered(1, vec![hour(Some("a"), HOUR, 3), hour(Some("b"), HOUR, 2), hour(None, next, 4)]),
    );
    for _ in 0..2 {
        read(&world, own).await.unwrap();
        assert_eq!(months(&pool, own).await, [("2026-10-01".into(), 5), ("2026-11-01".into(), 4)]);
    }
    fakes.executions.set_hours(Name::of(own), metered(1, vec![hour(None, HOUR, 7)]));
    read(&world, own).await.unwrap();
    // An answer that was overtaken.
    fakes.executions.set_hours(Name::of(own), metered(1, vec![hour(None, HOUR, 6)]));
    read(&world, own).await.unwrap();
    assert_eq!(months(&pool, own).await, [("2026-10-01".into(), 7), ("2026-11-01".into(), 4)]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn another_copy_of_the_database_adds_to_what_the_first_counted(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, world) = (fakes.dedicated().await, fakes.world());
    for source in [1, 2, 2] {
        fakes.executions.set_hours(Name::of(own), metered(source, vec![hour(None, HOUR, 10)]));
        read(&world, own).await.unwrap();
    }
    assert_eq!(months(&pool, own).await, [("2026-10-01".into(), 20)]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn of_a_shared_n8n_each_gets_its_own_also_who_has_left_and_the_platform_nothing(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (shared, world) = (fakes.shared().await, fakes.world());
    let (stays, left) =
        (fakes.member(shared, "projectNumber001").await, fakes.member(shared, "projectNumber002").await);
    sqlx::query("update tenants set status = 'deleted', cluster_id = null where id = $1")
        .bind(left)
        .execute(&pool)
        .await
        .unwrap();
    let hours = vec![
        hour(Some("projectNumber001"), HOUR, 1),
        hour(Some("projectNumber002"), HOUR, 2),
        hour(Some("owner"), HOUR, 4),
        hour(None, HOUR, 8),
    ];
    fakes.executions.set_hours(Name::of(shared), metered(1, hours));
    read(&world, shared).await.unwrap();
    assert_eq!(months(&pool, stays).await, [("2026-10-01".into(), 1)]);
    assert_eq!(months(&pool, left).await, [("2026-10-01".into(), 2)]);
    assert!(months(&pool, shared).await.is_empty());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn ten_who_read_at_once_count_once_and_months_are_the_sums_of_their_hours(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, world) = (fakes.dedicated().await, fakes.world());
    let hours = (0..48).map(|n| hour(None, HOUR + Duration::hours(n), 1)).collect();
    fakes.executions.set_hours(Name::of(own), metered(1, hours));
    let reads = futures::future::join_all((0..10).map(|_| read(&world, own))).await;
    assert!(reads.iter().all(Result::is_ok), "{reads:?}");
    assert_eq!(months(&pool, own).await, [("2026-10-01".into(), 1), ("2026-11-01".into(), 47)]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn hours_add_up_to_days_in_any_zone_over_both_changes_of_the_clock(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, world) = (fakes.dedicated().await, fakes.world());
    // A year and its edges, one an hour.
    let first = datetime!(2025-12-31 00:00 UTC);
    let hours = (0..24 * 368).map(|n| hour(None, first + Duration::hours(n), 1)).collect();
    fakes.executions.set_hours(Name::of(own), metered(1, hours));
    read(&world, own).await.unwrap();
    let days = "select min(n), max(n), count(*) filter (where n <> 24), sum(n)::bigint from (
        select sum(executions)::bigint as n from usage_rollups_hourly
         where tenant_id = $1 and (hour at time zone $2)::date between '2026-01-01' and '2026-12-31'
         group by (hour at time zone $2)::date) days";
    for (zone, expected) in [
        ("Europe/Berlin", (23, 25, 2, 8760)),
        ("America/New_York", (23, 25, 2, 8760)),
        ("Australia/Sydney", (23, 25, 2, 8760)),
        ("UTC", (24, 24, 0, 8760)),
    ] {
        let days: (i64, i64, i64, i64) =
            sqlx::query_as(days).bind(own).bind(zone).fetch_one(&pool).await.unwrap();
        assert_eq!(days, expected, "{zone}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_a_month_costs_is_told_by_the_price_of_the_plan_and_not_at_all_without_one(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, world) = (fakes.dedicated().await, fakes.world());
    fakes.executions.set_hours(Name::of(own), metered(1, vec![hour(None, HOUR, 3600)]));
    read(&world, own).await.unwrap();
    let cost = async || {
        let cost = "select cost_usd::float8 from tenant_costs_monthly where tenant_id = $1";
        sqlx::query_scalar::<_, Option<f64>>(cost).bind(own).fetch_one(&pool).await.unwrap()
    };
    assert_eq!(cost().await, None);
    let prices = "insert into metering_prices values
        ('executions', null, '2026-01-01', 10), ('executions', 'starter', '2026-01-01', 5), ('executions', 'starter', '2026-12-01', 50),
        ('run_time', null, '2026-01-01', 0.5)";
    // What was not used costs nothing, though nobody says what it would.
    let month = "update usage_rollups_monthly set run_ms = $1";
    sqlx::query(prices).execute(&pool).await.unwrap();
    sqlx::query("delete from metering_prices where measure = 'run_time'").execute(&pool).await.unwrap();
    sqlx::query(month).bind(0).execute(&pool).await.unwrap();
    assert_eq!(cost().await, Some(3.6 * 5.0));
    sqlx::query(month).bind(3_600_000).execute(&pool).await.unwrap();
    assert_eq!(cost().await, None);
    sqlx::query("insert into metering_prices values ('run_time', null, '2026-01-01', 0.5)")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(cost().await, Some(3.6 * 5.0 + 0.5));
    // Months that are over keep the plan that they had.
    sqlx::query("update tenants set plan = 'pro' where id = $1").bind(own).execute(&pool).await.unwrap();
    read(&world, own).await.unwrap();
    assert_eq!(cost().await, Some(3.6 * 5.0 + 0.5));
    let overview: i64 =
        sqlx::query_scalar("select count(*) from operations_overview").fetch_one(&pool).await.unwrap();
    assert_eq!(overview, 0, "without limits there is no tenant");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_month_does_not_shrink_when_its_first_hours_are_forgotten(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, world) = (fakes.dedicated().await, fakes.world());
    let late = HOUR - Duration::days(3);
    fakes.executions.set_hours(Name::of(own), metered(1, vec![hour(None, late, 5), hour(None, HOUR, 3)]));
    read(&world, own).await.unwrap();
    store::usage::forget(&pool, HOUR).await.unwrap();
    fakes.executions.set_hours(Name::of(own), metered(1, vec![hour(None, HOUR, 4)]));
    read(&world, own).await.unwrap();
    let month = "select executions from usage_rollups_monthly where tenant_id = $1";
    let month: i64 = sqlx::query_scalar(month).bind(own).fetch_one(&pool).await.unwrap();
    assert_eq!(month, 8);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn those_who_share_an_n8n_are_held_to_their_own_history(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (_, shared) = (fakes.dedicated().await, fakes.shared().await);
    sqlx::query("update tenants set status = 'active'").execute(&pool).await.unwrap();
    History::new(fakes.world()).run().await.unwrap();
    let pruned = fakes.executions.ledger().into_iter().filter(|call| call.verb == "prune_each");
    assert_eq!(pruned.map(|call| call.target).collect::<Vec<_>>(), [Name::of(shared).to_string()]);
    // One that is away keeps nobody from the others.
    fakes.executions.set_unreachable(true);
    History::new(fakes.world()).run().await.unwrap();
}

/// A database that cannot be read loses nothing for 40 days, and is told within the hour.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whose_count_is_overdue_is_shown_until_it_is_read(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, going) = (fakes.dedicated().await, fakes.dedicated().await);
    let long_ago = "update tenants set created_at = now() - interval '31 minutes'";
    sqlx::query(long_ago).execute(&pool).await.unwrap();
    sqlx::query("update tenants set status = 'deleting' where id = $1")
        .bind(going)
        .execute(&pool)
        .await
        .unwrap();
    let shown = Shown::default();
    let mut usage = Usage::new(fakes.world(), shown.clone());
    usage.run().await.unwrap();
    let told = shown.render();
    assert!(
        told.contains(&format!("rp9_collector_usage_read_timestamp_seconds{{tenant=\"{own}\"}}")),
        "{told}"
    );
    assert!(!told.contains(&going.to_string()), "{told}");
    fakes.executions.set_hours(Name::of(own), metered(1, Vec::new()));
    usage.run().await.unwrap();
    assert!(!shown.render().contains(&own.to_string()));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_runs_is_read_each_minute_and_one_that_is_idle_seldom(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (busy, idle, unseen) = (fakes.dedicated().await, fakes.dedicated().await, fakes.dedicated().await);
    for tenant in [busy, idle, unseen] {
        fakes.executions.set_hours(Name::of(tenant), metered(1, Vec::new()));
    }
    let mut usage = Usage::new(fakes.world(), Shown::default());
    let of = |tenant: TenantId| {
        let name = Name::of(tenant).to_string();
        fakes.executions.ledger().iter().filter(|call| call.verb == "hours" && call.target == name).count()
    };
    usage.run().await.unwrap();
    let sample = "insert into tenant_samples (tenant_id, cluster_id, at, executions_min, concurrent_executions, queue_depth, success_rate_percent, missing)
        select id, cluster_id, now(), 0, 0, 0, case id when $1 then 100 end, '{}' from tenants where id in ($1, $2)";
    sqlx::query(sample).bind(busy).bind(idle).execute(&pool).await.unwrap();
    for (minutes, read) in [(1, [2, 1, 2]), (8, [3, 1, 3]), (1, [4, 2, 4])] {
        let later = "update usage_sources set read_at = read_at - make_interval(mins => $1)";
        sqlx::query(later).bind(minutes).execute(&pool).await.unwrap();
        usage.run().await.unwrap();
        assert_eq!([of(busy), of(idle), of(unseen)], read, "{minutes} minutes later");
    }
}
