//! What goes wrong, when, and how often.

use std::{collections::BTreeMap, time::Duration};

/// Everything that can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A question or its answer takes a while.
    Delay,
    /// A question is lost before it has any effect.
    Drop,
    /// It takes effect, and its answer is lost.
    LostAnswer,
    /// The answer takes longer than a lease lasts.
    Slow,
    /// A process reaches nothing for a while.
    Partition,
    /// A process stands still, perhaps past its leases, and goes on.
    Pause,
    /// A process ends at whatever it waits for.
    Crash,
    /// A process is told to stop.
    Stop,
    /// The server's clock jumps, forward or back.
    ClockJump,
    /// A lease ends early.
    LeaseLoss,
    /// What was true a while ago is answered.
    StaleRead,
    /// A system outside answers with an error.
    Error,
    /// It does what was asked, or a part of it, and answers with an error.
    HalfDone,
    /// A request, a wake-up or an acceptance arrives twice.
    Duplicate,
    /// Wake-ups overtake one another.
    Reorder,
    /// A wake-up never arrives.
    LostWake,
    /// A step, or its undo, fails until a person mends it; a job fails whenever it is run for this firing.
    Broken,
    /// A job takes longer than a lease lasts. A step never ends, and hears nothing.
    Hang,
    /// A job ends its process whenever it is run for this firing; a step whenever it is begun, until a person mends it.
    Poison,
    /// A step waits for minutes, and listens whether its process stops.
    Linger,
    /// A step cannot be done yet.
    Later,
    /// A step panics, before or after it does what it should.
    Panic,
    /// Nobody is there for a while: minutes, a day, more than a month.
    Gap,
    /// A person holds a schedule back, and lets it go on.
    Hold,
    /// Somebody edits a schedule's row so that nobody can follow it.
    Spoil,
    /// A process of another version declares other schedules.
    Upgrade,
}

impl Fault {
    /// What befalls operations and schedules alike.
    const BOTH: [Self; 15] = [
        Self::Delay,
        Self::Drop,
        Self::LostAnswer,
        Self::Slow,
        Self::Partition,
        Self::Pause,
        Self::Crash,
        Self::Stop,
        Self::ClockJump,
        Self::LeaseLoss,
        Self::StaleRead,
        Self::Error,
        Self::HalfDone,
        Self::Duplicate,
        Self::Broken,
    ];

    /// What befalls operations.
    pub fn of_operations() -> impl Iterator<Item = Self> {
        let own =
            [Self::Reorder, Self::LostWake, Self::Hang, Self::Poison, Self::Linger, Self::Later, Self::Panic];
        Self::BOTH.into_iter().chain(own)
    }

    /// What befalls schedules. Nobody wakes them, so no wake-up is lost or overtaken.
    pub fn of_schedules() -> impl Iterator<Item = Self> {
        let own = [Self::Hang, Self::Poison, Self::Gap, Self::Hold, Self::Spoil, Self::Upgrade];
        Self::BOTH.into_iter().chain(own)
    }
}

/// The dice, and a count of what they said.
pub struct Faults {
    dice: fastrand::Rng,
    /// How likely each fault is at each occasion, in percent; 0 once calm.
    percent: u32,
    counts: BTreeMap<Fault, usize>,
}

/// What becomes of one question.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fate {
    pub before: Duration,
    pub after: Duration,
    pub dropped: bool,
    pub answer_lost: bool,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let percent = *[0, 1, 3, 6, 12].get(dice.usize(..5)).unwrap();
        Self { dice, percent, counts: BTreeMap::new() }
    }

    pub fn dice(&mut self) -> &mut fastrand::Rng {
        &mut self.dice
    }

    /// Whether anything goes wrong at all with this seed.
    pub fn is_rough(&self) -> bool {
        self.percent > 0
    }

    /// Nothing goes wrong any more.
    pub fn calm(&mut self) {
        self.percent = 0;
    }

    pub fn counts(&self) -> &BTreeMap<Fault, usize> {
        &self.counts
    }

    pub fn count(&mut self, fault: Fault) {
        *self.counts.entry(fault).or_default() += 1;
    }

    /// Whether this goes wrong now.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        let strikes = self.dice.u32(..100) < self.percent;
        if strikes {
            self.count(fault);
        }
        strikes
    }

    /// The same for what takes so long that nothing else would get the time to happen.
    pub fn rarely(&mut self, fault: Fault) -> bool {
        self.dice.u32(..8) == 0 && self.strikes(fault)
    }

    pub fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.dice.u64(range))
    }

    /// What becomes of a question to a server.
    pub fn fate(&mut self) -> Fate {
        // Even a healthy network takes its time, so that what happens at once can happen in any order.
        let mut fate = Fate { before: self.millis(0..4), after: self.millis(0..4), ..Fate::default() };
        if self.strikes(Fault::Delay) {
            fate.before += self.millis(1..3_000);
        }
        if self.strikes(Fault::StaleRead) {
            fate.after += self.millis(1..8_000);
        }
        if self.rarely(Fault::Slow) {
            fate.after += self.millis(15_000..40_000);
        }
        fate.dropped = self.strikes(Fault::Drop);
        fate.answer_lost = self.strikes(Fault::LostAnswer);
        fate
    }
}
