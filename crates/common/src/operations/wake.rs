//! Telling workers that there is something to do. What is lost on the way is found by their next look at the record.

use std::{fmt, sync::Arc};

use tokio::sync::Notify;

use crate::id::OperationId;

/// Wakes the workers of this process and, if it knows the way, those of other processes.
#[derive(Clone, Default)]
pub struct Wake {
    here: Arc<Notify>,
    elsewhere: Option<Arc<dyn Fn(Call) + Send + Sync>>,
}

/// Whose workers are to look at the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub service: String,
    pub operation: OperationId,
    pub kind: String,
    /// The operation that has had this one accepted, turned back, or waiting for it.
    pub because_of: OperationId,
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wake").finish_non_exhaustive()
    }
}

impl Wake {
    /// The same, calling workers of other processes in this way.
    #[must_use]
    pub fn and_elsewhere(self, call: impl Fn(Call) + Send + Sync + 'static) -> Self {
        Self { elsewhere: Some(Arc::new(call)), ..self }
    }

    /// Look now.
    pub fn now(&self) {
        self.here.notify_one();
    }

    /// Calls whoever it concerns: a part and its parent may be different services' affairs.
    pub(super) fn call(&self, call: Call) {
        self.now();
        if let Some(elsewhere) = &self.elsewhere {
            elsewhere(call);
        }
    }

    /// Returns once somebody said so.
    pub(super) async fn woken(&self) {
        self.here.notified().await;
    }
}
