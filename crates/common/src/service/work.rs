//! The verbs with which a service begins what it does: all of it is tracked, hears the stop signal and survives a panic in one piece.

use std::time::Duration;

use tokio::time::sleep;

use super::{Interval, Round, Service};
use crate::{
    bus::{Carried, Consumer, Message, Outcome, Request},
    dead_letters::DeadLetters,
    error::{Classify, chain},
    operations::{Store, Worker},
};

/// Until questions are listened for again. It fails only where the client itself is broken.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

impl Service {
    /// Does something again and again.
    pub fn every(&self, interval: Interval, round: impl Round) {
        self.tasks.every(interval, round);
    }

    /// Handles messages. What cannot be handled is a dead letter in this service's record.
    pub fn consume<M: Message, F: Future<Output = Outcome> + Send>(
        &self,
        consumer: Consumer,
        handle: impl Fn(M, Carried) -> F + Send + Sync + 'static,
    ) {
        let (bus, stopping) = (self.bus.clone(), self.tasks.stopping());
        let dead = DeadLetters::new(self.database.clone());
        self.tasks.spawn(M::NAME, async move { bus.consume(consumer, dead, stopping, handle).await });
    }

    /// Answers questions that are asked of anybody, or of this place, several at once; replicas share them.
    pub fn answer<R: Request, E: Classify, F: Future<Output = Result<R::Reply, E>> + Send>(
        &self,
        place: Option<&str>,
        handle: impl Fn(R) -> F + Send + Sync + 'static,
    ) {
        let (bus, stopping, group) = (self.bus.clone(), self.tasks.stopping(), self.name);
        let place = place.map(str::to_owned);
        self.tasks.spawn(R::SUBJECT, async move {
            while !stopping.is_cancelled() {
                if let Err(error) = bus.answer(group, place.as_deref(), stopping.clone(), &handle).await {
                    tracing::error!(
                        question = R::SUBJECT,
                        error = chain(&error),
                        "questions are not answered"
                    );
                }
                stopping.run_until_cancelled(sleep(LISTEN_AGAIN)).await;
            }
        });
    }

    /// The operations of this record, for a worker of this process.
    pub fn operations(&self) -> Store {
        Store::new(self.database.clone(), format!("{}/{}", self.name, uuid::Uuid::now_v7()))
    }

    /// Drives operations.
    pub fn drive<W: Send + Sync + 'static>(&self, worker: Worker<W>) {
        worker.spawn(&self.tasks);
    }
}
