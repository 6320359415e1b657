//! What is asked of backups, and what is told of them.

mod asked;
mod backed_up;
mod view;

pub use asked::BackupAsked;
pub use backed_up::BackedUpView;
pub use view::{BackupDetails, BackupView};
