//! A later release of n8n for many tenants: in waves, and no more of them once too many have failed. What one tenant goes through is its upgrade's affair.

mod next;

use std::time::Duration;

use common::{
    database,
    operations::Wake,
    service::{Interval, Round, Tasks},
};
use metrics::{describe_gauge, gauge};
use sqlx::{PgConnection, PgPool};

use self::next::{Fit, Next, fit, next, wave};
use crate::store::rollouts::{self, Newest, Rollout};

/// One tenant takes minutes: nobody waits for a look.
const EVERY: Duration = Duration::from_secs(5);

const TENANTS: &str = "rp9_rollout_tenants";
const STOPPED: &str = "rp9_rollout_stopped";

/// Looks after all rollouts. Every replica does, and each rollout is one's at a time.
pub struct Rollouts {
    pool: PgPool,
    wake: Wake,
}

impl Rollouts {
    /// Those of this record.
    pub const fn new(pool: PgPool, wake: Wake) -> Self {
        Self { pool, wake }
    }

    /// Does so for as long as the service runs.
    pub fn spawn(self, tasks: &Tasks) {
        describe_gauge!(TENANTS, "Tenants of the newest rollout, by what became of them.");
        describe_gauge!(STOPPED, "Whether the newest rollout ended because too many tenants failed.");
        let rounds = Interval::new("rollouts", EVERY).from_its_end().spread();
        tasks.every(rounds.failing("rollouts go on later"), self);
    }

    /// One round: how many upgrades were accepted.
    pub async fn look(&self) -> Result<usize, sqlx::Error> {
        let mut accepted = 0;
        // What was accepted is there with the note that it was, or neither is: who is called off waits for that.
        let mut transaction = database::begin(&self.pool).await?;
        for rollout in rollouts::open(&mut *transaction).await? {
            accepted += go_on(&mut transaction, &rollout).await?;
        }
        transaction.commit().await?;
        if accepted > 0 {
            self.wake.now();
        }
        self.tell().await?;
        Ok(accepted)
    }

    async fn tell(&self) -> Result<(), sqlx::Error> {
        let Newest { stopped, counts } = rollouts::newest(&self.pool).await?.unwrap_or_default();
        for (state, tenants) in [
            ("waiting", counts.waiting),
            ("running", counts.running),
            ("succeeded", counts.succeeded),
            ("failed", counts.failed),
            ("skipped", counts.skipped),
        ] {
            gauge!(TENANTS, "state" => state).set(tenants as f64);
        }
        gauge!(STOPPED).set(f64::from(u8::from(stopped)));
        Ok(())
    }
}

impl Round for Rollouts {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        self.look().await.map(drop)
    }
}

/// Sees what became of those that were begun, and begins the next wave if it is time.
async fn go_on(connection: &mut PgConnection, rollout: &Rollout) -> Result<usize, sqlx::Error> {
    rollouts::follow(&mut *connection, rollout.id).await?;
    if rollout.over {
        return Ok(0);
    }
    match next(rollouts::counts(&mut *connection, rollout.id).await?, rollout.max_failures) {
        Next::Wait => Ok(0),
        Next::Begin => begin(connection, rollout).await,
        Next::Stop => {
            tracing::warn!(rollout = %rollout.id, version = %rollout.version, "a rollout ends: too many tenants failed");
            rollouts::end(connection, rollout.id, "stopped").await.map(|()| 0)
        }
        Next::End => {
            tracing::info!(rollout = %rollout.id, version = %rollout.version, "a rollout has been through all of its tenants");
            rollouts::end(connection, rollout.id, "succeeded").await.map(|()| 0)
        }
    }
}

/// Begins a wave: how many tenants are in it.
async fn begin(connection: &mut PgConnection, rollout: &Rollout) -> Result<usize, sqlx::Error> {
    let (mut begun, most) = (0, wave(rollout.waves, rollout.concurrency));
    for candidate in rollouts::candidates(&mut *connection, rollout).await? {
        if begun == most {
            break;
        }
        match fit(&candidate) {
            Fit::Skip(why) => {
                rollouts::pass_over(&mut *connection, rollout.id, candidate.tenant, why).await?;
            }
            Fit::Later => rollouts::postpone(&mut *connection, rollout.id, candidate.tenant).await?,
            Fit::Now if rollouts::upgrade(connection, rollout, candidate.tenant).await? => begun += 1,
            // Something was accepted for it that comes before.
            Fit::Now => rollouts::postpone(&mut *connection, rollout.id, candidate.tenant).await?,
        }
    }
    if begun > 0 {
        rollouts::begun(&mut *connection, rollout.id).await?;
        tracing::info!(rollout = %rollout.id, version = %rollout.version, wave = rollout.waves + 1, tenants = begun, "a wave of a rollout begins");
    }
    Ok(begun)
}
