//! What is different in an n8n that tenants share: they are strangers to each other and all in one process.

use super::{Pairs, environment::DISABLED_MODULES};
use crate::hooks;

/// Beside what nobody gets (commands, watching files): files and repositories of a disk that is everybody's; code that runs in the worker's own
/// process; triggers on what n8n itself does; and stores in its memory, whose names are the whole instance's.
pub(crate) const EXCLUDED_NODES: [&str; 15] = [
    "n8n-nodes-base.executeCommand",
    "n8n-nodes-base.localFileTrigger",
    "n8n-nodes-base.readWriteFile",
    "n8n-nodes-base.readBinaryFile",
    "n8n-nodes-base.readBinaryFiles",
    "n8n-nodes-base.writeBinaryFile",
    "n8n-nodes-base.git",
    "n8n-nodes-base.function",
    "n8n-nodes-base.functionItem",
    "n8n-nodes-base.n8nTrigger",
    "n8n-nodes-base.workflowTrigger",
    "@n8n/n8n-nodes-langchain.code",
    "@n8n/n8n-nodes-langchain.vectorStoreInMemory",
    "@n8n/n8n-nodes-langchain.vectorStoreInMemoryInsert",
    "@n8n/n8n-nodes-langchain.vectorStoreInMemoryLoad",
];

/// n8n's own limit of 50 MB holds for the data tables of all tenants together; what each takes is measured.
const DATA_TABLES_BYTES: u64 = 100 << 30;

/// How long a task of code and an execution may take, in seconds: what never ends would be a worker's for ever.
const TASK_SECONDS: u32 = 60;
const EXECUTION_SECONDS: u32 = 600;
const LONGEST_EXECUTION_SECONDS: u32 = 3600;

/// How long one expression may take, in milliseconds: nothing else of anybody's is done in that process meanwhile. n8n's own five seconds are taken
/// two or three times for an answer that is worked out by a webhook.
const EXPRESSION_MILLISECONDS: u32 = 1000;

/// No number of executions is kept of all tenants together, or whoever runs much would take the others' history along. What is kept of each is
/// `executions::KEPT_OF_EACH`.
const ANY_NUMBER: &str = "0";

/// What it is told beside what every n8n is, or in place of that.
pub(super) fn told() -> Pairs {
    let excluded = serde_json::json!(EXCLUDED_NODES).to_string();
    vec![
        ("EXTERNAL_HOOK_FILES", hooks::ENTRY.to_owned()),
        ("NODES_EXCLUDE", excluded),
        // Agents start executions of their own, in tables of their own.
        ("N8N_DISABLED_MODULES", format!("{DISABLED_MODULES},agents")),
        // Tags have no owner.
        ("N8N_WORKFLOW_TAGS_DISABLED", "true".to_owned()),
        ("N8N_PUBLIC_API_SWAGGERUI_DISABLED", "true".to_owned()),
        ("N8N_WORKFLOW_CALLER_POLICY_DEFAULT_OPTION", "workflowsFromSameOwner".to_owned()),
        // Otherwise the hooks before an execution would run in the worker, when it has begun.
        ("N8N_PRE_EXECUTE_ERROR_CREATES_EXECUTION", "false".to_owned()),
        ("N8N_DATA_TABLES_MAX_SIZE_BYTES", DATA_TABLES_BYTES.to_string()),
        ("N8N_EXPRESSION_ENGINE_TIMEOUT", EXPRESSION_MILLISECONDS.to_string()),
        ("EXECUTIONS_DATA_PRUNE_MAX_COUNT", ANY_NUMBER.to_owned()),
        ("N8N_RUNNERS_TASK_TIMEOUT", TASK_SECONDS.to_string()),
        ("EXECUTIONS_TIMEOUT", EXECUTION_SECONDS.to_string()),
        ("EXECUTIONS_TIMEOUT_MAX", LONGEST_EXECUTION_SECONDS.to_string()),
    ]
}
