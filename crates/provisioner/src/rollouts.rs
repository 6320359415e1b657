//! A later release of n8n for many tenants: in waves, and no more of them once too many have failed. What one tenant goes through is its upgrade's affair.

mod next;

use std::time::Duration;

use common::{
    database,
    error::chain,
    id::{RolloutId, TenantId},
    operations::Wake,
    service::{Interval, Round, Tasks},
};
use metrics::{describe_gauge, gauge};
use sqlx::PgPool;

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

    /// One round: how many upgrades were accepted. One rollout that does not go on keeps no other from it.
    pub async fn look(&self) -> Result<usize, sqlx::Error> {
        let (mut accepted, mut failure) = (0, None);
        for rollout in rollouts::open(&self.pool).await? {
            match self.go_on(rollout).await {
                Ok(begun) => accepted += begun,
                Err(error) => failure = Some(error),
            }
        }
        if accepted > 0 {
            self.wake.now();
        }
        self.tell().await?;
        failure.map_or(Ok(accepted), Err)
    }

    /// Sees what became of those that were begun, and begins the next wave if it is time.
    async fn go_on(&self, rollout: RolloutId) -> Result<usize, sqlx::Error> {
        let mut turn = database::begin(&self.pool).await?;
        let Some(rollout) = rollouts::turn(&mut *turn, rollout).await? else { return Ok(0) };
        rollouts::follow(&mut *turn, rollout.id).await?;
        let next = match rollout.over {
            true => Next::Wait,
            false => next(rollouts::counts(&mut *turn, rollout.id).await?, rollout.max_failures),
        };
        let (id, version) = (rollout.id, rollout.version);
        match next {
            Next::Stop => {
                tracing::warn!(rollout = %id, %version, "a rollout ends: too many tenants failed");
                rollouts::end(&mut *turn, id, "stopped").await?;
            }
            Next::End => {
                tracing::info!(rollout = %id, %version, "a rollout has been through all of its tenants");
                rollouts::end(&mut *turn, id, "succeeded").await?;
            }
            Next::Wait | Next::Begin => {}
        }
        turn.commit().await?;
        if next == Next::Begin { self.begin(&rollout).await } else { Ok(0) }
    }

    /// Begins a wave: how many tenants are in it.
    async fn begin(&self, rollout: &Rollout) -> Result<usize, sqlx::Error> {
        let (mut begun, most) = (0, wave(rollout.waves, rollout.concurrency));
        for candidate in rollouts::candidates(&self.pool, rollout).await? {
            if begun == most {
                break;
            }
            let tenant = candidate.tenant;
            match fit(&candidate) {
                Fit::Skip(why) => rollouts::pass_over(&self.pool, rollout.id, tenant, why).await?,
                Fit::Later => rollouts::postpone(&self.pool, rollout.id, tenant).await?,
                Fit::Now => match self.accept(rollout, tenant, begun).await? {
                    Accepted::Yes => begun += 1,
                    Accepted::NotNow => rollouts::postpone(&self.pool, rollout.id, tenant).await?,
                    Accepted::NotOurs => break,
                },
            }
        }
        if begun > 0 {
            let wave = rollout.waves + 1;
            tracing::info!(rollout = %rollout.id, version = %rollout.version, wave, tenants = begun, "a wave of a rollout begins");
        }
        Ok(begun)
    }

    /// Accepts one tenant's upgrade with the note that it was, or neither: whoever calls the rollout off waits for that, and holds the same row. Its own
    /// transaction, so that no tenant is kept from anything while another one is waited for.
    async fn accept(
        &self,
        rollout: &Rollout,
        tenant: TenantId,
        begun: usize,
    ) -> Result<Accepted, sqlx::Error> {
        let mut turn = database::begin(&self.pool).await?;
        let waves = rollout.waves + i32::from(begun > 0);
        // Whoever looks at it meanwhile must not make the wave smaller.
        match rollouts::next_turn(&mut *turn, rollout.id).await? {
            Some(now) if !now.over && now.waves == waves => {}
            // It was called off, or another replica begins this wave.
            Some(_) | None => return Ok(Accepted::NotOurs),
        }
        match rollouts::upgrade(&mut turn, rollout, tenant).await {
            Ok(true) => {
                if begun == 0 {
                    rollouts::begun(&mut *turn, rollout.id).await?;
                }
                turn.commit().await?;
                Ok(Accepted::Yes)
            }
            // Something was accepted for it that comes before.
            Ok(false) => Ok(Accepted::NotNow),
            Err(error) => {
                tracing::warn!(rollout = %rollout.id, tenant_id = %tenant, error = chain(&error), "a tenant's upgrade is accepted later");
                Ok(Accepted::NotNow)
            }
        }
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

/// What became of accepting one tenant's upgrade.
enum Accepted {
    Yes,
    /// It is tried again later.
    NotNow,
    /// Nobody else of this wave is begun from here either.
    NotOurs,
}

impl Round for Rollouts {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        self.look().await.map(drop)
    }
}
