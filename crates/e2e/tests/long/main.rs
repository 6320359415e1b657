//! What takes minutes each: `just long`, and `just held` where calls are held (docs/tried.md).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod broken;
mod crashes;
mod cut_off;
mod held;
mod killed;
mod large;
mod moves;
mod networks;
mod promoted;
mod rebuilt;
mod sides;
mod upgraded;
mod verbs;
