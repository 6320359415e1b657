//! What happens to one platform, and when: drawn before it begins.

use std::{collections::BTreeMap, time::Duration};

use common::schedules::{Misses, Schedule};
use time::{OffsetDateTime, macros::datetime};

use super::{
    super::faults::{Fault, Faults},
    calendar::SHAPES,
};

/// Something that happens from outside.
#[derive(Debug, Clone, Copy)]
pub enum Happening {
    /// A fault that strikes a process, or the server.
    Strike(Fault),
    /// Nobody is there for so long; then perhaps until so long before the next quarter of an hour.
    Gap(Duration, Option<Duration>),
    Hold(&'static str),
    Resume(&'static str),
    Spoil(&'static str),
    /// A process of this service is replaced by one of its next version.
    Upgrade(usize),
    /// From here on nothing goes wrong.
    Calm,
}

/// A service and what each of its versions declares.
pub struct Service {
    pub name: &'static str,
    pub job: &'static str,
    pub versions: Vec<Vec<Schedule>>,
}

/// What happens when.
pub struct Plan {
    pub begin: OffsetDateTime,
    pub services: Vec<Service>,
    pub processes: usize,
    pub happenings: BTreeMap<(Duration, u32), Happening>,
    /// All the time in which nobody is there.
    pub gaps: Duration,
}

/// Both changes of 2026 in each zone.
const CHANGES: [(&str, OffsetDateTime); 8] = [
    ("Europe/Berlin", datetime!(2026-03-29 1:00 UTC)),
    ("Europe/Berlin", datetime!(2026-10-25 1:00 UTC)),
    ("America/New_York", datetime!(2026-03-08 7:00 UTC)),
    ("America/New_York", datetime!(2026-11-01 6:00 UTC)),
    ("Australia/Lord_Howe", datetime!(2026-04-04 15:00 UTC)),
    ("Australia/Lord_Howe", datetime!(2026-10-03 15:30 UTC)),
    ("America/Santiago", datetime!(2026-04-05 3:00 UTC)),
    ("America/Santiago", datetime!(2026-09-06 4:00 UTC)),
];

const NAMES: [[&str; 3]; 2] = [["a1", "a2", "a3"], ["b1", "b2", "b3"]];
const SERVICES: [(&str, &str); 2] = [("alpha", "act-alpha"), ("beta", "act-beta")];

/// Faults that need somebody to bring them about; the others befall every question, or a job.
const STRIKES: [Fault; 6] =
    [Fault::Partition, Fault::Pause, Fault::Crash, Fault::Stop, Fault::ClockJump, Fault::LeaseLoss];

const HOUR: u64 = 3_600;

impl Plan {
    pub fn draw(faults: &mut Faults) -> Self {
        let rough = faults.is_rough();
        let dice = faults.dice();
        let (zone, change) = CHANGES[dice.usize(..CHANGES.len())];
        let begin = change - Duration::from_secs(dice.u64(0..6 * HOUR));
        let services = (0..dice.usize(1..=2)).map(|number| service(dice, number, zone)).collect();
        let processes = dice.usize(2..=4);
        let mut plan = Self { begin, services, processes, happenings: BTreeMap::new(), gaps: Duration::ZERO };
        let storm_ms = dice.u64(40_000..140_000);
        for _ in 0..dice.usize(1..=4) {
            plan.gap(dice, storm_ms);
        }
        let strikes = if rough { dice.usize(0..10) } else { dice.usize(0..3) };
        for _ in 0..strikes {
            let fault = STRIKES[dice.usize(..STRIKES.len())];
            plan.at(dice.u64(0..storm_ms), Happening::Strike(fault));
        }
        plan.people(dice, storm_ms);
        plan.at(storm_ms, Happening::Calm);
        plan
    }

    fn gap(&mut self, dice: &mut fastrand::Rng, storm_ms: u64) {
        // A day of minutes is more than there is time to run: few platforms have to bear it.
        let (busy, chosen) = (self.is_busy(), self.begin.unix_timestamp() % 5 == 0);
        let secs = match dice.u32(..40) {
            0 if !busy => dice.u64(32 * 24 * HOUR..34 * 24 * HOUR),
            1 if !busy || chosen => dice.u64(25 * HOUR..27 * HOUR),
            2..4 if !busy => dice.u64(25 * HOUR..27 * HOUR),
            4..14 => dice.u64(HOUR..4 * HOUR),
            _ => dice.u64(1..30 * 60),
        };
        let gap = Duration::from_secs(secs);
        let just_before = dice.bool().then(|| Duration::from_secs(dice.u64(0..50)));
        self.gaps += gap;
        self.at(dice.u64(0..storm_ms), Happening::Gap(gap, just_before));
    }

    /// Whether a day holds hundreds of moments.
    fn is_busy(&self) -> bool {
        let mut declared = self.services.iter().flat_map(|service| service.versions.iter().flatten());
        declared.any(|schedule| SHAPES[..2].iter().any(|shape| shape.cron == schedule.cron))
    }

    fn people(&mut self, dice: &mut fastrand::Rng, storm_ms: u64) {
        let versions: Vec<_> = self.services.iter().map(|service| service.versions.len()).collect();
        for (number, (versions, names)) in versions.into_iter().zip(NAMES).enumerate() {
            for name in names {
                let at = dice.u64(0..storm_ms);
                if dice.u32(..4) == 0 {
                    self.at(at, Happening::Hold(name));
                    self.at(at + dice.u64(0..60_000), Happening::Resume(name));
                }
                if dice.u32(..12) == 0 {
                    self.at(dice.u64(0..storm_ms), Happening::Spoil(name));
                }
            }
            for _ in 1..versions {
                self.at(dice.u64(0..storm_ms), Happening::Upgrade(number));
            }
        }
    }

    pub fn at(&mut self, millis: u64, happening: Happening) {
        let number = self.happenings.len() as u32;
        self.happenings.insert((Duration::from_millis(millis), number), happening);
    }
}

fn service(dice: &mut fastrand::Rng, number: usize, zone: &'static str) -> Service {
    let (name, job) = SERVICES[number];
    let first: Vec<_> =
        NAMES[number][..dice.usize(1..=3)].iter().map(|name| schedule(dice, name, job, zone)).collect();
    let mut versions = vec![first];
    while dice.u32(..3) == 0 {
        versions.push(next_version(dice, number, &versions, zone));
        if dice.bool() {
            // It was no good: the version before comes back.
            versions.push(versions[versions.len() - 2].clone());
        }
    }
    Service { name, job, versions }
}

fn schedule(dice: &mut fastrand::Rng, name: &'static str, job: &'static str, zone: &'static str) -> Schedule {
    // Often enough that much happens while somebody is there.
    let often = if dice.u32(..3) == 0 { 2 } else { SHAPES.len() };
    let cron = SHAPES[dice.usize(..often)].cron;
    let zone = if dice.u32(..5) == 0 { CHANGES[dice.usize(..CHANGES.len())].0 } else { zone };
    let misses = if dice.bool() { Misses::CatchUp } else { Misses::Skip };
    let schedule = Schedule::new(name, job, cron, misses).on_clocks_of(zone);
    schedule.with_jitter([0, 0, 1, 10, 60, 300, 3_600][dice.usize(..7)])
}

/// One schedule more, less, back again, or another one under the same name.
fn next_version(
    dice: &mut fastrand::Rng,
    number: usize,
    versions: &[Vec<Schedule>],
    zone: &'static str,
) -> Vec<Schedule> {
    let mut next = versions[versions.len() - 1].clone();
    let (name, job) = (NAMES[number][dice.usize(..3)], SERVICES[number].1);
    let drawn = schedule(dice, name, job, zone);
    match next.iter().position(|schedule| schedule.name == name) {
        None => {
            next.push(versions[0].iter().find(|schedule| schedule.name == name).cloned().unwrap_or(drawn))
        }
        Some(at) => match dice.u32(..4) {
            0 if next.len() > 1 => drop(next.remove(at)),
            1 => next[at] = drawn,
            2 => next[at].misses = drawn.misses,
            _ => next[at].jitter_seconds = drawn.jitter_seconds,
        },
    }
    next
}
