//! What is done again and again: the one loop for it, whatever it is.

use std::{any::Any, error::Error, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    metrics::{self, Ended},
    panics::words,
};
use crate::error::chain;

/// How often something is done, and what is said when it does not work.
#[derive(Debug, Clone, Copy)]
pub struct Interval {
    pub(super) name: &'static str,
    period: Duration,
    first_at_once: bool,
    from_its_end: bool,
    spread: bool,
    after_failure: Option<Duration>,
    failing: Option<&'static str>,
}

impl Interval {
    /// From the beginning of one round to the beginning of the next; the first begins at once. A round that takes longer delays
    /// the next, and none runs beside another.
    pub const fn new(name: &'static str, period: Duration) -> Self {
        let failing = Some("a round did not work; it is tried again");
        Self {
            name,
            period,
            first_at_once: true,
            from_its_end: false,
            spread: false,
            after_failure: None,
            failing,
        }
    }

    /// The first round begins only when the period is over.
    #[must_use]
    pub const fn not_at_once(mut self) -> Self {
        self.first_at_once = false;
        self
    }

    /// The period is from the end of one round to the beginning of the next, for rounds that may take long and begin others.
    #[must_use]
    pub const fn from_its_end(mut self) -> Self {
        self.from_its_end = true;
        self
    }

    /// Each pause is up to a tenth shorter or longer: replicas that were started together do not go on in step.
    #[must_use]
    pub const fn spread(mut self) -> Self {
        self.spread = true;
        self
    }

    /// After a round that failed the next begins so much later: only time helps, and nobody is woken.
    #[must_use]
    pub const fn after_failure(mut self, pause: Duration) -> Self {
        self.after_failure = Some(pause);
        self
    }

    /// What is logged when rounds begin to fail.
    #[must_use]
    pub const fn failing(mut self, text: &'static str) -> Self {
        self.failing = Some(text);
        self
    }

    /// Nothing is logged of failures: the rounds say themselves what is to be said.
    #[must_use]
    pub const fn silent(mut self) -> Self {
        self.failing = None;
        self
    }

    fn pause(&self) -> Duration {
        if self.spread { self.period.mul_f64(0.9 + 0.2 * fastrand::f64()) } else { self.period }
    }
}

/// What is done again and again: a closure, or a struct that has something to remember from round to round.
///
/// A round is dropped at any `await` when the process stops, so it must be harmless to do half of one.
pub trait Round: Send + 'static {
    /// Why one did not work.
    type Error: Error + 'static;

    /// One round.
    fn run(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Told by a round that goes on for as long as nothing is in its way, each time that it sees that nothing is: it has no end to say so.
    fn works(&self) -> Option<Arc<Notify>> {
        None
    }

    /// Returns when there is a reason not to wait for the time.
    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

impl<T: FnMut() -> F + Send + 'static, F: Future<Output = Result<(), E>> + Send, E: Error + 'static> Round
    for T
{
    type Error = E;

    fn run(&mut self) -> impl Future<Output = Result<(), E>> + Send {
        self()
    }
}

/// Does it until told to stop. A panic ends the round that it comes from, and counts as its failure.
pub(super) async fn go_round(interval: Interval, mut round: impl Round, stopping: CancellationToken) {
    let mut told = Told { interval, failing: false };
    let rounds = async {
        if !interval.first_at_once {
            sleep(interval.pause()).await;
        }
        loop {
            let begun = Instant::now();
            let works = round.works();
            let ended = {
                let mut running = pin!(AssertUnwindSafe(async { round.run().await }).catch_unwind());
                loop {
                    tokio::select! {
                        ended = &mut running => break ended,
                        () = heard(works.as_deref()) => told.works(),
                    }
                }
            };
            told.note(ended);
            if let Some(pause) = interval.after_failure.filter(|_| told.failing) {
                sleep(pause).await;
                continue;
            }
            let since = if interval.from_its_end || told.failing { Instant::now() } else { begun };
            // Woken or not, it is time.
            let _ = timeout_at(since + interval.pause(), round.woken()).await;
        }
    };
    stopping.run_until_cancelled(rounds).await;
}

/// Never of one that says nothing.
async fn heard(works: Option<&Notify>) {
    match works {
        Some(works) => works.notified().await,
        None => std::future::pending().await,
    }
}

/// What was said of the rounds so far.
struct Told {
    interval: Interval,
    failing: bool,
}

impl Told {
    /// Of a round that goes on.
    fn works(&mut self) {
        if std::mem::take(&mut self.failing) {
            metrics::works(self.interval.name);
            self.tell_it_works();
        }
    }

    fn tell_it_works(&self) {
        if self.interval.failing.is_some() {
            tracing::info!(task = self.interval.name, "it works again");
        }
    }

    /// Counts every round; logs only when they begin to fail, and when they work again.
    fn note<E: Error + 'static>(&mut self, ended: Result<Result<(), E>, Box<dyn Any + Send>>) {
        let name = self.interval.name;
        let was_failing = std::mem::replace(&mut self.failing, !matches!(ended, Ok(Ok(()))));
        match ended {
            Ok(Ok(())) => {
                metrics::round(name, Ended::Done);
                if was_failing {
                    self.tell_it_works();
                }
            }
            Ok(Err(error)) => {
                metrics::round(name, Ended::Failed);
                if let Some(text) = self.interval.failing.filter(|_| !was_failing) {
                    tracing::warn!(task = name, error = chain(&error), "{text}");
                } else {
                    tracing::debug!(task = name, error = chain(&error), "it still does not work");
                }
            }
            Err(panic) => {
                metrics::round(name, Ended::Panicked);
                if !was_failing {
                    let error = words(panic.as_ref());
                    tracing::error!(task = name, error, "a round came to an unexpected end; others follow");
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "rounds_tests.rs"]
mod tests;
