//! What other services ask over the bus, and get an answer to at once or not at all.

mod logins;
mod logs;

use std::sync::Arc;

use common::{
    bus::Request,
    error::{Classify, Kind},
    operations::StepError,
    service::Service,
};
use sqlx::PgPool;
use wire::{AskInitialLogin, AskLogs, ResetLogin};

use crate::World;

pub use logins::{initial_login, reset_login};
pub use logs::logs;

/// Answers for as long as the service runs.
pub fn spawn(service: &Service, world: &Arc<World>) {
    let asked = Asked { pool: service.database.clone(), world: world.clone() };
    answer(service, "initial-login", &asked, |asked, question: AskInitialLogin| async move {
        initial_login(&asked.pool, &asked.world, question).await
    });
    answer(service, "reset-login", &asked, |asked, question: ResetLogin| async move {
        reset_login(&asked.pool, &asked.world, question).await
    });
    answer(service, "logs", &asked, |asked, question: AskLogs| async move {
        logs(&asked.pool, &asked.world, question).await
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

fn answer<R: Request, E: Classify, F: Future<Output = Result<R::Reply, E>> + Send + 'static>(
    service: &Service,
    name: &'static str,
    asked: &Asked,
    handle: impl Fn(Asked, R) -> F + Send + Sync + 'static,
) {
    let (bus, asked, stopping) = (service.bus.clone(), asked.clone(), service.tasks.stopping());
    service.tasks.spawn(name, async move {
        let answer = |question| handle(asked.clone(), question);
        if let Err(error) = bus.answer("provisioner", stopping, answer).await {
            tracing::error!(question = name, %error, "questions are not answered any more");
        }
    });
}
