//! The systems that operations act on, and the ledger of what was done to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use common::{error::Kind, id::OperationId, operations::StepError};

use super::{
    faults::{Fate, Fault},
    link::Weather,
    name,
    process::Process,
    sim::Sim,
};

/// Each step has this many effects, so that it can be half done.
pub const PARTS: usize = 2;

/// One effect: of an operation, its step, and a part of that.
pub type Effect = (OperationId, usize, usize);

/// What there is outside.
#[derive(Default)]
pub struct Outside {
    present: BTreeSet<Effect>,
    broken: BTreeMap<OperationId, Broken>,
    windows: BTreeMap<OperationId, Window>,
}

/// A step that fails until a person mends it.
#[derive(Debug, Clone, Copy)]
pub struct Broken {
    pub ordinal: usize,
    /// Whether doing, or undoing, is what fails.
    pub doing: bool,
    /// None: it ends its process.
    pub kind: Option<Kind>,
}

/// A step that has to wait for something before one of its parts.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub ordinal: usize,
    pub part: usize,
    /// How often somebody looks in vain.
    pub looks: u32,
}

impl Outside {
    pub fn of_operation(&self, id: OperationId) -> usize {
        self.present.iter().filter(|(operation, ..)| *operation == id).count()
    }

    pub fn break_down(&mut self, id: OperationId, broken: Broken) {
        self.broken.insert(id, broken);
    }

    pub fn mend(&mut self, id: OperationId) {
        self.broken.remove(&id);
    }

    pub fn hold(&mut self, id: OperationId, window: Window) {
        self.windows.insert(id, window);
    }

    /// Somebody looks whether this can be done.
    pub fn is_closed(&mut self, (id, ordinal, part): Effect) -> bool {
        let window =
            self.windows.get_mut(&id).filter(|window| (window.ordinal, window.part) == (ordinal, part));
        let closed = window.filter(|window| window.looks > 0);
        closed.map(|window| window.looks -= 1).is_some()
    }

    fn trouble(&self, (id, ordinal, _): Effect, doing: bool) -> Option<Broken> {
        self.broken.get(&id).copied().filter(|broken| broken.ordinal == ordinal && broken.doing == doing)
    }
}

/// The outside as one process reaches it: the world of the simulated sagas.
pub struct Reach {
    pub sim: Arc<Sim>,
    pub process: Arc<Process>,
}

fn failed(kind: Kind) -> StepError {
    StepError::failed(kind, "broken by the simulation")
}

impl Reach {
    async fn go(&self) -> Result<Fate, StepError> {
        self.process.gate().await;
        let fate = self.sim.faults().fate();
        self.process.travel(fate.before).await;
        if fate.dropped || self.process.is_cut_off() {
            return Err(failed(Kind::Unavailable));
        }
        Ok(fate)
    }

    async fn come_back<T>(&self, fate: Fate, answer: T) -> Result<T, StepError> {
        self.process.travel(fate.after).await;
        if fate.answer_lost || self.process.is_cut_off() {
            return Err(failed(Kind::Timeout));
        }
        Ok(answer)
    }

    /// Whether this effect is there.
    pub async fn look(&self, effect: Effect) -> Result<bool, StepError> {
        let fate = self.go().await?;
        let present = self.sim.outside().present.contains(&effect);
        self.come_back(fate, present).await
    }

    /// Makes an effect be there, or not be there.
    pub async fn act(&self, effect: Effect, doing: bool) -> Result<(), StepError> {
        let fate = self.go().await?;
        let (id, ordinal, part) = effect;
        let what = if doing { "does" } else { "undoes" };
        let trouble = self.sim.outside().trouble(effect, doing);
        if let Some(broken) = trouble {
            match broken.kind {
                Some(kind) => return Err(failed(kind)),
                None => self.end_process(id).await,
            }
        }
        self.misbehave(id).await;
        if self.sim.faults().strikes(Fault::Error) {
            return Err(failed(self.some_kind()));
        }
        let landed = self.sim.oracle().landed(effect, doing);
        self.sim.note(format_args!(
            "{}: {what} step {ordinal} part {part} of {}: {landed}",
            self.process.name,
            name(id)
        ));
        // Nobody takes a request whose sender was overtaken while it was on its way.
        if !landed {
            return Err(failed(Kind::Conflict));
        }
        let twice = self.sim.faults().strikes(Fault::Duplicate);
        for _ in 0..=usize::from(twice) {
            let mut outside = self.sim.outside();
            if doing {
                outside.present.insert(effect)
            } else {
                outside.present.remove(&effect)
            };
        }
        if self.sim.faults().strikes(Fault::HalfDone) {
            return Err(failed(self.some_kind()));
        }
        self.misbehave(id).await;
        self.come_back(fate, ()).await
    }

    /// Its process ends in the middle of it, every time.
    async fn end_process(&self, id: OperationId) -> ! {
        self.sim.note(format_args!("{}: ends of {}", self.process.name, name(id)));
        self.process.kill();
        self.sim.died.notify_one();
        std::future::pending().await
    }

    /// It never ends, or panics.
    async fn misbehave(&self, id: OperationId) {
        if self.sim.faults().rarely(Fault::Hang) {
            self.sim.note(format_args!("{}: hangs in {}", self.process.name, name(id)));
            std::future::pending::<()>().await;
        }
        if self.sim.faults().strikes(Fault::Panic) {
            self.sim.note(format_args!("{}: panics in {}", self.process.name, name(id)));
            self.sim.oracle().panics(id);
            // As `panic!` does, and nobody's log is full of it.
            std::panic::resume_unwind(Box::new("broken by the simulation"));
        }
    }

    /// Mostly something that passes.
    fn some_kind(&self) -> Kind {
        const KINDS: [Kind; 8] = [
            Kind::Unavailable,
            Kind::Unavailable,
            Kind::Throttled,
            Kind::Timeout,
            Kind::Timeout,
            Kind::Upstream,
            Kind::Upstream,
            Kind::Internal,
        ];
        let mut faults = self.sim.faults();
        if faults.dice().u32(..20) == 0 {
            return Kind::Conflict;
        }
        let chosen = faults.dice().usize(..KINDS.len());
        KINDS[chosen]
    }
}
