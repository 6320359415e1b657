//! What is asked of backups, and what is told of them.

mod asked;
mod view;

pub use asked::BackupAsked;
pub use view::{BackupDetails, BackupView};
