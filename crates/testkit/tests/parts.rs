//! A saga of which a step has something else done, broken at each of its steps in every way, whatever becomes of that part.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use common::{
    database::MIGRATOR,
    id::{OperationId, TenantId},
    operations::{
        Asked, ContextOf, Drive, End, NewOperation, OperationKind, Paused, Request, Saga, Step, StepError,
        Store, accept,
    },
    role::Role,
};
use sqlx::PgPool;
use testkit::{
    kinds::{ClusterCheck, Piece, Whole},
    saga::{Rig, Stores, points},
};
use tokio_util::sync::CancellationToken;

/// What was done, and how often by whom.
#[derive(Clone, Default)]
struct Outside(Arc<Mutex<(BTreeSet<&'static str>, Vec<String>)>>);

struct World {
    outside: Outside,
    process: String,
}

struct DoWhole;
struct Act(&'static str);
struct Delegate;

impl Saga for DoWhole {
    type World = World;
    type State = ();
    type Request = Whole;

    fn steps(&self, _: &Self::Request) -> Vec<&dyn Step<Self>> {
        vec![&Act("before"), &Delegate, &Act("after")]
    }
}

#[async_trait]
impl Step<DoWhole> for Act {
    fn name(&self) -> &'static str {
        self.0
    }

    async fn run(&self, context: &ContextOf<'_, DoWhole>, (): &mut ()) -> Result<(), StepError> {
        context.fenced().await?.act(|present| present.insert(self.0));
        Ok(())
    }

    async fn undo(&self, context: &ContextOf<'_, DoWhole>, (): &()) -> Result<(), StepError> {
        context.fenced().await?.act(|present| present.remove(self.0));
        Ok(())
    }
}

#[async_trait]
impl Step<DoWhole> for Delegate {
    fn name(&self) -> &'static str {
        "delegated"
    }

    fn child(&self) -> Option<&'static OperationKind> {
        Some(Piece::KIND)
    }

    async fn run(&self, context: &ContextOf<'_, DoWhole>, (): &mut ()) -> Result<(), StepError> {
        context.ensure_child(&Piece {}).await.map(drop)
    }
}

impl World {
    fn act(&self, change: impl FnOnce(&mut BTreeSet<&'static str>) -> bool) {
        let mut outside = self.outside.0.lock().unwrap();
        change(&mut outside.0);
        outside.1.push(self.process.clone());
    }
}

fn asked() -> Asked<'static> {
    Asked { actor: "test", role: Role::Service, correlation_id: "test", traceparent: None, reason: None }
}

async fn tenant(pool: &PgPool) -> TenantId {
    let id = TenantId::generate();
    let insert =
        "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, cluster_id)
                  values ($1, 'n', 'e', $2, 'dedicated', 'active', 'pro', '2.41.1', 'here')";
    sqlx::query(insert).bind(id).bind(id.digits()).execute(pool).await.unwrap();
    id
}

async fn whole(pool: &PgPool) -> (TenantId, OperationId) {
    let (tenant, id) = (tenant(pool).await, OperationId::generate());
    assert!(accept(pool, &NewOperation::of(id, &tenant, &Whole {}, asked()), None).await.unwrap());
    (tenant, id)
}

async fn clusters(pool: &PgPool) {
    sqlx::query("insert into clusters (id, region, engine, subnets) values ('here', 'r', 'docker', '10.1.0.0/16'), ('there', 'r', 'docker', '10.2.0.0/16')").execute(pool).await.unwrap();
}

async fn set(pool: &PgPool, id: OperationId, change: &'static str) {
    let update = format!("update operations set {change} where id = $1");
    sqlx::query(sqlx::AssertSqlSafe(update)).bind(id).execute(pool).await.unwrap();
}

