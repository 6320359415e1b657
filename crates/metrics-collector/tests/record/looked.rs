//! What is seen of whom.

use std::{collections::BTreeMap, time::Duration};

use common::{clock, database::MIGRATOR, id::TenantId, service::Round as _};
use metrics_collector::{exposition::Shown, proof::Proofs, shards::Now, usage::Usage};
use n8n::{databases::Name, executions::Activity, queues::Depth};
use sqlx::{PgPool, Row as _};
use wire::{ContainerUsage, Figures, Sample};

use crate::support::Fakes;

const fn tick(tick: i64) -> Now {
    Now { tick, into: 0.5 }
}

fn activity(began: u64) -> Activity {
    Activity {
        began_in_minute: began,
        running: 1,
        queue_wait_p95: Some(Duration::from_secs(2)),
        succeeded: 3,
        failed: 1,
        ..Activity::default()
    }
}

fn told(fakes: &Fakes, tenant: TenantId) -> Sample {
    let told = fakes.told.lock().unwrap();
    told.iter()
        .rfind(|sample| sample.tenant == tenant)
        .cloned()
        .unwrap_or_else(|| panic!("{tenant} in {told:?}"))
}

fn use_some(fakes: &Fakes, tenant: TenantId, cpu: Duration) {
    let mut used = fakes.used.lock().unwrap();
    for role in ["main", "worker"] {
        let name = format!("{tenant}-{role}");
        let one = ContainerUsage { name: name.clone(), tenant, at: clock::now(), cpu, memory: 500 << 20 };
        used.get_or_insert_default().insert(name, one);
    }
}

async fn missing(pool: &PgPool, tenant: TenantId) -> BTreeMap<String, String> {
    let row = sqlx::query("select missing from tenant_samples where tenant_id = $1").bind(tenant);
    let missing: serde_json::Value = row.fetch_one(pool).await.unwrap().get(0);
    serde_json::from_value(missing).unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn each_tenant_is_told_as_it_is_whether_it_shares_an_n8n_or_not(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, shared) = (fakes.dedicated().await, fakes.shared().await);
    let (busy, idle) =
        (fakes.member(shared, "projectNumber001").await, fakes.member(shared, "projectNumber002").await);
    use_some(&fakes, own, Duration::from_secs(1));
    fakes.queues.set_depth(own, Depth { waiting: 4, entered: 9, ..Depth::default() });
    fakes.executions.set_activity(Name::of(own), [(String::new(), activity(12))].into());
    fakes.executions.set_activity(Name::of(shared), [("projectNumber001".to_owned(), activity(7))].into());
    let (mut replica, shown) = fakes.replica().await;
    replica.go_on(tick(1)).await.unwrap();

    assert!(fakes.executions.is_metered(&Name::of(own)) && fakes.executions.is_metered(&Name::of(shared)));
    let figures = told(&fakes, own).figures;
    assert_eq!(
        (figures.executions_min, figures.queue_depth, figures.workers),
        (Some(12.0), Some(4), Some(1))
    );
    assert_eq!((figures.memory_bytes, figures.memory_percent), (Some(1000 << 20), Some(50.0)));
    assert_eq!((figures.cpu_percent, figures.success_rate_percent), (None, Some(75.0)));
    let figures = told(&fakes, busy).figures;
    assert_eq!((figures.executions_min, figures.queue_wait_p95_seconds), (Some(7.0), Some(2.0)));
    assert_eq!((figures.memory_bytes, figures.workers), (None, None), "nobody can tell");
    assert_eq!(told(&fakes, idle).figures.executions_min, Some(0.0));
    assert_eq!(told(&fakes, shared).figures.executions_min, Some(7.0));
    assert_eq!(shown.render().matches("rp9_tenant_executions_min{").count(), 4);

    // Another tick: two readings make a rate.
    use_some(&fakes, own, Duration::from_secs(2));
    replica.go_on(tick(2)).await.unwrap();
    assert!(told(&fakes, own).figures.cpu_percent.unwrap() > 0.0);
    assert_eq!(fakes.told.lock().unwrap().len(), 8);
}

