//! Processes and a server, from the first declaration until everything is over.

use std::{sync::Arc, time::Duration};

use common::{
    schedules::{Job, Runner},
    service::Tasks,
};
use tokio::time::Instant;

use super::{
    super::{
        faults::{Fault, Faults},
        link::{Link, Weather},
        process::Process,
    },
    Outcome,
    job::Act,
    outside::Reach,
    plan::{Happening, Plan},
    sim::Sim,
};
use crate::{memory::schedules::Pause, seeds::Violation};

/// A whole platform.
pub struct Platform {
    pub sim: Arc<Sim>,
    pub replicas: Vec<Replica>,
    /// What happens beside the processes.
    pub tasks: Tasks,
    pub plan: Plan,
    /// The version that each service's new processes are of.
    pub versions: Vec<usize>,
    started: usize,
}

/// A process, and of which service and version it is.
#[derive(Clone)]
pub struct Replica {
    pub process: Arc<Process>,
    pub service: usize,
    pub version: usize,
}

/// Once nothing goes wrong any more, everything ends within this time, and as long again for each firing that is open.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

impl Platform {
    pub fn new(seed: u64) -> Self {
        let mut faults = Faults::new(seed);
        let plan = Plan::draw(&mut faults);
        let sim = Sim::new(faults, &plan);
        let (versions, tasks) = (vec![0; plan.services.len()], Tasks::default());
        let mut platform = Self { sim, replicas: vec![], tasks, plan, versions, started: 0 };
        for number in 0..platform.plan.processes {
            platform.start(number % platform.plan.services.len());
        }
        platform
    }

    /// Starts one more process of this service.
    pub fn start(&mut self, service: usize) {
        self.started += 1;
        let (process, version) = (Process::new(format!("p{}", self.started)), self.versions[service]);
        let of = &self.plan.services[service];
        self.sim.note(format_args!("{} starts, {} version {version}", process.name, of.name));
        let reach = Reach { sim: self.sim.clone(), process: process.clone() };
        let link = Link { sim: self.sim.clone(), process: process.clone() };
        let job: Box<dyn Job> = Box::new(Act { name: of.job, reach });
        let runner = Runner::new(link, of.name, &of.versions[version], vec![job]);
        runner.expect("what is drawn can be planned").spawn(&process.tasks);
        self.replicas.push(Replica { process, service, version });
    }

    /// Lets everything happen, and waits for the end of every firing.
    pub async fn run(mut self) -> Result<Outcome, Violation> {
        let start = Instant::now();
        while let Some(((at, _), happening)) = self.plan.happenings.pop_first() {
            tokio::time::sleep_until(start + at).await;
            self.bury();
            self.happen(happening);
            self.verdict()?;
        }
        self.wait_for_the_end().await?;
        let rows = self.sim.record.rows().clone();
        self.sim.oracle().settle(&rows, &self.sim.outside(), self.sim.now());
        self.verdict()?;
        let (trace, faults) = (self.sim.trace().hash(), self.sim.faults().counts().clone());
        let seen = self.sim.oracle().seen().clone();
        Ok(Outcome { trace, faults, seen })
    }

    async fn wait_for_the_end(&mut self) -> Result<(), Violation> {
        // Enough for each process to declare and to look, also for one that waits for the slowest answer there is.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let (calm, mut left) = (Instant::now(), self.sim.oracle().open());
        let patience = PATIENCE * u32::try_from(left.len() + 1).unwrap_or(u32::MAX);
        while !left.is_empty() {
            if calm.elapsed() > patience {
                let rule = format_args!("everything ends; {patience:?} were not enough");
                self.sim.oracle().violated(super::name(&left[0]), rule);
            }
            self.verdict()?;
            self.bury();
            self.skip_pauses();
            tokio::time::sleep(Duration::from_secs(2)).await;
            left = self.sim.oracle().open();
        }
        self.verdict()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Strike(fault) => self.strike(fault),
            Happening::Gap(gap, just_before) => self.gap(gap, just_before),
            Happening::Hold(schedule) => self.hold(schedule),
            Happening::Resume(schedule) => self.resume(schedule),
            Happening::Spoil(schedule) => self.spoil(schedule),
            Happening::Upgrade(service) => self.upgrade(service),
            Happening::Calm => self.calm(),
        }
    }

    fn hold(&self, schedule: &str) {
        let pause = Pause { by: "ada".into(), why: "because".into() };
        if self.sim.record.pause(schedule, Some(pause)) {
            self.sim.note(format_args!("{schedule} is held"));
            self.sim.faults().count(Fault::Hold);
            self.sim.oracle().held(schedule, true);
        }
    }

    /// Whoever resumes a schedule has looked why it rests.
    pub fn resume(&self, schedule: &str) {
        let cron = self.sim.oracle().cron_of(schedule);
        if let Some(cron) = cron.filter(|cron| self.sim.record.edit(schedule, cron)) {
            self.sim.note(format_args!("{schedule} is resumed as {cron}"));
            self.sim.oracle().spoiled(schedule, false);
            self.sim.record.pause(schedule, None);
            self.sim.oracle().held(schedule, false);
        }
    }

    fn spoil(&self, schedule: &str) {
        if self.sim.record.edit(schedule, "0 0 30 2 *") {
            self.sim.note(format_args!("{schedule} is spoiled"));
            self.sim.faults().count(Fault::Spoil);
            self.sim.oracle().spoiled(schedule, true);
        }
    }

    fn verdict(&self) -> Result<(), Violation> {
        let rule = self.sim.oracle().violation().map(str::to_owned);
        rule.map_or(Ok(()), |rule| Err(Violation { rule, trace: self.sim.trace().lines().to_vec() }))
    }
}
