//! Why schedules are not kept as they should be.

use super::{DeclareError, PlanError};
use crate::error::{Classify, Kind};

/// The record did not take what was written.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("the lease is lost")]
    LeaseLost,
    #[error("the record could not be reached or refused")]
    Database(#[from] sqlx::Error),
    #[error("a schedule in the record cannot be followed")]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Declare(#[from] DeclareError),
}

impl Classify for ScheduleError {
    fn kind(&self) -> Kind {
        match self {
            Self::LeaseLost => Kind::Conflict,
            Self::Database(error) => error.kind(),
            Self::Plan(_) => Kind::Internal,
            Self::Declare(error) => error.kind(),
        }
    }
}
