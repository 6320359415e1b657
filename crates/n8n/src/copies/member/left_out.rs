//! What is in a shared n8n and not in the copy of one member, and why.

use sqlx::{AssertSqlSafe, postgres::PgConnection};

use super::tables::{self, DATA_TABLE, credentials, project, user, workflows};
use crate::{
    copies::Omitted,
    databases::{DatabaseError, identifier, refused},
};

/// Tables that say nothing of any one member.
pub(in crate::copies) const EVERYBODYS: &[&str] = &[
    "auth_provider_sync_history",
    "deployment_key",
    "dynamic_credential_resolver",
    "event_destinations",
    "installed_nodes",
    "installed_packages",
    "instance_credential_assignment",
    "instance_monitoring_report",
    "instance_version_history",
    "mcp_registry_server",
    "migrations",
    "oauth_clients",
    "promotion_config",
    "promotion_connection",
    "promotion_connection_project",
    "promotion_provider",
    "role",
    "role_mapping_rule",
    "role_mapping_rule_project",
    "role_scope",
    "scope",
    "secrets_provider_connection",
    "settings",
    "trusted_key",
    "trusted_key_source",
    "type_availability_policy",
    "type_availability_policy_attachment",
    "type_availability_policy_scope",
];

/// What lets somebody in, signed or encrypted by the shared n8n.
pub(in crate::copies) const LETTING_IN: &[&str] = &[
    "auth_identity",
    "dynamic_credential_entry",
    "dynamic_credential_user_entry",
    "invalid_auth_token",
    "oauth_access_tokens",
    "oauth_authorization_codes",
    "oauth_refresh_tokens",
    "oauth_user_consents",
    "token_exchange_jti",
    "user_api_keys",
];

/// What n8n notes for itself about workflows that are active.
pub(in crate::copies) const MADE_ANEW: &[&str] = &[
    "scheduled_job",
    "scheduled_task",
    "workflow_publication_outbox",
    "workflow_publication_trigger_status",
];

/// Of parts of n8n that are off where tenants share one, and of what only larger editions have. Should a row of these tell of a tenant all the same, that
/// is said.
const OFF: &[&str] = &[
    "agent_background_job",
    "agent_channel_status",
    "agent_chat_attachments",
    "agent_chat_subscriptions",
    "agent_checkpoints",
    "agent_credential_dependency",
    "agent_eval_dataset",
    "agent_eval_rating",
    "agent_eval_result",
    "agent_eval_run",
    "agent_execution",
    "agent_execution_threads",
    "agent_files",
    "agent_history",
    "agent_task_definition",
    "agent_task_run_lock",
    "agent_task_snapshot",
    "agent_workflow_dependency",
    "agents",
    "agents_memory_entries",
    "agents_memory_entry_candidates",
    "agents_memory_entry_locks",
    "agents_memory_entry_sources",
    "agents_messages",
    "agents_observation_cursors",
    "agents_observation_locks",
    "agents_observations",
    "agents_resources",
    "agents_threads",
    "ai_builder_temporary_workflow",
    "ai_preference",
    "chat_hub_agent_tools",
    "chat_hub_agents",
    "chat_hub_messages",
    "chat_hub_session_tools",
    "chat_hub_sessions",
    "chat_hub_tools",
    "instance_ai_checkpoints",
    "instance_ai_events",
    "instance_ai_iteration_logs",
    "instance_ai_mcp_registry_connections",
    "instance_ai_messages",
    "instance_ai_observation_cursors",
    "instance_ai_observation_locks",
    "instance_ai_observational_memory",
    "instance_ai_observations",
    "instance_ai_pending_confirmations",
    "instance_ai_resources",
    "instance_ai_thread_grants",
    "instance_ai_threads",
    "instance_ai_workflow_snapshots",
    "project_pool_settings",
    "project_secrets_provider_access",
    "workflow_builder_session",
    "workflow_review_activity",
    "workflow_review_activity_comment",
    "workflow_review_request",
    "workflow_review_request_authors",
    "workflow_review_request_reviewers",
    "workflow_review_request_workflow",
];

