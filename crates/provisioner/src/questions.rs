//! What other services ask over the bus, and get an answer to at once or not at all.

use std::sync::Arc;

use common::{bus::Request, error::Classify, service::Service};
use sqlx::PgPool;
use wire::{AskInitialLogin, ResetLogin};

use crate::{World, logins};

/// Answers for as long as the service runs.
pub fn spawn(service: &Service, world: &Arc<World>) {
    let asked = Asked { pool: service.database.clone(), world: world.clone() };
    answer(service, "initial-login", &asked, |asked, question: AskInitialLogin| async move {
        logins::initial_login(&asked.pool, &asked.world, question).await
    });
    answer(service, "reset-login", &asked, |asked, question: ResetLogin| async move {
        logins::reset_login(&asked.pool, &asked.world, question).await
    });
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
