//! The systems that jobs act on, what was done to them, and which firings they fail for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use common::error::{Classify, Kind};

use super::{
    super::{
        faults::{Fate, Fault, Faults},
        link::Weather,
        process::Process,
    },
    name,
    sim::Sim,
};
use crate::memory::schedules::Key;

/// Each firing has this many effects, so that it can be half done.
pub const PARTS: usize = 2;

/// What there is outside.
#[derive(Default)]
pub struct Outside {
    present: BTreeSet<(Key, usize)>,
    troubles: BTreeMap<Key, Option<Trouble>>,
}

/// What a job runs into whenever it is run for this firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Fails(Kind),
    /// It finds that something is so.
    Finds,
    /// Its process ends.
    Poison,
}

/// Something a job did not get done.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("broken by the simulation")]
pub struct Failed(pub Kind);

impl Classify for Failed {
    fn kind(&self) -> Kind {
        self.0
    }
}

/// Mostly what passes.
const KINDS: [Kind; 6] =
    [Kind::Unavailable, Kind::Throttled, Kind::Timeout, Kind::Upstream, Kind::Internal, Kind::Conflict];

impl Outside {
    pub fn effects(&self) -> impl Iterator<Item = &Key> {
        self.present.iter().map(|(key, _)| key)
    }

    pub fn is_done(&self, key: &Key) -> bool {
        (0..PARTS).all(|part| self.present.contains(&(key.clone(), part)))
    }

    /// What is the matter with this firing; found out when it is run for the first time.
    pub fn trouble(&mut self, key: &Key, faults: &mut Faults) -> Option<Trouble> {
        *self.troubles.entry(key.clone()).or_insert_with(|| {
            if !faults.is_rough() {
                return None;
            }
            let kind = KINDS[faults.dice().usize(..KINDS.len())];
            let (fault, trouble) = match faults.dice().u32(..200) {
                0 => (Fault::Poison, Trouble::Poison),
                1 => (Fault::Broken, Trouble::Finds),
                2..6 => (Fault::Broken, Trouble::Fails(kind)),
                _ => return None,
            };
            faults.count(fault);
            Some(trouble)
        })
    }
}

/// The outside as one process reaches it.
#[derive(Clone)]
pub struct Reach {
    pub sim: Arc<Sim>,
    pub process: Arc<Process>,
}

impl Reach {
    async fn go(&self, key: &Key) -> Result<Fate, Failed> {
        self.process.gate().await;
        self.sim.oracle().acts(&self.process.name, key);
        let fate = self.sim.faults().fate();
        self.process.travel(fate.before).await;
        if fate.dropped || self.process.is_cut_off() {
            return Err(Failed(Kind::Unavailable));
        }
        Ok(fate)
    }

    async fn come_back<T>(&self, fate: Fate, answer: T) -> Result<T, Failed> {
        self.process.travel(fate.after).await;
        if fate.answer_lost || self.process.is_cut_off() {
            return Err(Failed(Kind::Timeout));
        }
        Ok(answer)
    }

    /// Whether this part of a firing's work is done.
    pub async fn look(&self, key: &Key, part: usize) -> Result<bool, Failed> {
        let fate = self.go(key).await?;
        let done = self.sim.outside().present.contains(&(key.clone(), part));
        self.come_back(fate, done).await
    }

    /// Does it, under the firing's key: twice is as good as once.
    pub async fn act(&self, key: &Key, part: usize) -> Result<(), Failed> {
        let fate = self.go(key).await?;
        if self.sim.faults().strikes(Fault::Error) {
            return Err(Failed(self.some_kind()));
        }
        let twice = self.sim.faults().strikes(Fault::Duplicate);
        for _ in 0..=usize::from(twice) {
            self.sim.note(format_args!("{}: does part {part} of {}", self.process.name, name(key)));
            self.sim.outside().present.insert((key.clone(), part));
        }
        if self.sim.faults().strikes(Fault::HalfDone) {
            return Err(Failed(self.some_kind()));
        }
        self.come_back(fate, ()).await
    }

    /// Work that takes its time, now and then longer than a lease.
    pub async fn think(&self) {
        let (hangs, time) = {
            let mut faults = self.sim.faults();
            let hangs = faults.dice().u32(..4) == 0 && faults.strikes(Fault::Hang);
            (hangs, faults.millis(5_000..60_000))
        };
        self.process.travel(if hangs { time } else { Duration::ZERO }).await;
    }

    fn some_kind(&self) -> Kind {
        // Rarely one that does not pass.
        let mut faults = self.sim.faults();
        let passing = if faults.dice().u32(..20) == 0 { KINDS.len() } else { KINDS.len() - 1 };
        KINDS[faults.dice().usize(..passing)]
    }
}