/// Said of every copy.
const ALWAYS: [(&str, &str); 5] = [
    ("instance", "settings, roles, keys and the like are everybody's who shares the n8n"),
    ("user_api_keys", "API keys and sessions are signed by the shared n8n, and open no other one"),
    ("second_factor", "it is encrypted with the shared n8n's key: it has to be set up again"),
    ("schedules", "n8n makes them anew when a workflow becomes active"),
    ("deleted_executions", "executions that were deleted, and that n8n has yet to prune"),
];

/// Columns that tell whose a row is, by name and kind, and what they are compared with.
const TELLING: [(&str, &str, &str); 9] = [
    ("userId", "uuid", concat!("= ", user!())),
    ("ownerId", "uuid", concat!("= ", user!())),
    ("createdById", "uuid", concat!("= ", user!())),
    ("ratedById", "uuid", concat!("= ", user!())),
    ("projectId", "varchar", concat!("= ", project!())),
    ("workflowId", "varchar", concat!("IN ", workflows!())),
    ("credentialId", "varchar", concat!("IN ", credentials!())),
    ("credential_id", "varchar", concat!("IN ", credentials!())),
    ("credentialsId", "varchar", concat!("IN ", credentials!())),
];

/// All of it. A table that is neither copied nor known is told even if nothing says whose it is.
pub async fn told(connection: &mut PgConnection) -> Result<Vec<Omitted>, DatabaseError> {
    let mut told: Vec<_> = ALWAYS.iter().map(|(what, why)| Omitted::new(*what, *why)).collect();
    for Found { table, columns } in others(connection).await? {
        let rows = rows(connection, &table, &columns).await?;
        if rows > 0 {
            told.push(Omitted::new(
                table,
                format!("{rows} rows tell of the tenant, and this release does not copy them"),
            ));
        } else if !OFF.contains(&table.as_str()) && !columns.is_empty() {
            told.push(Omitted::new(
                table,
                "this release does not know the table; no row of it tells of the tenant",
            ));
        } else if !OFF.contains(&table.as_str()) {
            told.push(Omitted::new(
                table,
                "this release does not know the table, and nothing in it tells whose a row is",
            ));
        }
    }
    Ok(told)
}

#[derive(sqlx::FromRow)]
struct Found {
    table: String,
    columns: Vec<String>,
}

/// Tables that are neither copied nor left out for a reason of theirs, with what of them tells.
async fn others(connection: &mut PgConnection) -> Result<Vec<Found>, DatabaseError> {
    let (columns, kinds): (Vec<&str>, Vec<&str>) =
        TELLING.iter().map(|(column, kind, _)| (*column, *kind)).unzip();
    let question = sqlx::query_as(
        r#"SELECT c.relname::text AS "table", coalesce(array_agg(a.attname::text) FILTER (WHERE telling.name IS NOT NULL), '{}') AS columns
             FROM pg_catalog.pg_class c
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             LEFT JOIN pg_catalog.pg_type k ON k.oid = a.atttypid
             LEFT JOIN unnest($1::text[], $2::text[]) AS telling (name, kind) ON telling.name = a.attname AND telling.kind = k.typname
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') GROUP BY c.relname ORDER BY c.relname"#,
    );
    let mut found: Vec<Found> =
        question.bind(columns).bind(kinds).fetch_all(connection).await.map_err(refused("read the schema"))?;
    found.retain(|found| {
        let name = found.table.as_str();
        let has_a_reason = [EVERYBODYS, LETTING_IN, MADE_ANEW].iter().any(|tables| tables.contains(&name));
        !has_a_reason && tables::find(name).is_none() && !name.starts_with(DATA_TABLE)
    });
    Ok(found)
}

async fn rows(connection: &mut PgConnection, table: &str, columns: &[String]) -> Result<u64, DatabaseError> {
    let compared = columns.iter().filter_map(|column| {
        let (_, _, compared) = TELLING.iter().find(|(name, ..)| name == column)?;
        Some(format!("t.{} {compared}", identifier(column)))
    });
    let compared: Vec<_> = compared.collect();
    if compared.is_empty() {
        return Ok(0);
    }
    // Names of the catalogue, quoted; whose they are is a setting.
    let count =
        format!("SELECT count(*) FROM public.{} t WHERE {}", identifier(table), compared.join(" OR "));
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(count))
        .fetch_one(connection)
        .await
        .map_err(refused("count rows"))?;
    Ok(count.unsigned_abs())
}
