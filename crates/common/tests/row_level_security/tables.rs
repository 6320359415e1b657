//! Every table there is, and what an owner may see of it. A table that a later migration makes has to be put in its place.

/// A table of which owners see their own rows.
pub struct Shown {
    pub table: &'static str,
    /// Says whose a row is.
    pub tenant: &'static str,
    /// All that is to be seen of it.
    pub columns: &'static str,
}

pub const SHOWN: &[Shown] = &[
    Shown {
        table: "tenants",
        tenant: "id",
        columns: "active_color, address_released, cluster_id, compliance, created_at, custom_domain, email, failure, id, \
                  metadata, mode, n8n_version, name, plan, purpose, region, search, second_is_former, second_version, second_weight, status, \
                  subdomain, updated_at",
    },
    Shown {
        table: "tenant_limits",
        tenant: "tenant_id",
        columns: "api_calls_per_hour, concurrent_executions, cpu_millis, executions_per_month, memory_mb, storage_gb, \
                  tenant_id, workers",
    },
    Shown {
        table: "tenant_instances",
        tenant: "tenant_id",
        columns: "color, cpu_millis, generation, health, last_exit_code, last_restart_at, memory_mb, name, oom_killed, \
                  oom_kills, ordinal, restarts, role, seen_at, state, tenant_id",
    },
    Shown {
        table: "operations",
        tenant: "tenant_id",
        columns: "cancellation, created_at, error, finished_at, id, kind, started_at, status, tenant_id",
    },
    Shown {
        table: "operation_steps",
        tenant: "(select o.tenant_id from operations o where o.id = operation_id)",
        columns: "at, error, event, operation_id, ordinal, seq, step",
    },
    Shown {
        table: "events",
        tenant: "tenant_id",
        columns: "at, correlation_id, data, id, kind, operation_id, tenant_id",
    },
    Shown {
        table: "tenant_troubles",
        tenant: "tenant_id",
        columns: "heal_after, reasons, shown_at, since, tenant_id",
    },
    Shown {
        table: "custom_domains",
        tenant: "tenant_id",
        columns: "claimed_at, domain, look_after, looked_at, proven_at, reason, served_until, state, tenant_id, token",
    },
    Shown {
        table: "backups",
        tenant: "tenant_id",
        columns: "bytes, cluster_id, created_at, failed_at, failure, id, includes_credentials, includes_database, includes_executions, includes_files, \
                  includes_workflows, kept_until, legal_hold, manifest, operation_id, path, proven_at, removed_at, retention_days, status, \
                  taken_at, tenant_id, type, verified_at, written_at",
    },
    Shown {
        table: "tenant_samples",
        tenant: "tenant_id",
        columns: "at, concurrent_executions, cpu_percent, duration_p95_seconds, executions_min, memory_bytes, memory_percent, missing, \
                  oldest_waiting_seconds, queue_depth, queue_wait_p95_seconds, storage_bytes, success_rate_percent, tenant_id, \
                  workers, workers_idle_while_waiting",
    },
    Shown {
        table: "usage_rollups_hourly",
        tenant: "tenant_id",
        columns: "canceled, discarded, executions, failed, hour, kind, run_ms, succeeded, tenant_id",
    },
    Shown {
        table: "usage_rollups_monthly",
        tenant: "tenant_id",
        columns: "canceled, discarded, executions, failed, kind, month, run_ms, succeeded, tenant_id",
    },
    Shown {
        table: "usage_measures_hourly",
        tenant: "tenant_id",
        columns: "api_calls, hour, storage_bytes, tenant_id",
    },
    Shown {
        table: "usage_measures_monthly",
        tenant: "tenant_id",
        columns: "api_calls, month, storage_byte_hours, storage_hours, tenant_id",
    },
    Shown {
        table: "sandboxes",
        tenant: "of_tenant",
        columns: "backup_id, created_at, expires_at, name, of_tenant, operation_id, tenant_id",
    },
    Shown {
        table: "restores",
        tenant: "tenant_id",
        columns: "asked_at, backup_id, ended_at, executions, id, operation_id, rto_seconds, sandbox_id, status, tenant_id",
    },
    Shown {
        table: "restore_drills",
        tenant: "tenant_id",
        columns: "asked_at, backup_id, data_integrity, drilled_at, ended_at, found, id, issues, operation_id, rto_seconds, status, tenant_id",
    },
    Shown {
        table: "promotions",
        tenant: "tenant_id",
        columns: "asked_at, backup_id, changes, ended_at, executions, frozen_at, id, in_window, operation_id, own_backup_id, retire_at, retired_at, rolled_back_at, status, \
                  tenant_id, thawed_at, ttl_seconds",
    },
    Shown {
        table: "failovers",
        tenant: "tenant_id",
        columns: "asked_at, backup_id, credentials, ended_at, held_at, missing, operation_id, retire_at, retired_at, source, status, tenant_id, workflows",
    },
    Shown {
        table: "side_readings",
        tenant: "tenant_id",
        columns: "answers, color, host, read_at, started_at, tenant_id, webhooks",
    },
    Shown { table: "event_outbox", tenant: "tenant_id", columns: "operation_id, tenant_id" },
];

/// The tables that owners see nothing of, and why.
pub const HIDDEN: &[(&str, &str)] = &[
    ("_sqlx_migrations", "the schema's own"),
    ("api_key_revision", "between the gateways"),
    ("api_keys", "asked for by the gateway, for whoever may see each"),
    ("audit_head", "staff's"),
    ("audit_logs", "staff's: it names other people"),
    ("backup_services", "how the platform is run"),
    ("clusters", "how the platform is built"),
    ("collector_shards", "between the collectors"),
    ("dead_letters", "staff's: messages between services"),
    ("edge_counters", "the collector's; it names everybody's hosts"),
    ("edge_readings", "the collector's"),
    ("event_relay", "how far all events together were told"),
    ("external_n8ns", "how the platform is built"),
    ("foreign_subnets", "how the platform is built"),
    ("held_calls", "asked for by the gateway: what callers sent is in it"),
    ("idempotency_keys", "answers, read under the subject they were given to"),
    ("master_keys", "the provisioner's"),
    ("metering_prices", "staff's"),
    ("recoveries", "how the platform is run"),
    ("record_identity", "between the services, the engines and the edge"),
    ("rollout_tenants", "staff's: many tenants at once"),
    ("rollouts", "staff's: many tenants at once"),
    ("plans", "asked for by the services, the same for everybody"),
    ("removals", "the provisioner's"),
    ("request_signatures", "what nobody needs to read"),
    ("resting_workspaces", "the provisioner's"),
    ("routes", "the edge's"),
    ("schedule_firings", "staff's"),
    ("schedules", "staff's"),
    ("tenant_secrets", "the provisioner's; told by it alone"),
    ("usage_sources", "the collector's"),
];
