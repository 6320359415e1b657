//! Faults that befall processes and the server, and what people do about them.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;

use super::{
    super::{faults::Fault, link::Weather, process::Process},
    platform::{Platform, Replica},
};

/// As long as a service is given to stop.
const STOPPING: Duration = Duration::from_secs(10);
/// Nobody waits for a pause that is longer than this: the clock moves on.
const DULL: time::Duration = time::Duration::seconds(20);

impl Platform {
    pub fn strike(&mut self, fault: Fault) {
        let (chosen, time) = {
            let mut faults = self.sim.faults();
            faults.count(fault);
            (faults.dice().usize(..self.replicas.len()), faults.millis(100..45_000))
        };
        let process = self.replicas[chosen].process.clone();
        self.sim.note(format_args!("{fault:?}: {}, {time:?}", process.name));
        match fault {
            Fault::Partition => process.cut_off(time),
            Fault::Pause => process.pause(time),
            Fault::Crash => {
                process.kill();
                self.bury();
            }
            Fault::Stop => {
                let Replica { service, .. } = self.replicas.remove(chosen);
                self.stop(process);
                self.start(service);
            }
            Fault::ClockJump => {
                let far = if self.sim.faults().dice().u32(..3) == 0 { 3_600_000 } else { 60_000 };
                let millis = self.sim.faults().dice().i64(-far..far);
                self.sim.note(format_args!("the clock jumps by {millis} ms"));
                self.sim.jump(millis);
            }
            Fault::LeaseLoss => self.end_a_lease(),
            // These befall questions and jobs by themselves.
            Fault::Delay
            | Fault::Drop
            | Fault::LostAnswer
            | Fault::Slow
            | Fault::StaleRead
            | Fault::Error
            | Fault::HalfDone
            | Fault::Duplicate
            | Fault::Broken
            | Fault::Hang
            | Fault::Poison => {}
            // These are happenings of their own, and these befall operations.
            Fault::Gap | Fault::Hold | Fault::Spoil | Fault::Upgrade => {}
            Fault::Reorder | Fault::LostWake | Fault::Linger | Fault::Later | Fault::Panic => {}
        }
    }

    /// A process that ended is started again.
    pub fn bury(&mut self) {
        let (dead, alive) =
            std::mem::take(&mut self.replicas).into_iter().partition(|replica| replica.process.is_dead());
        self.replicas = alive;
        let dead: Vec<Replica> = dead;
        dead.into_iter().for_each(|replica| self.start(replica.service));
    }

    /// It gives back what it has in hand, if it can in time.
    fn stop(&self, process: Arc<Process>) {
        self.sim.oracle().stops(&process.name);
        self.tasks.spawn("stop", async move {
            if process.tasks.finish(STOPPING).await.is_err() {
                process.kill();
            }
        });
    }

    /// One process is replaced by one of the next version; the others stay as they are.
    pub fn upgrade(&mut self, service: usize) {
        let last = self.plan.services[service].versions.len() - 1;
        self.versions[service] = last.min(self.versions[service] + 1);
        self.sim.faults().count(Fault::Upgrade);
        if let Some(at) = self.replicas.iter().position(|replica| replica.service == service) {
            let Replica { process, .. } = self.replicas.remove(at);
            self.stop(process);
        }
        self.start(service);
    }

    /// All processes end, and as many begin when the time has passed.
    pub fn gap(&mut self, gap: Duration, just_before: Option<Duration>) {
        self.sim.faults().count(Fault::Gap);
        let mut until = self.sim.now() + gap;
        if let Some(before) = just_before {
            let quarter = 900 - until.unix_timestamp().rem_euclid(900);
            until += time::Duration::seconds(quarter) - before;
        }
        self.sim.note(format_args!("nobody is there until {until}"));
        self.replicas.iter().for_each(|replica| replica.process.kill());
        self.leap(until);
        self.bury();
    }

    fn leap(&self, until: OffsetDateTime) {
        let millis = (until - self.sim.now()).whole_milliseconds();
        self.sim.jump(i64::try_from(millis).unwrap_or_default().max(0));
    }

    fn end_a_lease(&self) {
        let (now, mut rows) = (self.sim.now(), self.sim.record.rows());
        let held =
            rows.firings.iter_mut().filter(|(_, row)| row.lease_until.is_some_and(|until| until > now));
        let held: Vec<_> = held.collect();
        if held.is_empty() {
            return;
        }
        let chosen = self.sim.faults().dice().usize(..held.len());
        if let Some((key, row)) = held.into_iter().nth(chosen) {
            row.lease_until = Some(now);
            self.sim.oracle().lease_ended(key, now);
        }
    }

    /// Nothing goes wrong any more: what is held goes on, and every process is of the last version.
    pub fn calm(&mut self) {
        self.sim.note(format_args!("calm"));
        self.sim.faults().calm();
        let schedules: Vec<_> = self.sim.record.rows().schedules.keys().cloned().collect();
        schedules.iter().for_each(|schedule| self.resume(schedule));
        for service in 0..self.versions.len() {
            self.versions[service] = self.plan.services[service].versions.len() - 1;
        }
        let versions = self.versions.clone();
        let old = self.replicas.iter().filter(|replica| replica.version < versions[replica.service]);
        old.for_each(|replica| replica.process.kill());
        self.replicas.iter().for_each(|replica| replica.process.heal());
        self.bury();
    }

    /// When everything that is open waits, for a pause or for the lease of somebody who is gone, the clock moves on.
    pub fn skip_pauses(&self) {
        let (now, open) = (self.sim.now(), self.sim.oracle().open());
        let rows = self.sim.record.rows().clone();
        let free = |name: &String| {
            let (_, row) = rows.first_open(name)?;
            Some(row.lease_until.unwrap_or(row.not_before).max(row.not_before))
        };
        let next = open.iter().filter_map(|(name, _)| free(name)).min();
        if let Some(next) = next.filter(|next| *next > now + DULL) {
            self.sim.note(format_args!("nothing happens until {next}"));
            self.leap(next);
        }
    }
}
