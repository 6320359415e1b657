//! Processes and a server, from the first acceptance until everything is over.

use std::{sync::Arc, time::Duration};

use common::{
    operations::{Drive, Gate, Store, Worker},
    service::Tasks,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::time::Instant;

use super::{
    Outcome,
    faults::Fault,
    link::{Link, Weather},
    outside::Reach,
    plan::{self, Happening, Plan},
    process::Process,
    sagas,
    sim::Sim,
};
use crate::{memory::Request, seeds::Violation};

/// A whole platform.
pub struct Platform {
    pub sim: Arc<Sim>,
    pub processes: Vec<Arc<Process>>,
    /// What happens beside the processes.
    pub tasks: Tasks,
    plan: Plan,
    started: usize,
}

/// Once nothing goes wrong any more, everything ends within this time, and as long again for every operation.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// As much more for one that a person has to help; its attempts alone take up to an hour, and it may be resumed in vain.
const PATIENCE_WITH_BROKEN: Duration = Duration::from_secs(3 * 60 * 60);

impl Platform {
    pub fn new(seed: u64) -> Self {
        let sim = Sim::new(seed);
        let plan = Plan::draw(&mut sim.faults());
        let mut platform = Self { sim, processes: vec![], tasks: Tasks::default(), plan, started: 0 };
        for _ in 0..platform.plan.processes {
            platform.start();
        }
        platform
    }

    /// Starts one more process.
    pub fn start(&mut self) {
        self.started += 1;
        let process = Process::new(format!("p{}", self.started));
        self.sim.note(format_args!("{} starts", process.name));
        let link = Link { sim: self.sim.clone(), process: process.clone() };
        // Steps that were to use a database would wait for it in vain.
        let no_database = PgPoolOptions::new()
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(PgConnectOptions::new_without_pgpass());
        let store = Store::elsewhere(Arc::new(link), no_database, process.name.clone());
        let sagas: Arc<[Box<dyn Drive<Reach>>]> = Arc::new([
            Box::new(sagas::Create),
            Box::new(sagas::Delete),
            Box::new(sagas::Heal),
            Box::new(sagas::DoWhole),
            Box::new(sagas::DoPiece),
        ]);
        let world = Arc::new(Reach { sim: self.sim.clone(), process: process.clone() });
        Worker {
            store,
            world,
            sagas,
            wake: process.wake.clone(),
            gate: Gate::default(),
            limit: self.plan.limit,
        }
        .spawn(&process.tasks);
        self.processes.push(process);
    }

    /// Lets everything happen, and waits for the end of every operation.
    pub async fn run(mut self) -> Result<Outcome, Violation> {
        let start = Instant::now();
        while let Some(((at, _), happening)) = self.plan.happenings.pop_first() {
            self.wait_until(start + at).await;
            self.happen(happening);
            self.verdict()?;
        }
        self.wait_for_the_end().await?;
        let rows = self.sim.record.rows().clone();
        self.sim.oracle().settle(&rows, &self.sim.outside());
        self.verdict()?;
        let (trace, faults) = (self.sim.trace().hash(), self.sim.faults().counts().clone());
        let ends = rows.iter().map(|row| (row.parent.is_some(), row.status)).collect();
        Ok(Outcome { trace, faults, ends })
    }

    /// Whoever looks after the processes starts those again that ended.
    async fn wait_until(&mut self, moment: Instant) {
        let sim = self.sim.clone();
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(moment) => return,
                () = sim.died.notified() => self.bury(),
            }
        }
    }

    async fn wait_for_the_end(&mut self) -> Result<(), Violation> {
        let (calm, mut left) = (Instant::now(), self.sim.oracle().open());
        // Each may have a part that is not even accepted yet.
        let operations = 2 * u32::try_from(left.len()).unwrap_or(u32::MAX);
        let count = |fault| self.sim.faults().counts().get(&fault).copied().unwrap_or(0) as u32;
        let broken = count(Fault::Broken) + count(Fault::Poison);
        let looks = Duration::from_millis(sagas::LONGEST_LOOK_MS) * (operations * plan::MOST_LOOKS);
        let patience = PATIENCE * (operations + 1) + PATIENCE_WITH_BROKEN * broken + looks;
        while !left.is_empty() {
            if calm.elapsed() > patience {
                self.sim
                    .oracle()
                    .violated(left[0], format_args!("everything ends; {patience:?} were not enough"));
            }
            self.verdict()?;
            self.wait_until(Instant::now() + Duration::from_secs(5)).await;
            self.help();
            left = self.sim.oracle().open();
        }
        self.verdict()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Accept(request) => self.accept(&request),
            Happening::Cancel(id) => self.cancel(id),
            Happening::Break(id, broken) => self.sim.break_down(id, broken),
            Happening::Hold(id, window) => self.sim.outside().hold(id, window),
            Happening::Strike(fault) => self.strike(fault),
            Happening::Calm => self.calm(),
        }
    }

    fn accept(&self, request: &Request) {
        let (now, new) = (self.sim.record.now(), self.sim.record.accept(request));
        self.sim.note(format_args!("accepted {request:?}, new {new}"));
        if new {
            self.sim.oracle().accepted(request, now);
        } else {
            self.sim.faults().count(Fault::Duplicate);
        }
        self.wake();
    }

    fn calm(&self) {
        self.sim.note(format_args!("calm"));
        self.sim.faults().calm();
        self.processes.iter().for_each(|process| process.heal());
    }

    fn verdict(&self) -> Result<(), Violation> {
        let rule = self.sim.oracle().violation().map(str::to_owned);
        rule.map_or(Ok(()), |rule| Err(Violation { rule, trace: self.sim.trace().lines().to_vec() }))
    }
}
