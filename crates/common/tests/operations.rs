//! Claims, leases, fences and the journal on a real Postgres.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use common::{
    database::MIGRATOR,
    error::Kind,
    id::{OperationId, TenantId},
    operations::{
        Claimed, Context, Drive, End, Gate, Lane, Lease, OperationKind, Paused, Priority, Request, Saga,
        Step, StepError, Store, StoreError, Wake, Worker, read_as,
    },
    service::Tasks,
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

const KIND: &OperationKind = &OperationKind {
    name: "tenant.count",
    service: "provisioner",
    lane: Lane::Life,
    alone: false,
    single: false,
    from: &[],
    passes: None,
    ends: None,
    deadline: Duration::from_secs(60),
    priority: Priority::Normal,
    unwinds: true,
    roles: &[],
    read: read_as::<Count>,
};

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Count {}

impl Request for Count {
    type Subject = TenantId;
    const KIND: &'static OperationKind = KIND;
}

/// Two steps that count, of which the second can be told to fail.
#[derive(Clone, Default)]
struct World {
    ran: Arc<AtomicU32>,
    undone: Arc<AtomicU32>,
    failures: Arc<AtomicU32>,
}

struct Counting;
struct First;
struct Second;

#[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Seen {
    first: bool,
}

impl Saga for Counting {
    type World = World;
    type State = Seen;
    type Request = Count;

    fn steps(&self, _: &Self::Request) -> Vec<&dyn Step<Self>> {
        vec![&First, &Second]
    }
}

#[async_trait]
impl Step<Counting> for First {
    fn name(&self) -> &'static str {
        "first"
    }

    async fn run(&self, context: &Context<'_, World, Count>, state: &mut Seen) -> Result<(), StepError> {
        context.fenced().await?.ran.fetch_add(1, Ordering::SeqCst);
        state.first = true;
        Ok(())
    }

    async fn undo(&self, context: &Context<'_, World, Count>, _: &Seen) -> Result<(), StepError> {
        context.fenced().await?.undone.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait]
impl Step<Counting> for Second {
    fn name(&self) -> &'static str {
        "second"
    }

    async fn run(&self, context: &Context<'_, World, Count>, state: &mut Seen) -> Result<(), StepError> {
        assert!(state.first, "what the first step left is there");
        let world = context.fenced().await?;
        world.ran.fetch_add(1, Ordering::SeqCst);
        let failing =
            world.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match failing {
            Ok(_) => Err(StepError::failed(Kind::Invalid, "told to")),
            Err(_) => Ok(()),
        }
    }
}

async fn tenant(pool: &PgPool) -> TenantId {
    let id = TenantId::generate();
    let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
                  values ($1, 'n', 'e', $2, 'dedicated', 'provisioning', 'pro', '2.41.1')";
    sqlx::query(insert).bind(id).bind(id.digits()).execute(pool).await.unwrap();
    id
}

async fn accept(pool: &PgPool, tenant: TenantId) -> OperationId {
    let id = OperationId::generate();
    let insert = "insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline)
                  values ($1, $2, $3, '{}', 'test', 'test', now() + interval '1 hour')";
    sqlx::query(insert).bind(id).bind(KIND.as_str()).bind(tenant).execute(pool).await.unwrap();
    id
}

async fn set(pool: &PgPool, id: OperationId, change: &'static str) {
    let update = format!("update operations set {change} where id = $1");
    sqlx::query(sqlx::AssertSqlSafe(update)).bind(id).execute(pool).await.unwrap();
}

async fn claim(store: &Store) -> Option<Claimed> {
    store.claim(&[KIND]).await.unwrap()
}

