//! What everything in one simulation shares.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{faults::Faults, link::Weather, oracle::Oracle, outside::Outside, trace::Trace};
use crate::memory::MemoryRecord;

/// One simulated platform. Everything runs in one thread, so no lock is ever waited for.
pub struct Sim {
    pub record: MemoryRecord,
    clock_offset_ms: Arc<AtomicI64>,
    trace: Mutex<Trace>,
    faults: Mutex<Faults>,
    oracle: Mutex<Oracle>,
    outside: Mutex<Outside>,
    /// A step has ended its process.
    pub died: Notify,
}

/// The server's clock shows this at the beginning, so that it can jump back.
const BEGINNING: Duration = Duration::from_secs(1_000_000);

impl Sim {
    pub fn new(seed: u64) -> Arc<Self> {
        let (start, clock_offset_ms) = (Instant::now(), Arc::new(AtomicI64::new(0)));
        let offset = clock_offset_ms.clone();
        let clock = move || {
            let offset = offset.load(Ordering::SeqCst);
            let moved = BEGINNING + start.elapsed() + Duration::from_millis(offset.max(0).unsigned_abs());
            moved - Duration::from_millis(offset.min(0).unsigned_abs())
        };
        Arc::new(Self {
            record: MemoryRecord::new(Arc::new(clock)),
            clock_offset_ms,
            trace: Mutex::new(Trace::new()),
            faults: Mutex::new(Faults::new(seed)),
            oracle: Mutex::default(),
            outside: Mutex::default(),
            died: Notify::new(),
        })
    }

    /// The server's clock jumps.
    pub fn jump(&self, millis: i64) {
        self.clock_offset_ms.fetch_add(millis, Ordering::SeqCst);
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
