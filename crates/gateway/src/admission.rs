//! Whether requests are let in: from the moment the service could be ready for the first time, until the process ends.
//!
//! Before that the schema may not be there, and every answer would look like a mistake of ours. While stopping, what
//! still arrives is answered as usual.

use std::sync::atomic::{AtomicBool, Ordering};

use common::service::Readiness;

/// Closed at first, and never again once open.
pub struct Admission {
    readiness: Readiness,
    open: AtomicBool,
}

impl Admission {
    /// Closed until this is complete.
    pub fn new(readiness: Readiness) -> Self {
        Self { readiness, open: AtomicBool::new(false) }
    }

    /// Whether requests are let in.
    pub fn is_open(&self) -> bool {
        // Relaxed: nothing else is published by it, and a moment late is soon enough.
        self.open.load(Ordering::Relaxed) || {
            let complete = self.readiness.is_complete();
            self.open.fetch_or(complete, Ordering::Relaxed) || complete
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_open_once_and_stay_open_while_stopping() {
        let readiness = Readiness::default();
        let schema = readiness.latch("database");
        let admission = Admission::new(readiness.clone());
        assert!(!admission.is_open());
        schema.release();
        assert!(admission.is_open());
        readiness.withdraw();
        assert!(admission.is_open());
        // Nobody came before it was told to stop.
        assert!(Admission::new(readiness).is_open());
    }
}