/// What it holds was counted where it ran.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_looks_into_a_sandbox(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    fakes.sandbox().await;
    let (mut replica, shown) = fakes.replica().await;
    replica.go_on(tick(1)).await.unwrap();
    Usage::new(fakes.world(), Shown::default()).run().await.unwrap();
    Proofs::new(fakes.world(), shown).run().await.unwrap();
    let asked = fakes.executions.ledger();
    assert!(asked.is_empty(), "{asked:?}");
    assert!(fakes.told.lock().unwrap().is_empty(), "nothing is told of it");
}

/// It is entered by nobody who has not recognised it.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_looks_into_an_n8n_of_somebody_elses(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let theirs = fakes.external().await;
    let lodger = fakes.member(theirs, "projectNumber001").await;
    let (mut replica, shown) = fakes.replica().await;
    replica.go_on(tick(1)).await.unwrap();
    Usage::new(fakes.world(), Shown::default()).run().await.unwrap();
    Proofs::new(fakes.world(), shown).run().await.unwrap();
    let asked = fakes.executions.ledger();
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!(missing(&pool, lodger).await.keys().collect::<Vec<_>>(), ["executions"]);
    assert_eq!(told(&fakes, lodger).figures, Figures::default());
    assert_eq!(fakes.told.lock().unwrap().len(), 1, "nothing is told of it itself");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_cannot_be_seen_is_missing_since_then_and_comes_back(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let own = fakes.dedicated().await;
    use_some(&fakes, own, Duration::from_secs(1));
    let (mut replica, _) = fakes.replica().await;
    replica.go_on(tick(1)).await.unwrap();
    assert_eq!(missing(&pool, own).await.keys().collect::<Vec<_>>(), ["storage"]);

    *fakes.used.lock().unwrap() = None;
    fakes.queues.set_unreachable(true);
    fakes.executions.set_unreachable(true);
    let mut since = BTreeMap::new();
    for number in [2, 3] {
        replica.go_on(tick(number)).await.unwrap();
        let now = missing(&pool, own).await;
        assert_eq!(now.keys().collect::<Vec<_>>(), ["containers", "executions", "queue", "storage"]);
        let before = std::mem::replace(&mut since, now.clone());
        assert!(before.is_empty() || before == now, "it is as long as it was: {before:?} {now:?}");
        let figures = told(&fakes, own).figures;
        assert_eq!((figures.memory_bytes, figures.queue_depth, figures.executions_min), (None, None, None));
    }
    use_some(&fakes, own, Duration::from_secs(2));
    fakes.queues.set_unreachable(false);
    fakes.executions.set_unreachable(false);
    replica.go_on(tick(4)).await.unwrap();
    assert_eq!(missing(&pool, own).await.keys().collect::<Vec<_>>(), ["storage"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_who_is_gone_is_shown_nowhere(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let own = fakes.dedicated().await;
    let (mut replica, shown) = fakes.replica().await;
    replica.go_on(tick(1)).await.unwrap();
    assert!(shown.render().contains(&own.to_string()));
    sqlx::query("update tenants set status = 'deleted', cluster_id = null where id = $1")
        .bind(own)
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("update tenant_samples set at = at - interval '3 minutes'").execute(&pool).await.unwrap();
    replica.go_on(tick(2)).await.unwrap();
    assert!(!shown.render().contains(&own.to_string()));
    let kept: i64 = sqlx::query_scalar("select count(*) from tenant_samples").fetch_one(&pool).await.unwrap();
    assert_eq!(kept, 0);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_idle_instance_is_left_in_peace_until_something_enters_its_queue(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let own = fakes.dedicated().await;
    let (mut replica, _) = fakes.replica().await;
    let asked = || fakes.executions.ledger().iter().filter(|call| call.verb == "activity").count();
    for number in 1..=3 {
        replica.go_on(tick(number)).await.unwrap();
    }
    assert_eq!(asked(), 1);
    fakes.queues.set_depth(own, Depth { entered: 1, ..Depth::default() });
    replica.go_on(tick(4)).await.unwrap();
    assert_eq!(asked(), 2);
}
