//! How steps end, on a real Postgres: later, in time, with their process, and when nobody is left to say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use common::{
    database::MIGRATOR,
    id::{OperationId, TenantId},
    operations::{
        Claimed, Context, Drive, End, Lane, OperationKind, Paused, Priority, Request, Saga, Step, StepError,
        Store, later, read_as,
    },
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

const KIND: &OperationKind = &OperationKind {
    name: "tenant.script",
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
    read: read_as::<Script>,
};

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Script {}

impl Request for Script {
    type Subject = TenantId;
    const KIND: &'static OperationKind = KIND;
}

const PAUSE: Duration = Duration::from_secs(60);

/// What the step does, one after the other; nothing more is: it is done.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Waits, and saves that it has.
    Save,
    /// Waits, and saves nothing.
    Look,
    /// Never ends, and listens whether its process stops.
    Listen,
    /// Never ends.
    Hang,
    Panic,
}

#[derive(Clone, Default)]
struct World {
    script: Arc<Mutex<VecDeque<Act>>>,
    /// What each look was handed.
    seen: Arc<Mutex<Vec<u32>>>,
    undone: Arc<Mutex<u32>>,
    /// How often undoing has to wait.
    undo_waits: Arc<Mutex<u32>>,
}

struct Scripted;
struct Only;

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Saved(u32);

impl Saga for Scripted {
    type World = World;
    type State = Saved;
    type Request = Script;

    fn steps(&self, _: &Self::Request) -> Vec<&dyn Step<Self>> {
        vec![&Only]
    }
}

#[async_trait]
impl Step<Scripted> for Only {
    fn name(&self) -> &'static str {
        "only"
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn run(&self, context: &Context<'_, World, Script>, state: &mut Saved) -> Result<(), StepError> {
        let world = context.fenced().await?;
        world.seen.lock().unwrap().push(state.0);
        let act = world.script.lock().unwrap().pop_front();
        match act {
            None => Ok(()),
            Some(Act::Save) => {
                state.0 += 1;
                later(PAUSE)
            }
            Some(Act::Look) => later(PAUSE),
            Some(Act::Listen) => {
                context.stopping().cancelled().await;
                Err(StepError::Stopped)
            }
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::Panic) => std::panic::resume_unwind(Box::new("password=abc")),
        }
    }

    async fn undo(&self, context: &Context<'_, World, Script>, state: &Saved) -> Result<(), StepError> {
        let world = context.fenced().await?;
        let left = world.undo_waits.lock().unwrap().checked_sub(1);
        if let Some(left) = left {
            *world.undo_waits.lock().unwrap() = left;
            return later(PAUSE);
        }
        *world.undone.lock().unwrap() = state.0 + 1;
        Ok(())
    }
}

/// One operation, and a process that drives it.
struct Scene {
    pool: PgPool,
    store: Store,
    world: World,
    stopping: CancellationToken,
    id: OperationId,
}

impl Scene {
    async fn new(pool: PgPool, script: impl IntoIterator<Item = Act>) -> Self {
        let (tenant, id) = (TenantId::generate(), OperationId::generate());
        let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
                      values ($1, 'n', 'e', $2, 'dedicated', 'provisioning', 'pro', '2.41.1')";
        sqlx::query(insert).bind(tenant).bind(tenant.digits()).execute(&pool).await.unwrap();
        let insert = "insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline)
                      values ($1, $2, $3, '{}', 'test', 'test', now() + interval '1 hour')";
        sqlx::query(insert).bind(id).bind(KIND.as_str()).bind(tenant).execute(&pool).await.unwrap();
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        let (store, world) = (Store::new(pool.clone(), "a"), World { script, ..World::default() });
        let store = store.with_grace(Duration::from_millis(100));
        Self { pool, store, world, stopping: CancellationToken::new(), id }
    }

    async fn claim(&self) -> Option<Claimed> {
        self.store.claim(&[KIND]).await.unwrap()
    }

    /// Claims it and drives it as far as it goes.
    async fn go_on(&self) -> Paused {
        let claimed = self.claim().await.expect("it is to be had");
        Scripted.drive(&self.world, &self.store, &claimed, &self.stopping).await.unwrap()
    }

    /// The same, told to stop once the step has begun so often.
    async fn stopped_at(&self, begun: usize) -> Paused {
        let tell = async {
            while self.seen().len() < begun {
                tokio::task::yield_now().await;
            }
            self.stopping.cancel();
        };
        tokio::join!(self.go_on(), tell).0
    }

    async fn set(&self, change: &'static str) {
        let update = format!("update operations set {change} where id = $1");
        sqlx::query(sqlx::AssertSqlSafe(update)).bind(self.id).execute(&self.pool).await.unwrap();
    }

    /// The journal: events, and what failed with the kind of it.
    async fn journal(&self) -> Vec<String> {
        let rows =
            "select event || coalesce(' ' || (error ->> 'kind'), '') from operation_steps order by seq";
        sqlx::query_scalar(rows).fetch_all(&self.pool).await.unwrap()
    }

