//! Replicas with clocks of their own, and a job that notes what it does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use common::{
    error::Kind,
    schedules::{Clock, Firing, Job, JobError, Misses, Ran, Runner, Schedule, ScheduleStore},
};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A clock that stands until it is moved.
#[derive(Clone)]
pub struct Hands(Arc<AtomicI64>);

impl Hands {
    pub fn at(moment: OffsetDateTime) -> Self {
        Self(Arc::new(AtomicI64::new(moment.unix_timestamp())))
    }

    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn set(&self, moment: OffsetDateTime) {
        self.0.store(moment.unix_timestamp(), Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::Given(Arc::new(move || hands.now()))
    }
}

/// What the job does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Work,
    /// Never comes back, before or after its effect.
    HangBefore,
    HangAfter,
    Fail(Kind),
    Find,
}

/// What was done, by key.
#[derive(Clone)]
pub struct World {
    pub effects: Arc<Mutex<BTreeMap<(String, OffsetDateTime), u32>>>,
    pub behaviour: Arc<Mutex<Behaviour>>,
    pub hanging: Arc<Notify>,
}

impl Default for World {
    fn default() -> Self {
        let behaviour = Arc::new(Mutex::new(Behaviour::Work));
        Self { effects: Arc::default(), behaviour, hanging: Arc::default() }
    }
}

impl World {
    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub fn total(&self) -> u32 {
        self.effects.lock().unwrap().values().sum()
    }

    async fn hang(&self) {
        self.hanging.notify_one();
        std::future::pending::<()>().await;
    }
}

pub struct Note {
    pub name: &'static str,
    pub world: World,
}

#[async_trait]
impl Job for Note {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn run(&self, firing: &Firing) -> Result<(), JobError> {
        let behaviour = *self.world.behaviour.lock().unwrap();
        match behaviour {
            Behaviour::HangBefore => self.world.hang().await,
            Behaviour::Fail(Kind::Unavailable) => return Err(sqlx::Error::PoolTimedOut.into()),
            Behaviour::Fail(kind) => return Err(JobError::found(kind, "It was told to.")),
            Behaviour::Find => return Err(JobError::found(Kind::Conflict, "It broke at 7.")),
            Behaviour::Work | Behaviour::HangAfter => {}
        }
        let key = (firing.schedule.clone(), firing.due_at);
        *self.world.effects.lock().unwrap().entry(key).or_default() += 1;
        if behaviour == Behaviour::HangAfter {
            self.world.hang().await;
        }
        Ok(())
    }
}

pub const JOB: &str = "note";

/// A schedule of [`JOB`].
pub fn schedule(name: &str, cron: &str, misses: Misses) -> Schedule {
    Schedule::new(name, JOB, cron, misses)
}

/// A replica that goes by this clock.
pub fn replica(pool: &PgPool, hands: &Hands, world: &World, schedules: &[Schedule]) -> Runner {
    // A job's name is in the code of whoever has it.
    let job = schedules.first().map_or(JOB, |schedule| schedule.job.clone().leak());
    let store = ScheduleStore::new(pool.clone()).with_clock(hands.clock());
    let note = Note { name: job, world: world.clone() };
    Runner::new(store.with_lease(Duration::from_secs(30)), "test", schedules, vec![Box::new(note)]).unwrap()
}

/// Runs firings until there is none to run, and says what became of them.
pub async fn run_all(runner: &Runner) -> Vec<Ran> {
    let (stopping, mut ran) = (CancellationToken::new(), Vec::new());
    while let Some((_, result)) = runner.run_next(&stopping).await.unwrap() {
        ran.push(result);
    }
    ran
}

/// A replica that dies while it runs a firing: nothing it was about to do is done.
pub async fn die_running(runner: &Runner, world: &World, behaviour: Behaviour) {
    world.behave(behaviour);
    let stopping = CancellationToken::new();
    tokio::select! {
        ran = runner.run_next(&stopping) => panic!("it did not hang: {ran:?}"),
        () = world.hanging.notified() => {}
    }
    world.behave(Behaviour::Work);
}

/// The time of every lease, or of a pause between attempts, has passed.
pub async fn time_passes(pool: &PgPool) {
    let pass = "update schedule_firings set not_before = least(not_before, now()),
                       lease_until = lease_until - interval '1 hour'
                 where state in ('waiting', 'running')";
    sqlx::query(pass).execute(pool).await.unwrap();
}

/// When this schedule fired, in order.
pub async fn fired(pool: &PgPool, schedule: &str) -> Vec<OffsetDateTime> {
    let due = sqlx::query_scalar("select due_at from schedule_firings where schedule = $1 order by due_at");
    due.bind(schedule).fetch_all(pool).await.unwrap()
}

/// One value of one row.
pub async fn ask<T>(pool: &PgPool, question: &'static str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(question).fetch_one(pool).await.unwrap()
}
