//! Plays the processes that work on one operation: the one that breaks, and the one that comes after it.

use std::{fmt, future::ready, pin::pin, sync::Arc, time::Duration};

use common::{
    id::TenantId,
    operations::{Claimed, Drive, End, Paused, Saga, Store, StoreError},
};
use futures::future::BoxFuture;
use serde::Deserialize as _;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{
    Mode, PartEnd, Point,
    faulty::{Faulty, Signals},
};

/// A saga on a record, with a world for each process.
pub struct Rig<'a, S: Saga> {
    pub saga: &'static S,
    pub stores: &'a Stores,
    /// The world as this process reaches it.
    pub world: &'a (dyn Fn(&str) -> S::World + Sync),
    /// How many effects this process has had on the world.
    pub effects: &'a (dyn Fn(&str) -> usize + Sync),
}

/// The record, as the two processes reach it. Made once and used for many cases: connecting, and planning each statement anew, takes longer
/// than most cases do.
#[derive(Debug, Clone)]
pub struct Stores {
    pub(super) pool: PgPool,
    first: Store,
    second: Store,
    pub(super) effect: Effect,
}

/// What is to be done as a part.
#[derive(Debug)]
pub struct Part {
    pub kind: String,
    pub request: serde_json::Value,
}

type Happens = dyn Fn(&Part, TenantId) -> BoxFuture<'static, ()> + Send + Sync;

/// What the service that does a part has done to the world when the part begins to end, well or not.
#[derive(Clone)]
pub(super) struct Effect(pub(super) Arc<Happens>);

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Effect")
    }
}

impl Stores {
    /// The record that this pool reaches.
    pub fn new(pool: &PgPool) -> Self {
        let first = Store::new(pool.clone(), FIRST).with_grace(GRACE);
        let effect = Effect(Arc::new(|_, _| Box::pin(ready(()))));
        Self { pool: pool.clone(), first, second: Store::new(pool.clone(), SECOND), effect }
    }

    /// A part that has begun has this effect for its tenant, also if nothing comes of it then.
    #[must_use]
    pub fn with_effect(
        self,
        effect: impl Fn(&Part, TenantId) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self { effect: Effect(Arc::new(effect)), ..self }
    }
}

/// What became of a broken operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub end: End,
    /// Effects by a process that had lost its lease. Must be none.
    pub stale_effects: usize,
}

/// The process that breaks, and the one that goes on.
const FIRST: &str = "first";
const SECOND: &str = "second";

/// Nobody hears that the process stops who is not meant to, so nobody has to be waited for.
const GRACE: Duration = Duration::from_millis(50);

/// So many processes may end in the middle of a step.
const DEATHS: usize = 5;

/// More attempts than any operation that works needs.
const PATIENCE: usize = 60;