    fn seen(&self) -> Vec<u32> {
        self.world.seen.lock().unwrap().clone()
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_step_that_waits_frees_its_worker_and_goes_on_from_what_it_saved(pool: PgPool) {
    let scene = Scene::new(pool, [Act::Save, Act::Look, Act::Save, Act::Look]).await;
    for _ in 0..4 {
        assert_eq!(scene.go_on().await, Paused::Resting(PAUSE));
        assert!(scene.claim().await.is_none(), "it rests");
        scene.set("not_before = now()").await;
    }
    assert_eq!(scene.go_on().await, Paused::Ended(End::Succeeded));
    assert_eq!(scene.seen(), [0, 1, 1, 2, 2]);
    // Two looks found nothing new.
    assert_eq!(scene.journal().await, ["started", "waiting", "waiting", "succeeded"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_waits_and_is_cancelled_goes_back_with_what_it_saved(pool: PgPool) {
    let scene = Scene::new(pool, [Act::Save]).await;
    scene.go_on().await;
    scene.set(r#"cancellation = '{"kind": "cancelled", "detail": "x"}', not_before = now()"#).await;
    assert_eq!(scene.go_on().await, Paused::Ended(End::RolledBack));
    assert_eq!(*scene.world.undone.lock().unwrap(), 2);
    assert_eq!(scene.journal().await, ["started", "waiting", "undo_started", "undone"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn undoing_may_wait_too_and_past_any_deadline(pool: PgPool) {
    let scene = Scene::new(pool, [Act::Save]).await;
    *scene.world.undo_waits.lock().unwrap() = 1;
    scene.go_on().await;
    scene.set("not_before = now(), deadline = now()").await;
    assert_eq!(scene.go_on().await, Paused::Resting(PAUSE));
    scene.set("not_before = now()").await;
    assert_eq!(scene.go_on().await, Paused::Ended(End::RolledBack));
    assert_eq!(*scene.world.undone.lock().unwrap(), 2, "undone with what it had saved");
    let undone = ["started", "waiting", "undo_started", "waiting", "undo_started", "undone"];
    assert_eq!(scene.journal().await, undone);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_waits_is_looked_at_no_later_than_its_deadline_and_goes_back_then(pool: PgPool) {
    let scene = Scene::new(pool, [Act::Look, Act::Look]).await;
    scene.set("deadline = now() + interval '20 seconds'").await;
    let paused = scene.go_on().await;
    assert!(matches!(paused, Paused::Resting(pause) if pause <= Duration::from_secs(20)), "{paused:?}");
    scene.set("not_before = now(), deadline = now()").await;
    assert_eq!(scene.go_on().await, Paused::Ended(End::RolledBack));
    assert_eq!(scene.seen().len(), 1, "nobody looks any more");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_deadline_that_passes_in_the_middle_of_a_step_ends_it(pool: PgPool) {
    let scene = Scene::new(pool, [Act::Hang]).await;
    scene.set("deadline = now() + interval '500 milliseconds'").await;
    assert_eq!(scene.go_on().await, Paused::Ended(End::RolledBack));
    assert_eq!(scene.journal().await, ["started", "failed timeout", "undo_started", "undone"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_hangs_and_what_panics_has_failed_and_is_tried_again(pool: PgPool) {
    let scene = Scene::new(pool, [Act::Hang, Act::Panic]).await;
    for _ in 0..2 {
        assert!(matches!(scene.go_on().await, Paused::Resting(_)));
        scene.set("not_before = now()").await;
    }
    assert_eq!(scene.go_on().await, Paused::Ended(End::Succeeded));
    let failed = ["started", "failed timeout", "started", "failed internal", "started", "succeeded"];
    assert_eq!(scene.journal().await, failed);
    let cause = "select cause from operation_steps where error ->> 'kind' = 'internal'";
    let cause: String = sqlx::query_scalar(cause).fetch_one(&scene.pool).await.unwrap();
    assert_eq!(cause, "it panicked: password=[secret]");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_process_that_stops_in_the_middle_of_a_step_gives_it_back_and_nothing_has_failed(pool: PgPool) {
    let mut scene = Scene::new(pool, [Act::Listen, Act::Hang]).await;
    assert_eq!(scene.stopped_at(1).await, Paused::Stopped);
    scene.stopping = CancellationToken::new();
    assert_eq!(scene.stopped_at(2).await, Paused::Stopped, "what does not listen is cut off");
    assert!(scene.claim().await.is_none(), "what it asked for may still take effect");
    scene.set("not_before = now()").await;
    scene.stopping = CancellationToken::new();
    assert_eq!(scene.go_on().await, Paused::Ended(End::Succeeded));
    assert_eq!(scene.journal().await, ["started", "started", "started", "succeeded"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_step_that_ends_its_processes_is_not_begun_a_sixth_time(pool: PgPool) {
    let scene = Scene::new(pool, [Act::Hang; 9]).await;
    for death in 1..=5 {
        let begins = async {
            while scene.seen().len() < death {
                tokio::task::yield_now().await;
            }
        };
        // The process ends: its future is dropped in the middle of the step, and its lease ends by itself.
        tokio::select! {
            paused = scene.go_on() => panic!("{paused:?}"),
            () = begins => {}
        }
        scene.set("lease_until = now()").await;
    }
    assert_eq!(scene.go_on().await, Paused::Ended(End::Stuck));
    assert_eq!(scene.seen().len(), 5);
    let journal = scene.journal().await;
    assert_eq!(journal, [["started", "failed lost"]; 5].concat());
    assert!(scene.claim().await.is_none(), "it waits for a person");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_was_given_back_is_not_an_orphan(pool: PgPool) {
    let scene = Scene::new(pool, []).await;
    assert!(!scene.claim().await.unwrap().orphaned, "nobody held it before");
    scene.set("lease_until = now()").await;
    assert!(scene.claim().await.unwrap().orphaned);
    scene.set("lease_until = null").await;
    assert!(!scene.claim().await.unwrap().orphaned);
}
