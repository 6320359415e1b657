//! A saga of which one step is broken, once.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, ContextOf, OperationKind, Request, Saga, Step, StepError, later},
};
use tokio::sync::Notify;

use super::{Mode, Point};

/// Where the broken process is; the rig waits for it and acts.
#[derive(Default)]
pub struct Signals {
    /// The process "died" (it will never go on), is paused, or is to be told to stop.
    pub reached: Notify,
    /// A paused process goes on.
    pub resume: Notify,
    /// The fault has happened, so it does not happen again.
    spent: AtomicBool,
    /// The same for a crash in an undo, which follows an error.
    spent_in_undo: AtomicBool,
    /// What ended every process does so no more.
    mended: AtomicBool,
}

impl Signals {
    /// A person has mended what ended every process.
    pub fn mend(&self) {
        self.mended.store(true, Ordering::SeqCst);
    }

    fn first_time(&self) {
        self.spent.store(true, Ordering::SeqCst);
    }

    fn is_mended(&self) -> bool {
        self.mended.load(Ordering::SeqCst)
    }

    /// Whether the fault has happened, and the one in an undo.
    fn spent(&self) -> (bool, bool) {
        (self.spent.load(Ordering::SeqCst), self.spent_in_undo.load(Ordering::SeqCst))
    }

    fn first_time_in_undo(&self) -> bool {
        !self.spent_in_undo.swap(true, Ordering::SeqCst)
    }

    async fn die<T>(&self) -> T {
        self.reached.notify_one();
        std::future::pending().await
    }

    /// Has the process told to stop, and hears it.
    async fn stop<W, R: Request>(&self, context: &Context<'_, W, R>) -> Result<(), StepError> {
        self.reached.notify_one();
        context.stopping().cancelled().await;
        Err(StepError::Stopped)
    }
}

/// What waits rests as short as anything may.
const SHORT: Duration = Duration::from_secs(1);

/// As long as what hangs is waited for: longer than the step itself takes here, or it would hang before it has done everything.
const HANG: Duration = Duration::from_millis(400);

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
    pub fn new(saga: &'static S, request: &S::Request, point: Point, signals: &Arc<Signals>) -> Self {
        let steps = saga.steps(request).into_iter().enumerate().map(|(ordinal, inner)| FaultyStep {
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

    fn steps(&self, _: &S::Request) -> Vec<&dyn Step<Self>> {
        self.steps.iter().map(|step| step as &dyn Step<Self>).collect()
    }
}

#[async_trait]
impl<S: Saga> Step<Faulty<S>> for FaultyStep<S> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    /// What is to hang is not waited for as long as in earnest.
    fn limit(&self) -> Duration {
        let (failed, undone) = self.signals.spent();
        let hangs = match self.mode {
            Some(Mode::Hang) => !failed,
            Some(Mode::HangInUndo) => failed && !undone,
            _ => false,
        };
        if hangs { HANG } else { self.inner.limit() }
    }

    fn child(&self) -> Option<&'static OperationKind> {
        self.inner.child()
    }

    async fn run(&self, context: &ContextOf<'_, S>, state: &mut S::State) -> Result<(), StepError> {
        let strikes = |mode: &Mode| {
            if *mode == Mode::Poison {
                !self.signals.is_mended()
            } else {
                !matches!(mode, Mode::Part(_)) && !self.signals.spent().0
            }
        };
        let Some(mode) = self.mode.filter(strikes) else {
            return self.inner.run(context, state).await;
        };
        if mode.does_everything_first() {
            // What has to wait for something first is broken once it has everything.
            self.inner.run(context, state).await?;
        }
        self.signals.first_time();
        match mode {
            Mode::ErrorBefore
            | Mode::ErrorAfter
            | Mode::UndoTwice
            | Mode::CrashInUndo(_)
            | Mode::PanicInUndo
            | Mode::HangInUndo
            | Mode::StopInUndo(_) => Err(StepError::failed(Kind::Invalid, "broken on purpose")),
            Mode::AnswerLost => Err(StepError::failed(Kind::Unavailable, "the answer was lost")),
            Mode::CrashBefore | Mode::CrashAfter | Mode::Poison => self.signals.die().await,
            Mode::CrashInside(waits) | Mode::StopUnheard(waits) => {
                leave_after(waits, self.inner.run(context, state)).await;
                self.signals.die().await
            }
            Mode::Stop(waits) => {
                leave_after(waits, self.inner.run(context, state)).await;
                self.signals.stop(context).await
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
            Mode::Repeat => self.inner.run(context, state).await,
            Mode::PanicBefore | Mode::PanicAfter => panics(),
            Mode::Hang => std::future::pending().await,
            Mode::LaterBefore | Mode::LaterAfter => later(SHORT),
            Mode::CancelWaiting => {
                cancel(context).await?;
                later(SHORT)
            }
            Mode::Part(_) => self.inner.run(context, state).await,
        }
    }

    async fn undo(&self, context: &ContextOf<'_, S>, state: &S::State) -> Result<(), StepError> {
        let fault = self.mode.filter(|mode| mode.is_in_undo() && self.signals.first_time_in_undo());
        match fault {
            Some(Mode::CrashInUndo(waits)) => {
                leave_after(waits, self.inner.undo(context, state)).await;
                return self.signals.die().await;
            }
            Some(Mode::StopInUndo(waits)) => {
                leave_after(waits, self.inner.undo(context, state)).await;
                return self.signals.stop(context).await;
            }
            _ => self.inner.undo(context, state).await?,
        }
        match fault {
            Some(Mode::PanicInUndo) => panics(),
            Some(Mode::HangInUndo) => std::future::pending().await,
            _ if self.undo_twice => self.inner.undo(context, state).await,
            _ => Ok(()),
        }
    }
}

/// As `panic!` does, without a word in the test's output.
fn panics<T>() -> Result<T, StepError> {
    std::panic::resume_unwind(Box::new("broken on purpose"))
}

/// What somebody's request does to the record.
async fn cancel<W, R: Request>(context: &Context<'_, W, R>) -> Result<(), StepError> {
    let cancel = "update operations set cancellation = '{\"kind\": \"cancelled\", \"detail\": \"Cancelled by a test.\"}'
                  where id = $1";
    sqlx::query(cancel).bind(context.operation()).execute(context.database()).await?;
    Ok(())
}

/// Polls the work until it has waited so often, and leaves it there for ever.
async fn leave_after<T>(waits: u32, work: impl Future<Output = T>) {
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
