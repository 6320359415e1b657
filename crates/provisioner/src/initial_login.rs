//! Answers with which e-mail and password a tenant's owner first signs in.

use std::sync::Arc;

use common::{
    error::{Classify, Kind},
    operations::StepError,
    service::Service,
};
use sqlx::PgPool;
use wire::{AskInitialLogin, InitialLogin};

use crate::{
    World,
    store::{secrets, tenants},
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
struct NoLogin {
    kind: Kind,
    detail: String,
}

impl Classify for NoLogin {
    fn kind(&self) -> Kind {
        self.kind
    }
}

impl From<StepError> for NoLogin {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Failed { kind, detail, .. } => Self { kind, detail },
            StepError::LeaseLost => Self { kind: Kind::Internal, detail: String::new() },
        }
    }
}

/// Answers for as long as the service runs.
pub fn spawn(service: &Service, world: Arc<World>) {
    let (bus, pool, stopping) = (service.bus.clone(), service.database.clone(), service.tasks.stopping());
    service.tasks.spawn("initial-login", async move {
        let answer = |question| login(&pool, &world, question);
        if let Err(error) = bus.answer("provisioner", stopping, answer).await {
            tracing::error!(%error, "questions for initial logins are not answered any more");
        }
    });
}

async fn login(pool: &PgPool, world: &World, question: AskInitialLogin) -> Result<InitialLogin, NoLogin> {
    let row = tenants::get(pool, question.tenant).await?;
    let secrets = secrets::open(pool, &world.keys, question.tenant).await?;
    Ok(InitialLogin { email: row.email, password: secrets.owner_password })
}
