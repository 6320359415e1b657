//! Distributed cron: what is due is fired once, whatever the number of replicas.
//!
//! A *schedule* is a row: a job, for whom (the platform, a tenant, a cluster), a cron expression in a time zone, and the first moment
//! that nobody has decided about. The platform's are declared in code, those of subjects are made while services run. A runner that finds this moment come locks the row, decides (a pure function) what fires and what is passed over, inserts
//! the *firings* and moves the row on, in one transaction. A firing is a row too, under the key (schedule, due moment); it is
//! run under a lease with a fence, as operations are: at least once, and known by its key when it is run again.
//!
//! Whether a moment has come is asked of the record's own clock, so a replica whose clock is wrong fires nothing early or
//! late. If that clock jumps forward, what is due fires early; when it jumps back, nothing fires again.
//!
//! Schedules are kept in Postgres. What a runner needs of it is a port, [`Record`], so that simulations can keep them in memory.

mod due;
mod error;
mod job;
mod metrics;
mod plan;
mod policy;
mod record;
mod row;
mod runner;
mod schedule;
mod store;

pub use due::{CATCH_UP_AT_MOST, Decision, GRACE, HORIZON, Misses, Moment, Rule, decide};
pub use error::ScheduleError;
pub use job::{Firing, Job, JobError};
pub use plan::{Plan, PlanError, zone_or_utc};
pub use policy::ATTEMPTS;
pub use record::{Claimed, Decided, Outcome, Record};
pub use row::{Row, first_moment};
pub use runner::{Ran, Runner};
pub use schedule::{DeclareError, Schedule, Subject};
pub use store::{Clock, ScheduleStore};
