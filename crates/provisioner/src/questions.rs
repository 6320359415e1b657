//! What other services ask over the bus, and get an answer to at once or not at all.

mod container_usage;
mod logins;
mod logs;

use std::sync::Arc;

use common::{
    error::{Classify, Kind},
    operations::StepError,
    service::Service,
};
use sqlx::PgPool;
use wire::{AskContainerUsage, AskInitialLogin, AskLogs, ResetLogin};

use crate::World;

pub use container_usage::Measurements;
pub use logins::{initial_login, reset_login};
pub use logs::logs;

/// Answers for as long as the service runs: what is asked of this cluster, and what is asked of any.
pub fn answer(service: &Service, world: &Arc<World>, cluster: &str) {
    // A tenant that has no home yet is anybody's affair, and the release before asks of nobody in particular.
    for place in [None, Some(cluster)] {
        answer_at(service, world, place);
    }
    let measurements = Measurements::new(world.clone(), service.tasks.clone());
    service.answer(Some(cluster), move |_: AskContainerUsage| {
        let measurements = measurements.clone();
        async move { measurements.latest().await.map(|used| used.to_vec()) }
    });
}

fn answer_at(service: &Service, world: &Arc<World>, place: Option<&str>) {
    let asked = Asked { pool: service.database.clone(), world: world.clone() };
    let initial = asked.clone();
    service.answer(place, move |question: AskInitialLogin| {
        let asked = initial.clone();
        async move { initial_login(&asked.pool, &asked.world, question).await }
    });
    let reset = asked.clone();
    service.answer(place, move |question: ResetLogin| {
        let asked = reset.clone();
        async move { reset_login(&asked.pool, &asked.world, question).await }
    });
    service.answer(place, move |question: AskLogs| {
        let asked = asked.clone();
        async move { logs(&asked.pool, &asked.world, question).await }
    });
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct NoAnswer {
    kind: Kind,
    detail: String,
}

impl Classify for NoAnswer {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn public_detail(&self) -> String {
        self.detail.clone()
    }
}

impl From<StepError> for NoAnswer {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Failed { kind, detail, cause, .. } => {
                tracing::debug!(error = cause, "a question was not answered");
                Self { kind, detail }
            }
            // Nothing here is a step.
            StepError::LeaseLost | StepError::Stopped | StepError::Later(_) => {
                Self { kind: Kind::Internal, detail: String::new() }
            }
        }
    }
}

/// What answers are made of.
#[derive(Clone)]
struct Asked {
    pool: PgPool,
    world: Arc<World>,
}
