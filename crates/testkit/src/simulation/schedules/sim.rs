//! What everything in one simulation shares.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use time::OffsetDateTime;
use tokio::time::Instant;

use super::{
    super::{faults::Faults, link::Weather, trace::Trace},
    oracle::Oracle,
    outside::Outside,
    plan::Plan,
};
use crate::memory::schedules::MemorySchedules;

/// As long as the leases of the record that ships.
pub const LEASE: Duration = Duration::from_secs(15);

/// One simulated platform. Everything runs in one thread, so no lock is ever waited for.
pub struct Sim {
    pub record: MemorySchedules,
    clock_offset_ms: Arc<AtomicI64>,
    trace: Mutex<Trace>,
    faults: Mutex<Faults>,
    oracle: Mutex<Oracle>,
    outside: Mutex<Outside>,
}

impl Sim {
    pub fn new(faults: Faults, plan: &Plan) -> Arc<Self> {
        let (start, begin, clock_offset_ms) = (Instant::now(), plan.begin, Arc::new(AtomicI64::new(0)));
        let offset = clock_offset_ms.clone();
        let clock = move || {
            let offset = time::Duration::milliseconds(offset.load(Ordering::SeqCst));
            begin + start.elapsed() + offset
        };
        Arc::new(Self {
            record: MemorySchedules::new(Arc::new(clock), LEASE),
            clock_offset_ms,
            trace: Mutex::new(Trace::new()),
            faults: Mutex::new(faults),
            oracle: Mutex::new(Oracle::new(plan)),
            outside: Mutex::default(),
        })
    }

    /// The server's clock is moved, or time passes while nobody is there.
    pub fn jump(&self, millis: i64) {
        self.clock_offset_ms.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn now(&self) -> OffsetDateTime {
        self.record.now()
    }

    pub fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap()
    }

    pub fn outside(&self) -> MutexGuard<'_, Outside> {
        self.outside.lock().unwrap()
    }
}

impl Weather for Sim {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap()
    }

    fn trace(&self) -> MutexGuard<'_, Trace> {
        self.trace.lock().unwrap()
    }

    fn is_violated(&self) -> bool {
        self.oracle().violation().is_some()
    }
}
