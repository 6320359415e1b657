//! Faults that befall processes and the server, and the people who help.

use std::{sync::Arc, time::Duration};

use common::id::OperationId;
use tokio::time::Instant;

use super::{faults::Fault, link::Weather, name, platform::Platform, process::Process};
use crate::memory::Status;

/// As long as a service is given to stop.
const STOPPING: Duration = Duration::from_secs(10);

impl Platform {
    /// A wake-up goes to one process, if it arrives at all.
    pub fn wake(&self) {
        let mut faults = self.sim.faults();
        if faults.strikes(Fault::LostWake) {
            return;
        }
        let chosen = faults.dice().usize(..self.processes.len());
        let times = 1 + usize::from(faults.strikes(Fault::Duplicate));
        for _ in 0..times {
            let delay =
                if faults.strikes(Fault::Reorder) { faults.millis(0..5_000) } else { faults.millis(0..5) };
            let wake = self.processes[chosen].wake.clone();
            self.tasks.spawn("wake-up", async move {
                tokio::time::sleep(delay).await;
                wake.now();
            });
        }
    }

    /// Somebody calls an operation off.
    pub fn cancel(&self, id: OperationId) {
        let accepted = self.sim.record.cancel(id);
        self.sim.note(format_args!("cancelling {}: {accepted}", name(id)));
        if accepted {
            self.sim.oracle().cancelled(id);
        }
        self.wake();
    }

    pub fn strike(&mut self, fault: Fault) {
        let (chosen, seconds) = {
            let mut faults = self.sim.faults();
            faults.count(fault);
            (faults.dice().usize(..self.processes.len()), faults.millis(100..45_000))
        };
        let process = self.processes[chosen].clone();
        self.sim.note(format_args!("{fault:?}: {}, {seconds:?}", process.name));
        match fault {
            Fault::Partition => process.cut_off(seconds),
            Fault::Pause => process.pause(seconds),
            Fault::Crash => {
                process.kill();
                self.replace(chosen);
            }
            Fault::Stop => {
                self.stop(process);
                self.replace(chosen);
            }
            Fault::ClockJump => {
                let millis = self.sim.faults().dice().i64(-60_000..60_000);
                self.sim.jump(millis);
            }
            Fault::LeaseLoss => self.end_a_lease(),
            // These befall questions, wake-ups and steps by themselves.
            Fault::Delay
            | Fault::Drop
            | Fault::LostAnswer
            | Fault::Slow
            | Fault::StaleRead
            | Fault::Error
            | Fault::HalfDone
            | Fault::Duplicate
            | Fault::Reorder
            | Fault::LostWake
            | Fault::Broken
            | Fault::Hang
            | Fault::Poison
            | Fault::Linger
            | Fault::Later
            | Fault::Panic => {}
            // And these schedules.
            Fault::Gap | Fault::Hold | Fault::Spoil | Fault::Upgrade => {}
        }
    }

    fn replace(&mut self, chosen: usize) {
        self.processes.remove(chosen);
        self.start();
    }

    /// A process that a step has ended is started again.
    pub fn bury(&mut self) {
        let living = self.processes.len();
        self.processes.retain(|process| !process.is_dead());
        (self.processes.len()..living).for_each(|_| self.start());
    }

    /// It finishes what it has in hand, or gives it back, if it can in time.
    fn stop(&self, process: Arc<Process>) {
        let sim = self.sim.clone();
        self.tasks.spawn("stop", async move {
            let told = Instant::now();
            let in_time = process.tasks.finish(STOPPING).await.is_ok();
            if !in_time {
                let excused = process.is_dead() || process.was_held_up_since(told);
                sim.oracle().stopped_late(&process.name, excused);
                process.kill();
            }
        });
    }

    fn end_a_lease(&self) {
        let now = self.sim.record.now();
        let mut rows = self.sim.record.rows();
        let held: Vec<_> =
            rows.iter_mut().filter(|row| row.lease_until.is_some_and(|until| until > now)).collect();
        if held.is_empty() {
            return;
        }
        let chosen = self.sim.faults().dice().usize(..held.len());
        if let Some(row) = held.into_iter().nth(chosen) {
            row.lease_until = Some(now);
            self.sim.oracle().lease_ended(row.id, now);
        }
    }

    /// A person looks after what is stuck: mends it or forgets to, and lets it go on or gives it up.
    pub fn help(&self) {
        let rows = self.sim.record.rows().clone();
        for row in rows.iter().filter(|row| row.status == Status::Stuck) {
            let (mended, given_up) = {
                let mut faults = self.sim.faults();
                (faults.dice().bool(), faults.dice().u32(..4) == 0)
            };
            self.sim.note(format_args!("{} is helped: mended {mended}, given up {given_up}", name(row.id)));
            if mended {
                self.sim.outside().mend(row.id);
            }
            if given_up {
                let before = self.sim.called_off(row.id);
                assert!(self.sim.record.abandon(row.id));
                self.sim.oracle().abandoned(row.id);
                self.sim.tell_called_off(row.id, &before);
                continue;
            }
            assert!(self.sim.record.resume(row.id));
            let resumed = self
                .sim
                .record
                .rows()
                .iter()
                .find(|r| r.id == row.id)
                .and_then(|r| r.journal.last().cloned());
            self.sim.oracle().resumed(row.id, resumed.expect("a person leaves an entry"));
        }
    }
}
