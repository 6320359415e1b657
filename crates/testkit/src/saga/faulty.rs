//! A saga of which one step is broken, once.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, ContextOf, Saga, Step, StepError},
};
use tokio::sync::Notify;

use super::{Mode, Point};

/// Where the broken process is; the rig waits for it and acts.
#[derive(Default)]
pub struct Signals {
    /// The process "died" (it will never go on), or is paused.
    pub reached: Notify,
    /// A paused process goes on.
    pub resume: Notify,
    /// The fault has happened, so it does not happen again.
    spent: AtomicBool,
    /// The same for a crash in an undo, which follows an error.
    spent_in_undo: AtomicBool,
}

impl Signals {
    fn first_time(&self) -> bool {
        !self.spent.swap(true, Ordering::SeqCst)
    }

    fn first_time_in_undo(&self) -> bool {
        !self.spent_in_undo.swap(true, Ordering::SeqCst)
    }

    async fn die<T>(&self) -> T {
        self.reached.notify_one();
        std::future::pending().await
    }
}

/// The saga `S`, broken at one point.
pub struct Faulty<S: Saga> {
    steps: Vec<FaultyStep<S>>,
}

struct FaultyStep<S: Saga> {
    inner: &'static dyn Step<S>,
    mode: Option<Mode>,
    undo_twice: bool,
    signals: Arc<Signals>,
}

impl<S: Saga> Faulty<S> {
    pub fn new(saga: &'static S, point: Point, signals: &Arc<Signals>) -> Self {
        let steps = saga.steps().into_iter().enumerate().map(|(ordinal, inner)| FaultyStep {
            inner,
            mode: (ordinal == point.ordinal).then_some(point.mode),
            undo_twice: point.mode == Mode::UndoTwice,
            signals: signals.clone(),
        });
        Self { steps: steps.collect() }
    }
}

impl<S: Saga> Saga for Faulty<S> {
    type World = S::World;
    type State = S::State;
    type Request = S::Request;
    const UNWINDS: bool = S::UNWINDS;

    fn steps(&self) -> Vec<&dyn Step<Self>> {
        self.steps.iter().map(|step| step as &dyn Step<Self>).collect()
    }
}

fn for_good() -> StepError {
    StepError::failed(Kind::Invalid, "broken on purpose")
}

#[async_trait]
impl<S: Saga> Step<Faulty<S>> for FaultyStep<S> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn run(&self, context: &ContextOf<'_, S>, state: &mut S::State) -> Result<(), StepError> {
        let Some(mode) = self.mode.filter(|_| self.signals.first_time()) else {
            return self.inner.run(context, state).await;
        };
        match mode {
            Mode::ErrorBefore => Err(for_good()),
            Mode::ErrorAfter | Mode::UndoTwice | Mode::CrashInUndo(_) => {
                self.inner.run(context, state).await?;
                Err(for_good())
            }
            Mode::AnswerLost => {
                self.inner.run(context, state).await?;
                Err(StepError::failed(Kind::Unavailable, "the answer was lost"))
            }
            Mode::CrashBefore => self.signals.die().await,
            Mode::CrashInside(waits) => {
                die_after(waits, self.inner.run(context, state)).await;
                self.signals.die().await
            }
            Mode::CrashAfter => {
                self.inner.run(context, state).await?;
                self.signals.die().await
            }
            Mode::Repeat => {
                self.inner.run(context, state).await?;
                self.inner.run(context, state).await
            }
            Mode::LeaseLost => {
                self.signals.reached.notify_one();
                self.signals.resume.notified().await;
                self.inner.run(context, state).await
            }
            Mode::Cancel => {
                cancel(context).await?;
                self.inner.run(context, state).await
            }
        }
    }

    async fn undo(&self, context: &ContextOf<'_, S>, state: &S::State) -> Result<(), StepError> {
        if let Some(Mode::CrashInUndo(waits)) = self.mode
            && self.signals.first_time_in_undo()
        {
            die_after(waits, self.inner.undo(context, state)).await;
            return self.signals.die().await;
        }
        self.inner.undo(context, state).await?;
        if self.undo_twice {
            self.inner.undo(context, state).await?;
        }
        Ok(())
    }
}

/// What somebody's request does to the record.
async fn cancel<W, R>(context: &Context<'_, W, R>) -> Result<(), StepError> {
    let cancel = "update operations set cancellation = '{\"kind\": \"cancelled\", \"detail\": \"Cancelled by a test.\"}'
                  where id = $1";
    sqlx::query(cancel).bind(context.operation()).execute(context.database()).await?;
    Ok(())
}

/// Polls the work until it has waited so often, and leaves it there for ever.
async fn die_after<T>(waits: u32, work: impl Future<Output = T>) {
    let (mut work, mut left) = (pin!(work), waits);
    std::future::poll_fn(|task| {
        left -= u32::from(left > 0);
        match work.as_mut().poll(task) {
            Poll::Pending if left > 0 => Poll::Pending,
            Poll::Pending | Poll::Ready(_) => Poll::Ready(()),
        }
    })
    .await;
}
