//! What everything in one simulation shares.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    faults::{Fault, Faults},
    link::Weather,
    oracle::Oracle,
    outside::{Broken, Outside},
    trace::Trace,
};
use crate::memory::MemoryRecord;
use common::id::OperationId;

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

    /// A step fails, or ends its process, until a person mends it.
    pub fn break_down(&self, id: OperationId, broken: Broken) {
        self.faults().count(if broken.kind.is_some() { Fault::Broken } else { Fault::Poison });
        self.outside().break_down(id, broken);
    }

    /// The parts of this operation that were called off.
    pub fn called_off(&self, parent: OperationId) -> BTreeSet<OperationId> {
        let rows = self.record.rows();
        let parts = rows.iter().filter(|row| row.parent == Some(parent) && row.cancellation.is_some());
        parts.map(|row| row.id).collect()
    }

    /// Tells the oracle which were called off since it was these.
    pub fn tell_called_off(&self, parent: OperationId, before: &BTreeSet<OperationId>) {
        self.called_off(parent).difference(before).for_each(|id| self.oracle().part_called_off(*id));
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
