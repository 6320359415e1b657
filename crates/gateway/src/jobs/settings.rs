//! What jobs are told.

use std::num::NonZeroU16;

use common::config::{Env, Section};

/// As long as most ask back. What was asked for stays in the audit log.
pub const OPERATIONS_KEPT_DAYS: NonZeroU16 = NonZeroU16::new(90).unwrap();

/// All of it.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// So many days after their end operations are forgotten.
    pub operations_kept_days: NonZeroU16,
    /// Whether whoever has outgrown the n8n that they share most urgently is moved without being asked for.
    pub promote_high: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { operations_kept_days: OPERATIONS_KEPT_DAYS, promote_high: false }
    }
}

impl Section for Settings {
    fn read(env: &mut Env) -> Option<Self> {
        let operations_kept_days = env.or("OPERATIONS_KEPT_DAYS", OPERATIONS_KEPT_DAYS);
        let promote_high = env.switch("PROMOTE_HIGH", false);
        let backups: Option<Option<String>> = env.optional("S3_BUCKET");
        if promote_high == Some(true) && backups == Some(None) {
            let why = "PROMOTE_HIGH needs S3_BUCKET: a tenant is backed up before it is moved";
            return env.problem(why.to_owned());
        }
        Some(Self { operations_kept_days: operations_kept_days?, promote_high: promote_high? })
    }
}