impl<S: Saga> Rig<'_, S> {
    /// Drives the one open operation to its end without breaking anything.
    pub async fn to_the_end(&self) -> End {
        self.finish(SECOND).await
    }

    /// Drives the one open operation, breaking it at this point, until it has ended.
    pub async fn break_at(&self, point: Point) -> Verdict {
        let signals = Arc::new(Signals::default());
        let world = (self.world)(FIRST);
        let store = &self.stores.first;
        let (stopping, mut deaths) = (CancellationToken::new(), 0);
        for _ in 0..PATIENCE {
            let claimed = self.claim(store).await;
            let request = S::Request::deserialize(&claimed.request).unwrap();
            let faulty = Faulty::new(self.saga, &request, point, &signals);
            let mut drive = pin!(faulty.drive(&world, store, &claimed, &stopping));
            let paused = tokio::select! {
                paused = &mut drive => paused.unwrap(),
                () = signals.reached.notified() => {
                    if point.mode == Mode::LeaseLost {
                        return self.overtake(drive, &signals).await;
                    }
                    if point.mode.stops() {
                        stopping.cancel();
                        drive.await.unwrap()
                    } else {
                        // The process is dead: its future is dropped here, its lease ends by itself.
                        Paused::Stopped
                    }
                }
            };
            match paused {
                Paused::Ended(End::Stuck) if point.mode == Mode::Poison => {
                    assert_eq!(deaths, DEATHS, "{point:?}: a step ended so many processes");
                    signals.mend();
                    self.resume().await;
                    break;
                }
                // Whoever may not go back calls a person, who has the part done anew.
                Paused::Ended(End::Stuck) if matches!(point.mode, Mode::Part(_)) && !S::UNWINDS => {
                    self.resume().await;
                    break;
                }
                Paused::Ended(end) => return Verdict { end, stale_effects: 0 },
                Paused::Resting(_) => {
                    self.stores.part_goes_on(self.broken_part(point, &request)).await;
                    self.let_time_pass().await;
                }
                // Told to stop and hearing it, a process gives back what it has: the next one need not wait for anything.
                Paused::Stopped if stopping.is_cancelled() && !matches!(point.mode, Mode::StopUnheard(_)) => {
                    return Verdict { end: self.finish(SECOND).await, stale_effects: 0 };
                }
                Paused::Stopped if point.mode == Mode::Poison => {
                    deaths += 1;
                    self.let_time_pass().await;
                }
                Paused::Stopped => break,
            }
        }
        self.let_time_pass().await;
        Verdict { end: self.finish(SECOND).await, stale_effects: 0 }
    }

    /// The kind of part that this point is about, and what becomes of it.
    fn broken_part(&self, point: Point, request: &S::Request) -> Option<(&'static str, PartEnd)> {
        let Mode::Part(end) = point.mode else { return None };
        self.saga.steps(request)[point.ordinal].child().map(|kind| (kind.name, end))
    }

    /// While the first process sleeps, the second does everything; then the first wakes up.
    async fn overtake(
        &self,
        sleeping: impl Future<Output = Result<Paused, StoreError>>,
        signals: &Signals,
    ) -> Verdict {
        self.let_time_pass().await;
        let end = self.finish(SECOND).await;
        let before = (self.effects)(FIRST);
        signals.resume.notify_one();
        let woken = sleeping.await;
        assert!(matches!(woken, Err(StoreError::LeaseLost)), "the first process did not notice: {woken:?}");
        Verdict { end, stale_effects: (self.effects)(FIRST) - before }
    }

    async fn finish(&self, process: &str) -> End {
        let (world, store) = ((self.world)(process), &self.stores.second);
        let stopping = CancellationToken::new();
        for _ in 0..PATIENCE {
            let claimed = self.claim(store).await;
            if let Paused::Ended(end) = self.saga.drive(&world, store, &claimed, &stopping).await.unwrap() {
                return end;
            }
            self.stores.part_goes_on(None).await;
            self.let_time_pass().await;
        }
        panic!("the operation does not end");
    }

    /// A statement that a dead process sent may still hold the row: a claim passes it over and comes again, as workers do.
    async fn claim(&self, store: &Store) -> Claimed {
        for _ in 0..PATIENCE {
            if let Some(claimed) = store.claim(&[S::KIND]).await.unwrap() {
                return claimed;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the operation is not to be had");
    }

    /// What a person does about an operation that is stuck.
    async fn resume(&self) {
        let resume = "with resumed as (
                          update operations set status = 'running', error = null, not_before = now()
                           where status = 'stuck' returning id, fence)
                      insert into operation_steps (operation_id, ordinal, step, event, fence)
                      select s.operation_id, s.ordinal, s.step, 'resumed', resumed.fence
                        from resumed join operation_steps s on s.operation_id = resumed.id order by s.seq desc limit 1";
        sqlx::query(resume).execute(&self.stores.pool).await.unwrap();
    }

    /// Leases that run end and pauses are over. One that was given back stays so: nobody has vanished.
    async fn let_time_pass(&self) {
        let pass = "update operations set not_before = now(), lease_until = case when lease_until > now() then now() else lease_until end
                    where status in ('queued', 'running', 'undoing') and parent_id is null";
        sqlx::query(pass).execute(&self.stores.pool).await.unwrap();
    }
}
