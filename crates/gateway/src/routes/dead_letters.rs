//! `/dead-letters`

pub mod decide;
pub mod list;
pub mod show;

use crate::auth::{Access, Role};

pub enum ReadDeadLetters {}

impl Access for ReadDeadLetters {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
}
