//! What is different in a sandbox: it is there to be looked at, and to be tried by hand.

use super::{Pairs, environment::DISABLED_MODULES};
use crate::hooks;

/// What it is told beside what every n8n is, or in place of that.
pub(super) fn told() -> Pairs {
    vec![
        ("EXTERNAL_HOOK_FILES", hooks::SANDBOX_ENTRY.to_owned()),
        // Agents start by themselves, in tables of their own.
        ("N8N_DISABLED_MODULES", format!("{DISABLED_MODULES},agents")),
        // What is older than n8n keeps is what somebody may have it restored for.
        ("EXECUTIONS_DATA_PRUNE", "false".to_owned()),
        // Otherwise the hooks before an execution would run in the worker, when it has begun.
        ("N8N_PRE_EXECUTE_ERROR_CREATES_EXECUTION", "false".to_owned()),
    ]
}
