//! From what containers have used so far to what they use.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use time::OffsetDateTime;
use wire::ContainerUsage;

use crate::fleet::Limits;

/// What a tenant's containers use together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Use {
    /// Of the processors that all of them may use together; `None` until two readings make a rate.
    pub cpu_percent: Option<f64>,
    /// In bytes, all of them together.
    pub memory: u64,
    /// Of its own limit, the one that is nearest to it: that one is killed, however much the others have left.
    pub memory_percent: f64,
}

/// A container's last reading, and how many processors it used up to then.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: OffsetDateTime,
    cpu: Duration,
    cores: Option<f64>,
}

/// The last readings of all containers, by their names.
#[derive(Debug, Default)]
pub struct Readings(HashMap<String, Reading>);

/// Between readings that are further apart nothing is known of the time in between.
const APART: time::Duration = time::Duration::minutes(2);

impl Readings {
    /// What the containers with these limits use by this reading. `None`: not one of them was read.
    pub fn note(
        &mut self,
        limits: &BTreeMap<String, Limits>,
        used: &HashMap<String, ContainerUsage>,
    ) -> Option<Use> {
        let read: Vec<_> =
            limits.iter().filter_map(|(name, limits)| Some((limits, used.get(name)?))).collect();
        if read.is_empty() {
            return None;
        }
        let rates: Vec<_> = read
            .iter()
            .filter_map(|(limits, used)| Some((f64::from(limits.cpu_millis) / 1000.0, self.cores(used)?)))
            .collect();
        let allowed: f64 = rates.iter().map(|(allowed, _)| allowed).sum();
        let cores: f64 = rates.iter().map(|(_, cores)| cores).sum();
        let full = |limits: &Limits, used: &ContainerUsage| {
            used.memory as f64 / (f64::from(limits.memory_mb) * f64::from(1 << 20)) * 100.0
        };
        Some(Use {
            cpu_percent: (allowed > 0.0).then(|| cores / allowed * 100.0),
            memory: read.iter().map(|(_, used)| used.memory).sum(),
            memory_percent: read.iter().map(|(limits, used)| full(limits, used)).fold(0.0, f64::max),
        })
    }

    /// How many processors it used since it was read before.
    fn cores(&mut self, used: &ContainerUsage) -> Option<f64> {
        let now = Reading { at: used.at, cpu: used.cpu, cores: None };
        let before = self.0.insert(used.name.clone(), now);
        let cores = match before {
            // The same reading again: nobody has measured since.
            Some(before) if before.at == used.at => before.cores,
            Some(before) => rate(&before, used),
            None => None,
        };
        if let Some(reading) = self.0.get_mut(&used.name) {
            reading.cores = cores;
        }
        cores
    }

    /// Forgets containers that nobody has read for a while.
    pub fn forget(&mut self, now: OffsetDateTime) {
        self.0.retain(|_, reading| now - reading.at < APART);
    }
}

/// `None` for one that was started anew in between: its time began at zero again.
fn rate(before: &Reading, used: &ContainerUsage) -> Option<f64> {
    let apart = used.at - before.at;
    let spent = used.cpu.checked_sub(before.cpu)?;
    (apart.is_positive() && apart < APART).then(|| spent.as_secs_f64() / apart.as_seconds_f64())
}

#[cfg(test)]
mod tests {
    use common::id::TenantId;
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-11-28 12:00 UTC);

    fn read(name: &str, after: i64, cpu_ms: u64, memory_mb: u64) -> (String, ContainerUsage) {
        let at = START + time::Duration::seconds(after);
        let tenant = TenantId::from_uuid(uuid::Uuid::nil());
        let cpu = Duration::from_millis(cpu_ms);
        (name.into(), ContainerUsage { name: name.into(), tenant, at, cpu, memory: memory_mb << 20 })
    }

    fn limits(names: &[&str]) -> BTreeMap<String, Limits> {
        let one = Limits { cpu_millis: 1000, memory_mb: 1000 };
        names.iter().map(|name| ((*name).to_owned(), one)).collect()
    }

    #[test]
    fn two_readings_make_a_rate_and_memory_is_that_of_the_fullest() {
        let mut readings = Readings::default();
        let both = limits(&["main", "worker"]);
        let first = readings.note(&both, &[read("main", 0, 500, 100), read("worker", 0, 0, 850)].into());
        assert_eq!(first, Some(Use { cpu_percent: None, memory: 950 << 20, memory_percent: 85.0 }));
        let used = [read("main", 10, 5_500, 100), read("worker", 10, 10_000, 850)].into();
        assert_eq!(readings.note(&both, &used).unwrap().cpu_percent, Some(75.0));
        assert_eq!(readings.note(&both, &used).unwrap().cpu_percent, Some(75.0), "nobody measured since");
    }

    #[test]
    fn what_began_anew_or_was_not_seen_for_long_makes_no_rate_and_spoils_no_others() {
        let mut readings = Readings::default();
        let both = limits(&["main", "worker"]);
        readings.note(&both, &[read("main", 0, 9_000, 1), read("worker", 0, 9_000, 1)].into());
        let used = [read("main", 10, 1_000, 1), read("worker", 10, 14_000, 1)].into();
        assert_eq!(readings.note(&both, &used).unwrap().cpu_percent, Some(50.0));
        let late = [read("main", 500, 90_000, 1)].into();
        assert_eq!(readings.note(&both, &late).unwrap().cpu_percent, None);
        readings.forget(START + time::Duration::seconds(510));
        assert_eq!(readings.0.len(), 1);
        assert_eq!(readings.note(&both, &HashMap::new()), None, "what was not read is not zero");
    }
}