/// The parts that there are, and how they are.
async fn parts(pool: &PgPool) -> Vec<(OperationId, String)> {
    let parts = "select id, status from operations where parent_id is not null order by created_at, id";
    sqlx::query_as(parts).fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whatever_becomes_of_a_part_the_whole_is_done_or_as_before(pool: PgPool) {
    clusters(&pool).await;
    let stores = Stores::new(&pool);
    for point in points(&DoWhole, &Whole {}) {
        sqlx::query("delete from tenants").execute(&pool).await.unwrap();
        whole(&pool).await;
        let outside = Outside::default();
        let world = |process: &str| World { outside: outside.clone(), process: process.to_owned() };
        let effects = |process: &str| outside.0.lock().unwrap().1.iter().filter(|by| *by == process).count();
        let rig = Rig { saga: &DoWhole, stores: &stores, world: &world, effects: &effects };
        let verdict = rig.break_at(point).await;
        assert_eq!(verdict.stale_effects, 0, "{point:?}");
        let parts = parts(&pool).await;
        let present = outside.0.lock().unwrap().0.clone();
        assert!(parts.len() <= 1, "{point:?}: {parts:?}");
        if point.mode.gives_up() {
            assert_eq!((verdict.end, present.len()), (End::RolledBack, 0), "{point:?}");
            assert!(
                parts.iter().all(|(_, status)| status != "queued" && status != "running"),
                "{point:?}: {parts:?}"
            );
        } else {
            assert_eq!((verdict.end, present.len()), (End::Succeeded, 2), "{point:?}");
            assert_eq!(parts[0].1, "succeeded", "{point:?}");
        }
    }
}

async fn drive(store: &Store) -> Paused {
    let world = World { outside: Outside::default(), process: "one".into() };
    let claimed = store.claim(&[Whole::KIND]).await.unwrap().expect("it is to be had");
    DoWhole.drive(&world, store, &claimed, &CancellationToken::new()).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_part_is_its_services_and_its_clusters_and_waits_neither_for_its_parent_nor_the_tenants_status(
    pool: PgPool,
) {
    clusters(&pool).await;
    let (tenant, id) = whole(&pool).await;
    let [here, there] = ["here", "there"].map(|name| Store::new(pool.clone(), name).of_cluster(name));
    assert!(matches!(drive(&here).await, Paused::Resting(_)));
    assert!(there.claim(&[Piece::KIND]).await.unwrap().is_none(), "it is another cluster's");
    let part = here.claim(&[Piece::KIND]).await.unwrap().expect("its parent holds the tenant, and it runs");
    assert_eq!((part.subject.tenant(), part.kind.service), (Some(tenant), "backup"));
    let parent = part.parent.expect("it is a part");
    assert_eq!((parent.id, parent.service.as_str()), (id, "provisioner"));
    let told = "select count(*) from audit_logs where operation_id = $1 and action = 'test.piece'";
    let told: i64 = sqlx::query_scalar(told).bind(part.id).fetch_one(&pool).await.unwrap();
    assert_eq!(told, 1);
    // A part leaves its tenant's status to its parent.
    sqlx::query("select settle_tenant($1, 'suspended', null)").bind(part.id).execute(&pool).await.unwrap();
    let status = "select status from tenants where id = $1";
    let status: String = sqlx::query_scalar(status).bind(tenant).fetch_one(&pool).await.unwrap();
    assert_eq!(status, "active");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_end_of_a_part_wakes_its_parent_even_one_that_is_about_to_rest(pool: PgPool) {
    clusters(&pool).await;
    let (_, id) = whole(&pool).await;
    let store = Store::new(pool.clone(), "one");
    assert!(matches!(drive(&store).await, Paused::Resting(_)));
    assert!(store.claim(&[Whole::KIND]).await.unwrap().is_none(), "it rests");
    let ended = "update operations set status = 'succeeded', finished_at = now() where parent_id = $1";
    sqlx::query(ended).bind(id).execute(&pool).await.unwrap();
    assert_eq!(drive(&store).await, Paused::Ended(End::Succeeded), "not only after its pause");

    // It has looked, and its part ends before it has written that it rests.
    let (_, id) = whole(&pool).await;
    assert!(matches!(drive(&store).await, Paused::Resting(_)));
    set(&pool, id, "child_ended = true, not_before = now()").await;
    let looked = "update operations set child_ended = true where id = $1";
    let claimed = store.claim(&[Whole::KIND]).await.unwrap().unwrap();
    sqlx::query(looked).bind(id).execute(&pool).await.unwrap();
    let world = World { outside: Outside::default(), process: "one".into() };
    let rests = DoWhole.drive(&world, &store, &claimed, &CancellationToken::new()).await.unwrap();
    assert!(matches!(rests, Paused::Resting(_)));
    assert!(store.claim(&[Whole::KIND]).await.unwrap().is_some(), "the end was not slept through");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_person_who_lets_it_go_on_has_the_part_done_anew(pool: PgPool) {
    clusters(&pool).await;
    let (_, id) = whole(&pool).await;
    let store = Store::new(pool.clone(), "one");
    assert!(matches!(drive(&store).await, Paused::Resting(_)));
    let failed = "update operations set status = 'rolled_back', finished_at = now() where parent_id = $1";
    sqlx::query(failed).bind(id).execute(&pool).await.unwrap();
    let resumed = "insert into operation_steps (operation_id, ordinal, step, event, fence) values ($1, 1, 'delegated', 'resumed', 1)";
    sqlx::query(resumed).bind(id).execute(&pool).await.unwrap();
    assert!(matches!(drive(&store).await, Paused::Resting(_)));
    let statuses: Vec<_> = parts(&pool).await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["rolled_back", "queued"]);
}

async fn check_of(pool: &PgPool, cluster: &str) -> Option<OperationId> {
    let (id, cluster) = (OperationId::generate(), cluster.parse().unwrap());
    let accepted =
        accept(pool, &NewOperation::of(id, &cluster, &ClusterCheck {}, asked()), None).await.unwrap();
    accepted.then_some(id)
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn operations_on_a_cluster_take_turns_and_are_that_clusters(pool: PgPool) {
    assert!(check_of(&pool, "nowhere").await.is_none(), "nobody knows that cluster");
    clusters(&pool).await;
    let first = check_of(&pool, "here").await.unwrap();
    assert!(check_of(&pool, "here").await.is_none(), "one is open");
    let elsewhere = check_of(&pool, "there").await.unwrap();
    whole(&pool).await;
    let kinds: [&'static OperationKind; 2] = [ClusterCheck::KIND, Whole::KIND];
    let [here, there] = ["here", "there"].map(|name| Store::new(pool.clone(), name).of_cluster(name));
    let claimed = here.claim(&kinds).await.unwrap().unwrap();
    assert_eq!((claimed.id, claimed.subject.cluster().unwrap().as_str()), (first, "here"));
    assert_eq!(there.claim(&kinds).await.unwrap().unwrap().id, elsewhere);
    assert_eq!(here.claim(&kinds).await.unwrap().unwrap().kind, Whole::KIND, "tenants go on beside it");
    // A second one, as if it had been accepted in the same moment.
    let beside = "insert into operations (id, kind, request, actor, correlation_id, deadline, cluster_id)
                  values ($1, 'test.cluster_check', '{}', 'test', 'test', now() + interval '1 hour', 'here')";
    let second = OperationId::generate();
    sqlx::query(beside).bind(second).execute(&pool).await.unwrap();
    assert!(here.claim(&kinds).await.unwrap().is_none(), "it waits for the first");
    let begun = sqlx::query("update operations set status = 'running' where id = $1")
        .bind(second)
        .execute(&pool)
        .await;
    let constraint = begun.unwrap_err().into_database_error().unwrap().constraint().map(str::to_owned);
    assert_eq!(constraint.as_deref(), Some("operations_one_on_a_cluster"));
    set(&pool, first, "status = 'succeeded', finished_at = now(), lease_until = null").await;
    assert_eq!(here.claim(&kinds).await.unwrap().unwrap().id, second);
    let told: (Option<String>, serde_json::Value) = sqlx::query_as(
        "select a.cluster_id, e.data -> 'cluster_id' from audit_logs a, event_outbox e
          where a.operation_id = $1 and e.operation_id = $1 and e.kind = 'operation.accepted'",
    )
    .bind(first)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((told.0.as_deref(), &told.1), (Some("here"), &"here".into()));
    common::audit::seal(&pool).await.unwrap();
    assert!(common::audit::verify(&pool).await.unwrap().is_sound());
    sqlx::query("update audit_logs set cluster_id = 'there' where operation_id = $1")
        .bind(first)
        .execute(&pool)
        .await
        .unwrap();
    assert!(!common::audit::verify(&pool).await.unwrap().is_sound(), "the chain holds the cluster too");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_runs_at_once_is_counted_for_each_cluster(pool: PgPool) {
    clusters(&pool).await;
    for _ in 0..3 {
        whole(&pool).await;
    }
    sqlx::query(
        "update operations set cluster_id = 'there' where id = (select max(id::text)::uuid from operations)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let [here, there] =
        ["here", "there"].map(|name| Store::new(pool.clone(), name).of_cluster(name).with_at_most(1));
    assert!(here.claim(&[Whole::KIND]).await.unwrap().is_some());
    assert!(here.claim(&[Whole::KIND]).await.unwrap().is_none(), "its one place is taken");
    assert!(there.claim(&[Whole::KIND]).await.unwrap().is_some(), "another cluster has places of its own");
}