async fn drive(store: &Store, world: &World, claimed: &Claimed) -> Result<Paused, StoreError> {
    Counting.drive(world, store, claimed, &CancellationToken::new()).await
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_operation_runs_once_from_its_first_step_to_its_last(pool: PgPool) {
    let (store, world) = (Store::new(pool.clone(), "a"), World::default());
    let id = accept(&pool, tenant(&pool).await).await;
    let claimed = claim(&store).await.unwrap();
    assert_eq!((claimed.id, claimed.fence, claimed.fresh), (id, 1, true));
    assert!(claim(&store).await.is_none(), "it is held already");
    assert_eq!(drive(&store, &world, &claimed).await.unwrap(), Paused::Ended(End::Succeeded));
    assert_eq!(world.ran.load(Ordering::SeqCst), 2);
    assert!(claim(&store).await.is_none(), "it is over");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn operations_of_one_tenant_take_turns_in_the_order_of_their_acceptance(pool: PgPool) {
    let (store, world, tenant) = (Store::new(pool.clone(), "a"), World::default(), tenant(&pool).await);
    let (first, second) = (accept(&pool, tenant).await, accept(&pool, tenant).await);
    set(&pool, second, "priority = 0").await;
    let claimed = claim(&store).await.unwrap();
    assert_eq!(claimed.id, first, "urgency does not overtake within a tenant");
    assert!(claim(&store).await.is_none());
    drive(&store, &world, &claimed).await.unwrap();
    assert_eq!(claim(&store).await.unwrap().id, second);
}

/// Somebody waits for a lock in this database.
async fn somebody_waits(pool: &PgPool) -> bool {
    let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    sqlx::query_scalar(waits).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_reaches_for_a_tenants_other_operation_at_the_same_time_goes_without(pool: PgPool) {
    let (store, tenant) = (Store::new(pool.clone(), "a"), tenant(&pool).await);
    let (later, _) = (accept(&pool, tenant).await, accept(&pool, tenant).await);
    set(&pool, later, "not_before = now() + interval '1 hour'").await;
    // The other one is quicker: it has begun what was to wait, and nobody can see that yet.
    let mut quicker = common::database::begin(&pool).await.unwrap();
    let begin = "update operations set status = 'running', started_at = now() where id = $1";
    sqlx::query(begin).bind(later).execute(&mut *quicker).await.unwrap();
    let commit = async {
        while !somebody_waits(&pool).await {
            tokio::task::yield_now().await;
        }
        quicker.commit().await.unwrap();
    };
    let (claimed, ()) = tokio::join!(claim(&store), commit);
    assert!(claimed.is_none());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_claim_that_goes_wrong_says_so(pool: PgPool) {
    sqlx::query("alter table operations rename to elsewhere").execute(&pool).await.unwrap();
    assert!(matches!(Store::new(pool, "a").claim(&[KIND]).await, Err(StoreError::Database(_))));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_has_begun_goes_on_although_the_clock_was_set_back(pool: PgPool) {
    let (store, tenants) = (Store::new(pool.clone(), "a"), [tenant(&pool).await, tenant(&pool).await]);
    let begun = accept(&pool, tenants[0]).await;
    assert_eq!(claim(&store).await.unwrap().id, begun);
    let waiting = accept(&pool, tenants[0]).await;
    set(&pool, waiting, "created_at = now() - interval '1 hour', priority = 0").await;
    let others = accept(&pool, tenants[1]).await;
    assert_eq!(claim(&store).await.unwrap().id, others, "who waits is in nobody's way");
    set(&pool, begun, "lease_until = null").await;
    assert_eq!(claim(&store).await.unwrap().id, begun, "it does not wait for what waits for it");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_journal_that_cannot_be_continued_is_left_to_others_until_its_deadline_and_then_calls_a_person(
    pool: PgPool,
) {
    let (store, world) = (Store::new(pool.clone(), "a"), World::default());
    let tenant = tenant(&pool).await;
    // A success that nothing began; a start of a step there is not; an output that is none of this saga's.
    for rows in [
        "(1, 'second', 'succeeded', null)",
        "(7, 'eighth', 'started', null)",
        "(0, 'first', 'started', null), (0, 'first', 'succeeded', '[]')",
    ] {
        let id = accept(&pool, tenant).await;
        let insert = format!(
            "insert into operation_steps (operation_id, ordinal, step, event, fence, output)
             select $1, ordinal, step, event, 1, output::jsonb
               from (values {rows}) as r (ordinal, step, event, output)"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).bind(id).execute(&pool).await.unwrap();
        set(&pool, id, "fence = 1, status = 'running'").await;
        let claimed = claim(&store).await.unwrap();
        let left = drive(&store, &world, &claimed).await.unwrap();
        assert!(matches!(left, Paused::Resting(pause) if !pause.is_zero()), "{rows}: {left:?}");
        assert!(claim(&store).await.is_none(), "it rests");

        set(&pool, id, "not_before = now(), deadline = now()").await;
        let claimed = claim(&store).await.unwrap();
        assert_eq!(drive(&store, &world, &claimed).await.unwrap(), Paused::Ended(End::Stuck), "{rows}");
        assert!(claim(&store).await.is_none(), "it waits for a person");
        assert!(detail(&pool, id).await.unwrap().contains("cannot continue"));
        assert_eq!(world.ran.load(Ordering::SeqCst), 0);
        set(&pool, id, "status = 'abandoned', finished_at = now()").await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_stuck_operation_keeps_the_tenants_others_waiting(pool: PgPool) {
    let (store, tenant) = (Store::new(pool.clone(), "a"), tenant(&pool).await);
    let stuck = accept(&pool, tenant).await;
    accept(&pool, tenant).await;
    set(&pool, stuck, "status = 'stuck'").await;
    assert!(claim(&store).await.is_none());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whoever_lost_the_lease_can_neither_write_nor_act(pool: PgPool) {
    let (a, b, world) = (Store::new(pool.clone(), "a"), Store::new(pool.clone(), "b"), World::default());
    let id = accept(&pool, tenant(&pool).await).await;
    let old = claim(&a).await.unwrap();
    set(&pool, id, "lease_until = now() - interval '1 second'").await;
    let new = claim(&b).await.unwrap();
    assert!(new.fence > old.fence);
    assert!(matches!(drive(&a, &world, &old).await, Err(StoreError::LeaseLost)));
    assert_eq!(world.ran.load(Ordering::SeqCst), 0, "it acted without a lease");
    for (store, claimed, holds) in [(&a, &old, false), (&b, &new, true)] {
        let lease = Lease::new(store.clone(), claimed);
        assert_eq!(lease.check().await.is_ok(), holds);
        assert_eq!(lease.check_in(&mut common::database::begin(&pool).await.unwrap()).await.is_ok(), holds);
    }
    assert_eq!(drive(&b, &world, &new).await.unwrap(), Paused::Ended(End::Succeeded));
    let fences: Vec<i64> =
        sqlx::query_scalar("select distinct fence from operation_steps").fetch_all(&pool).await.unwrap();
    assert_eq!(fences, [new.fence]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_failure_for_good_undoes_what_was_done_and_says_why(pool: PgPool) {
    let (store, world) = (Store::new(pool.clone(), "a"), World::default());
    world.failures.store(1, Ordering::SeqCst);
    let id = accept(&pool, tenant(&pool).await).await;
    let claimed = claim(&store).await.unwrap();
    assert_eq!(drive(&store, &world, &claimed).await.unwrap(), Paused::Ended(End::RolledBack));
    assert_eq!(world.undone.load(Ordering::SeqCst), 1);
    let error: serde_json::Value = sqlx::query_scalar("select error from operations where id = $1")
        .bind(id)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((&error["step"], &error["detail"]), (&"second".into(), &"told to".into()));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn past_its_deadline_an_operation_is_undone(pool: PgPool) {
    let (store, world) = (Store::new(pool.clone(), "a"), World::default());
    let id = accept(&pool, tenant(&pool).await).await;
    set(&pool, id, "deadline = now() - interval '1 second'").await;
    let claimed = claim(&store).await.unwrap();
    assert_eq!(drive(&store, &world, &claimed).await.unwrap(), Paused::Ended(End::RolledBack));
    assert_eq!(world.ran.load(Ordering::SeqCst), 0);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_stopping_process_gives_its_operations_back_at_once(pool: PgPool) {
    let (store, world, stopping) =
        (Store::new(pool.clone(), "a"), World::default(), CancellationToken::new());
    accept(&pool, tenant(&pool).await).await;
    stopping.cancel();
    let claimed = claim(&store).await.unwrap();
    assert_eq!(Counting.drive(&world, &store, &claimed, &stopping).await.unwrap(), Paused::Stopped);
    assert!(claim(&store).await.is_some(), "nobody has to wait for the lease to end");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_journal_cannot_be_rewritten(pool: PgPool) {
    let (store, world) = (Store::new(pool.clone(), "a"), World::default());
    accept(&pool, tenant(&pool).await).await;
    let claimed = claim(&store).await.unwrap();
    drive(&store, &world, &claimed).await.unwrap();
    let rewritten = sqlx::query("update operation_steps set event = 'failed'").execute(&pool).await;
    assert!(rewritten.is_err());
}

fn worker(pool: &PgPool, world: &World, name: &str, gate: Gate) -> Worker<World> {
    let (store, wake) = (Store::new(pool.clone(), name), Wake::default());
    let sagas: Arc<[Box<dyn Drive<World>>]> = Arc::new([Box::new(Counting)]);
    Worker { store, world: Arc::new(world.clone()), sagas, wake, gate, limit: 4 }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn behind_a_closed_gate_nothing_is_claimed(pool: PgPool) {
    let (world, tasks, gate) = (World::default(), Tasks::default(), Gate::closed());
    let id = accept(&pool, tenant(&pool).await).await;
    worker(&pool, &world, "a", gate.clone()).spawn(&tasks);
    let status = async || {
        let status = sqlx::query_scalar::<_, String>("select status from operations where id = $1");
        status.bind(id).fetch_one(&pool).await.unwrap()
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(status().await, "queued");
    gate.set(true);
    let done = async {
        while status().await != "succeeded" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), done).await.expect("it is claimed once the gate is open");
    tasks.finish(Duration::from_secs(10)).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn eight_workers_do_a_hundred_operations_once_each(pool: PgPool) {
    let (world, tasks) = (World::default(), Tasks::default());
    let mut wanted = HashSet::new();
    for _ in 0..100 {
        wanted.insert(accept(&pool, tenant(&pool).await).await);
    }
    for name in 0..8 {
        worker(&pool, &world, &format!("worker {name}"), Gate::default()).spawn(&tasks);
    }
    let open = "select count(*) from operations where status <> 'succeeded'";
    let done = async {
        while sqlx::query_scalar::<_, i64>(open).fetch_one(&pool).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), done).await.expect("all operations end");
    tasks.finish(Duration::from_secs(10)).await.unwrap();
    assert_eq!(world.ran.load(Ordering::SeqCst), 200, "two steps each, none twice");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_lease_that_is_kept_outlives_its_length(pool: PgPool) {
    let store = Store::new(pool.clone(), "a").with_lease(Duration::from_secs(2));
    accept(&pool, tenant(&pool).await).await;
    let claimed = claim(&store).await.unwrap();
    let lease = Lease::new(store.clone(), &claimed);
    let kept = tokio::time::timeout(Duration::from_secs(5), lease.keep()).await;
    assert!(kept.is_err(), "the lease was lost although it was kept: {kept:?}");
    lease.check().await.unwrap();
}

const CANCELLATION: &str = r#"cancellation = '{"kind": "cancelled", "detail": "Cancelled by ada."}'"#;

async fn detail(pool: &PgPool, id: OperationId) -> Option<String> {
    let detail = "select error ->> 'detail' from operations where id = $1";
    sqlx::query_scalar(detail).bind(id).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn cancelled_before_its_first_step_ran_it_still_settles_what_was_accepted(pool: PgPool) {
    let (store, world) = (Store::new(pool.clone(), "a"), World::default());
    let id = accept(&pool, tenant(&pool).await).await;
    set(&pool, id, "status = 'running'").await;
    set(&pool, id, CANCELLATION).await;
    let claimed = claim(&store).await.unwrap();
    assert!(claimed.undoing);
    assert_eq!(drive(&store, &world, &claimed).await.unwrap(), Paused::Ended(End::RolledBack));
    assert_eq!((world.ran.load(Ordering::SeqCst), world.undone.load(Ordering::SeqCst)), (0, 1));
    assert_eq!(detail(&pool, id).await.as_deref(), Some("Cancelled by ada."));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn cancelled_while_it_runs_it_goes_back_at_the_next_boundary(pool: PgPool) {
    let (store, world) = (Store::new(pool.clone(), "a"), World::default());
    let id = accept(&pool, tenant(&pool).await).await;
    let claimed = claim(&store).await.unwrap();
    set(&pool, id, CANCELLATION).await;
    assert_eq!(drive(&store, &world, &claimed).await.unwrap(), Paused::Ended(End::RolledBack));
    assert_eq!((world.ran.load(Ordering::SeqCst), world.undone.load(Ordering::SeqCst)), (0, 1));
    assert_eq!(detail(&pool, id).await.as_deref(), Some("Cancelled by ada."));
    assert!(claim(&store).await.is_none(), "it is over");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_process_that_stops_leaves_a_cancelled_operation_to_the_next_one_at_once(pool: PgPool) {
    let (store, world, stopping) =
        (Store::new(pool.clone(), "a"), World::default(), CancellationToken::new());
    let id = accept(&pool, tenant(&pool).await).await;
    let claimed = claim(&store).await.unwrap();
    set(&pool, id, CANCELLATION).await;
    stopping.cancel();
    assert_eq!(Counting.drive(&world, &store, &claimed, &stopping).await.unwrap(), Paused::Stopped);
    assert!(claim(&store).await.unwrap().undoing);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_operation_is_not_begun_before_its_window(pool: PgPool) {
    let store = Store::new(pool.clone(), "a");
    let id = accept(&pool, tenant(&pool).await).await;
    set(&pool, id, "not_before = now() + interval '1 hour'").await;
    assert!(claim(&store).await.is_none());
    set(&pool, id, "not_before = now()").await;
    assert_eq!(claim(&store).await.unwrap().id, id);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_abandoned_operation_lets_the_tenants_others_run(pool: PgPool) {
    let (store, tenant) = (Store::new(pool.clone(), "a"), tenant(&pool).await);
    let (first, second) = (accept(&pool, tenant).await, accept(&pool, tenant).await);
    set(&pool, first, "status = 'stuck'").await;
    assert!(claim(&store).await.is_none());
    set(&pool, first, "status = 'abandoned', finished_at = now()").await;
    assert_eq!(claim(&store).await.unwrap().id, second);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_waits_for_a_later_moment_keeps_nobody_waiting(pool: PgPool) {
    let (store, tenant) = (Store::new(pool.clone(), "a"), tenant(&pool).await);
    let (tonight, now) = (accept(&pool, tenant).await, accept(&pool, tenant).await);
    set(&pool, tonight, "not_before = now() + interval '8 hours'").await;
    assert_eq!(claim(&store).await.unwrap().id, now);
    set(&pool, tonight, "not_before = now()").await;
    assert!(claim(&store).await.is_none(), "one of a tenant's operations at a time");
    set(&pool, now, "status = 'succeeded', finished_at = now(), lease_until = null").await;
    set(&pool, tonight, "created_at = now() - interval '8 hours', due_at = now()").await;
    let claimed = claim(&store).await.unwrap();
    assert_eq!(claimed.id, tonight);
    assert!(claimed.age < Duration::from_secs(3600), "the window is nobody's delay: {:?}", claimed.age);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_urgent_come_first_and_starve_nobody(pool: PgPool) {
    let store = Store::new(pool.clone(), "a");
    let patient = accept(&pool, tenant(&pool).await).await;
    set(&pool, patient, "priority = 2, created_at = now() - interval '1 minute'").await;
    for _ in 0..20 {
        let urgent = accept(&pool, tenant(&pool).await).await;
        set(&pool, urgent, "priority = 0").await;
    }
    let mut order = Vec::new();
    while let Some(claimed) = claim(&store).await {
        order.push(claimed.id);
    }
    let place = order.iter().position(|id| *id == patient).unwrap();
    assert_eq!((order.len(), place), (21, 7), "one of eight is the oldest");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn all_workers_together_hold_no_more_than_they_may(pool: PgPool) {
    let stores = ["a", "b"].map(|owner| Store::new(pool.clone(), owner).with_at_most(3));
    let mut held = Vec::new();
    for turn in 0..6 {
        accept(&pool, tenant(&pool).await).await;
        held.extend(claim(&stores[turn % 2]).await.map(|claimed| claimed.id));
    }
    assert_eq!(held.len(), 3);
    // A lease that has ended counts no more.
    set(&pool, held[0], "lease_until = now()").await;
    assert!(claim(&stores[0]).await.is_some());
    assert!(claim(&stores[1]).await.is_none());
}
