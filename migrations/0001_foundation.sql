-- The record. Whatever was accepted is a row here before anybody is told so.

create table plans (
    name                  text primary key,
    cpu_millis            integer not null check (cpu_millis > 0),
    memory_mb             integer not null check (memory_mb > 0),
    workers               integer not null check (workers > 0),
    storage_gb            integer not null check (storage_gb > 0),
    executions_per_month  integer not null check (executions_per_month > 0),
    concurrent_executions integer not null check (concurrent_executions > 0),
    api_calls_per_hour    integer not null check (api_calls_per_hour > 0)
);

insert into plans values
    ('starter',    1000, 1024, 1,   5,   1000,  2,   1000),
    ('pro',        2000, 2048, 2,  20,  10000, 10,  10000),
    ('enterprise', 4000, 4096, 4, 100, 100000, 50, 100000);

create table clusters (
    id           text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    region       text not null,
    engine       text not null check (engine in ('docker')),
    state        text not null default 'active' check (state in ('active', 'draining', 'maintenance', 'offline')),
    -- Tenants' networks are cut from this range, one /28 each.
    subnets      cidr not null,
    -- What the cluster's provisioner last saw of what it needs: {"docker": "up", "redis": "down", …}.
    dependencies jsonb not null default '{}',
    heartbeat_at timestamptz not null default now(),
    created_at   timestamptz not null default now()
);

create table tenants (
    id            uuid primary key,
    name          text not null,
    email         text not null,
    subdomain     text not null,
    mode          text not null check (mode in ('shared', 'dedicated')),
    status        text not null check (status in
                    ('provisioning', 'active', 'suspended', 'migrating', 'failed', 'deleting', 'deleted')),
    plan          text not null references plans (name),
    region        text,
    custom_domain text,
    compliance    text[] not null default '{}',
    metadata      jsonb not null default '{}',
    n8n_version   text not null,
    cluster_id    text references clusters (id),
    subnet        cidr,
    -- Rises with every change of what should run, so that whoever holds an older plan can be refused.
    generation    bigint not null default 1,
    active_color  text not null default 'blue' check (active_color in ('blue', 'green')),
    failure       text,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    deleted_at    timestamptz
);

-- An address is free again once its tenant failed to come up or is gone.
create unique index tenants_subdomain_taken on tenants (subdomain) where status not in ('failed', 'deleted');
create unique index tenants_custom_domain_taken on tenants (custom_domain) where status not in ('failed', 'deleted');
create unique index tenants_subnet_taken on tenants (cluster_id, subnet);
create index tenants_page on tenants (created_at desc, id desc);

create table tenant_limits (
    tenant_id             uuid primary key references tenants (id) on delete cascade,
    cpu_millis            integer not null,
    memory_mb             integer not null,
    workers               integer not null,
    storage_gb            integer not null,
    executions_per_month  integer not null,
    concurrent_executions integer not null,
    api_calls_per_hour    integer not null
);

-- What should run for a tenant, one row a container. The reconciler makes it so.
create table tenant_instances (
    name       text primary key,
    tenant_id  uuid not null references tenants (id) on delete cascade,
    cluster_id text not null references clusters (id),
    role       text not null check (role in ('main', 'worker')),
    color      text not null check (color in ('blue', 'green')),
    ordinal    integer not null,
    generation bigint not null,
    cpu_millis integer not null,
    memory_mb  integer not null,
    -- What was last seen of it, and when.
    state      text not null default 'absent',
    health     text not null default 'none',
    seen_at    timestamptz,
    unique (tenant_id, role, color, ordinal)
);

-- Wrapped by the master key with the tenant's id as associated data: a row moved to another tenant does not open.
create table tenant_secrets (
    tenant_id  uuid not null references tenants (id) on delete cascade,
    name       text not null,
    key_id     integer not null,
    ciphertext bytea not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, name)
);

-- Which hosts the edge sends where.
create table routes (
    host       text primary key,
    tenant_id  uuid not null references tenants (id) on delete cascade,
    targets    jsonb not null,
    generation bigint not null,
    updated_at timestamptz not null default now()
);
create index routes_of_tenant on routes (tenant_id);

create table operations (
    id             uuid primary key,
    kind           text not null,
    tenant_id      uuid not null references tenants (id) on delete cascade,
    request        jsonb not null,
    status         text not null default 'queued' check (status in
                     ('queued', 'running', 'undoing', 'succeeded', 'rolled_back', 'stuck')),
    priority       smallint not null default 1 check (priority between 0 and 2),
    actor          text not null,
    correlation_id text not null,
    traceparent    text,
    -- Not to be started, or tried again, before this moment.
    not_before     timestamptz not null default now(),
    -- Past it a running operation is undone.
    deadline       timestamptz not null,
    lease_owner    text,
    lease_until    timestamptz,
    -- Rises with every claim: what a former holder still does is recognised by its lower number.
    fence          bigint not null default 0,
    error          jsonb,
    created_at     timestamptz not null default now(),
    started_at     timestamptz,
    finished_at    timestamptz,
    check ((status in ('succeeded', 'rolled_back')) = (finished_at is not null))
);

-- One at a time for each tenant; the others queue.
create unique index operations_one_at_a_time on operations (tenant_id) where status in ('running', 'undoing', 'stuck');
create index operations_open on operations (priority, created_at) where status in ('queued', 'running', 'undoing');
create index operations_of_tenant on operations (tenant_id, created_at desc);

-- The journal: rows are only ever added.
create table operation_steps (
    seq          bigint generated always as identity primary key,
    operation_id uuid not null references operations (id) on delete cascade,
    ordinal      integer not null,
    step         text not null,
    event        text not null check (event in ('started', 'succeeded', 'failed', 'undo_started', 'undone', 'undo_failed')),
    fence        bigint not null,
    output       jsonb,
    error        jsonb,
    at           timestamptz not null default clock_timestamp()
);
create index operation_steps_of_operation on operation_steps (operation_id, seq);

create function operation_steps_are_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only';
end $$;
create trigger operation_steps_append_only before update on operation_steps
    for each row execute function operation_steps_are_append_only();

create table audit_logs (
    id             uuid primary key,
    at             timestamptz not null default now(),
    actor          text not null,
    role           text not null,
    action         text not null,
    tenant_id      uuid,
    operation_id   uuid,
    correlation_id text not null,
    outcome        text not null,
    request_digest bytea
);
create index audit_logs_newest on audit_logs (at desc);
create index audit_logs_of_tenant on audit_logs (tenant_id, at desc);

-- The answer first given to a key is the answer for 24 hours.
create table idempotency_keys (
    subject        text not null,
    key            text not null,
    request_digest bytea not null,
    status         smallint not null,
    headers        jsonb not null default '{}',
    body           bytea not null,
    created_at     timestamptz not null default now(),
    primary key (subject, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- Signatures seen in the last ten minutes, for all replicas. A digest, because a signature is as good as its request.
create table request_signatures (
    digest  bytea primary key,
    seen_at timestamptz not null default now()
);
create index request_signatures_age on request_signatures (seen_at);
