//! What runs for a tenant, as the tenant's own row brings it along: a column of each figure, in one order. Objects of JSON would cost the
//! server and this program more than everything else about a tenant together.

use std::time::Duration;

use sqlx::{Row, postgres::PgRow};
use time::OffsetDateTime;

/// A cluster is looked at every 20 s at least: three looks that did not happen make what was seen old.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// A container that should run for a tenant, and how it was last seen.
#[derive(Debug)]
pub struct Instance {
    pub name: String,
    pub role: String,
    pub color: String,
    pub ordinal: i32,
    pub generation: i64,
    pub cpu_millis: i32,
    pub memory_mb: i32,
    pub state: String,
    pub health: String,
    /// When it was last seen like this.
    pub seen_at: Option<OffsetDateTime>,
    /// Whether that is recent.
    pub fresh: bool,
    pub restarts: i64,
    pub last_restart_at: Option<OffsetDateTime>,
    pub last_exit_code: Option<i64>,
    pub oom_killed: bool,
    pub oom_kills: i64,
}

impl Instance {
    /// A row changes when what is seen does; that it was still so was seen when its cluster was last looked at.
    fn date(&mut self, observed: Option<OffsetDateTime>, asked: OffsetDateTime) {
        self.fresh = observed.is_some_and(|at| asked - at < FRESH_FOR);
        if self.state != "unknown" {
            self.seen_at = self.seen_at.map(|at| observed.map_or(at, |observed| at.max(observed)));
        }
    }
}

/// Beside each tenant `t`: its containers `i`.
macro_rules! instances {
    () => {
        "cross join lateral (
             select array_agg(o.name) as names, array_agg(o.role) as roles, array_agg(o.color) as colors,
                    array_agg(o.ordinal) as ordinals, array_agg(o.generation) as generations,
                    array_agg(o.cpu_millis) as instance_cpu, array_agg(o.memory_mb) as instance_memory,
                    array_agg(o.state) as states, array_agg(o.health) as healths, array_agg(o.seen_at) as seen,
                    array_agg(o.restarts) as restarts, array_agg(o.last_restart_at) as last_restarts,
                    array_agg(o.last_exit_code) as exit_codes, array_agg(o.oom_killed) as ooms,
                    array_agg(o.oom_kills) as oom_kills
               from (select name, role, color, ordinal, generation, cpu_millis, memory_mb, state, health, seen_at, restarts,
                            last_restart_at, last_exit_code, oom_killed, oom_kills
                       from tenant_instances where tenant_id = t.id order by color, role, ordinal) o) i"
    };
}
pub(super) use instances;

/// The containers in this row.
pub(super) fn read(row: &PgRow) -> Result<Vec<Instance>, sqlx::Error> {
    // A tenant without containers has no columns of them either.
    let Some(names) = row.try_get::<Option<Vec<String>>, _>("names")? else { return Ok(Vec::new()) };
    let columns = Columns {
        roles: row.try_get("roles")?,
        colors: row.try_get("colors")?,
        ordinals: row.try_get("ordinals")?,
        generations: row.try_get("generations")?,
        cpu: row.try_get("instance_cpu")?,
        memory: row.try_get("instance_memory")?,
        states: row.try_get("states")?,
        healths: row.try_get("healths")?,
        seen: row.try_get("seen")?,
        restarts: row.try_get("restarts")?,
        last_restarts: row.try_get("last_restarts")?,
        exit_codes: row.try_get("exit_codes")?,
        ooms: row.try_get("ooms")?,
        oom_kills: row.try_get("oom_kills")?,
    };
    let (observed, asked) = (row.try_get("observed_at")?, row.try_get("asked_at")?);
    Ok(names.into_iter().enumerate().map(|(at, name)| columns.instance(at, name, observed, asked)).collect())
}

struct Columns {
    roles: Vec<String>,
    colors: Vec<String>,
    ordinals: Vec<i32>,
    generations: Vec<i64>,
    cpu: Vec<i32>,
    memory: Vec<i32>,
    states: Vec<String>,
    healths: Vec<String>,
    seen: Vec<Option<OffsetDateTime>>,
    restarts: Vec<i64>,
    last_restarts: Vec<Option<OffsetDateTime>>,
    exit_codes: Vec<Option<i64>>,
    ooms: Vec<bool>,
    oom_kills: Vec<i64>,
}

impl Columns {
    fn instance(
        &self,
        at: usize,
        name: String,
        observed: Option<OffsetDateTime>,
        asked: OffsetDateTime,
    ) -> Instance {
        let mut instance = Instance {
            name,
            role: self.roles[at].clone(),
            color: self.colors[at].clone(),
            ordinal: self.ordinals[at],
            generation: self.generations[at],
            cpu_millis: self.cpu[at],
            memory_mb: self.memory[at],
            state: self.states[at].clone(),
            health: self.healths[at].clone(),
            seen_at: self.seen[at],
            fresh: false,
            restarts: self.restarts[at],
            last_restart_at: self.last_restarts[at],
            last_exit_code: self.exit_codes[at],
            oom_killed: self.ooms[at],
            oom_kills: self.oom_kills[at],
        };
        instance.date(observed, asked);
        instance
    }
}
