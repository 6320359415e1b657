//! For whom callers wait, and which tenants have two sides: what whoever watches the platform wants to know of changes that are under way.

use std::time::Duration;

use common::service::{Interval, Round, Tasks};
use edge::StandIn;
use engine::ClusterId;
use metrics::{Unit, describe_gauge, describe_histogram, gauge, histogram};
use sqlx::PgPool;

use crate::{
    Site,
    store::callers::{self, Sides, Waiting},
};

const EVERY: Duration = Duration::from_secs(15);

const WAITING: &str = "rp9_waiting_tenants";
const OLDEST: &str = "rp9_waiting_oldest_seconds";
const FREEZE: &str = "rp9_freeze_seconds";
const SIDES: &str = "rp9_second_sides";

/// What stands in for whoever something is done to.
const WAITED_FOR: [StandIn; 2] = [StandIn::Waiting, StandIn::Restoring];

/// Tells it of this cluster. Every replica does.
pub struct Callers {
    pool: PgPool,
    cluster: ClusterId,
}

impl Callers {
    /// Of this site.
    pub fn new(pool: PgPool, site: &Site) -> Self {
        Self { pool, cluster: site.cluster.clone() }
    }

    /// Does so for as long as the service runs.
    pub fn spawn(self, tasks: &Tasks) {
        describe_gauge!(
            WAITING,
            "Tenants whose callers wait, or whose calls are held, while something is done to them."
        );
        describe_gauge!(OLDEST, Unit::Seconds, "For how long callers of one of them have waited, at most.");
        describe_histogram!(
            FREEZE,
            Unit::Seconds,
            "How long callers of a tenant waited for an operation of this kind."
        );
        describe_gauge!(SIDES, "Tenants with a second side beside the one that serves.");
        let rounds = Interval::new("callers", EVERY).from_its_end().spread();
        tasks.every(rounds.failing("for whom callers wait is told later"), self);
    }

    /// How it is now.
    pub async fn look(&self) -> Result<Told, sqlx::Error> {
        let cluster = self.cluster.as_str();
        let mut waiting = callers::waiting(&self.pool, cluster).await?;
        let waiting = WAITED_FOR
            .map(|stand_in| (stand_in.as_str(), waiting.remove(stand_in.as_str()).unwrap_or_default()));
        Ok(Told { waiting: waiting.into(), sides: callers::sides(&self.pool, cluster).await? })
    }
}

/// What one look tells.
#[derive(Debug)]
pub struct Told {
    /// By what stands in for them.
    pub waiting: Vec<(&'static str, Waiting)>,
    pub sides: Sides,
}

/// They are led back to where it lives.
pub fn thawed(kind: &'static str, waited: f64) {
    histogram!(FREEZE, "kind" => kind).record(waited);
}

impl Round for Callers {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        let told = self.look().await?;
        for (stand_in, Waiting { tenants, seconds }) in &told.waiting {
            gauge!(WAITING, "stand_in" => *stand_in).set(*tenants as f64);
            gauge!(OLDEST, "stand_in" => *stand_in).set(*seconds);
        }
        gauge!(SIDES, "state" => "changing").set(told.sides.changing as f64);
        gauge!(SIDES, "state" => "standing").set(told.sides.standing as f64);
        Ok(())
    }
}
