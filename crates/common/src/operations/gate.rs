//! Whether a worker may claim operations now.

use tokio::sync::watch;

/// Open or closed, for everybody who has a clone of it.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Default for Gate {
    /// Open.
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Gate {
    /// A gate that somebody has yet to open.
    pub fn closed() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Opens or closes it. What was claimed before goes on.
    pub fn set(&self, open: bool) {
        self.0.send_replace(open);
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it is open.
    pub(super) async fn opened(&self) {
        let mut open = self.0.subscribe();
        // Cannot fail while `self` holds a sender.
        let _ = open.wait_for(|open| *open).await;
    }
}
