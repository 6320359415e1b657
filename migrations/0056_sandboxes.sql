-- A tenant's backup restored beside it, in a sandbox (ADR 55): to whatever makes, heals and removes it a tenant like any other, and none to
-- customers and the portal.
alter table tenants
    drop constraint tenants_purpose_check,
    drop constraint tenants_shared_n8n_check,
    add constraint tenants_purpose_check check (purpose in ('customer', 'shared', 'sandbox')),
    add constraint tenants_shared_n8n_check check (
        case purpose when 'shared' then mode = 'dedicated' and coalesce(capacity > 0, false) and custom_domain is null
                     when 'sandbox' then mode = 'dedicated' and capacity is null and not draining and custom_domain is null
                                         and plan = 'sandbox'
                     else capacity is null and not draining and plan not in ('shared', 'sandbox') end);

-- Nobody asks for it. One worker, because nothing runs but what somebody starts by hand; whoever needs more of one has it scaled.
insert into plans (name, cpu_millis, memory_mb, workers, storage_gb, executions_per_month, concurrent_executions, api_calls_per_hour,
                   ceiling_percent, connections, offered)
values ('sandbox', 1000, 1344, 1, 200, 1000000000, 5, 1000000, 400, 15, false);

-- What only they have. A row stays when its tenant is gone, as that one's does.
create table sandboxes (
    tenant_id    uuid primary key references tenants (id) on delete cascade deferrable initially deferred,
    -- Whose backup is in it.
    of_tenant    uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    backup_id    uuid not null references backups (id),
    -- The first label of its address.
    name         text not null,
    -- What makes it.
    operation_id uuid not null,
    created_by   text not null,
    created_at   timestamptz not null default now(),
    -- Removed from then on.
    expires_at   timestamptz not null
);
create index sandboxes_of_tenant on sandboxes (of_tenant, created_at);
create index sandboxes_of_operation on sandboxes (operation_id);
create index sandboxes_due on sandboxes (expires_at);
call guard_table('sandboxes');
call show_owners('sandboxes', 'of_tenant', array[
    'tenant_id', 'of_tenant', 'backup_id', 'name', 'operation_id', 'created_at', 'expires_at']);

-- Each time that a backup was to be loaded, into a sandbox or in place.
create table restores (
    id           uuid primary key,
    -- Whose data it is.
    tenant_id    uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    backup_id    uuid not null references backups (id),
    -- Null: in place.
    sandbox_id   uuid references sandboxes (tenant_id) on delete cascade deferrable initially deferred,
    -- What does it.
    operation_id uuid not null,
    -- Whether executions are loaded too.
    executions   boolean not null default true,
    asked_by     text not null,
    asked_at     timestamptz not null default now(),
    status       text not null default 'running' check (status in ('running', 'succeeded', 'failed')),
    ended_at     timestamptz,
    -- From being asked for to an n8n that answers.
    rto_seconds  float8 generated always as (case when status = 'succeeded' then extract(epoch from ended_at - asked_at)::float8 end) stored,
    constraint restores_end_check check ((status = 'running') = (ended_at is null))
);
create index restores_of_tenant on restores (tenant_id, asked_at);
create index restores_of_operation on restores (operation_id);
call guard_table('restores');
call show_owners('restores', 'tenant_id', array[
    'id', 'tenant_id', 'backup_id', 'sandbox_id', 'operation_id', 'executions', 'asked_at', 'status', 'ended_at', 'rto_seconds']);

-- How a sandbox is: a view, as of clusters (0038). Owners see those of their own tenants, of which the sandbox itself is none.
create view sandbox_sightings as
    select s.tenant_id as sandbox, t.status, t.failure, t.n8n_version
      from sandboxes s join tenants t on t.id = s.tenant_id
     where current_user <> 'authenticated' or s.of_tenant = any ((select visible_tenants())::uuid[]);
revoke all on sandbox_sightings from public, anon, authenticated, service_role;
grant select on sandbox_sightings to authenticated, service_role;

-- How many sandboxes a tenant has. What failed or was removed has left nothing.
create function living_sandboxes(whose uuid) returns bigint language sql stable as $$
    select count(*) from sandboxes s join tenants t on t.id = s.tenant_id
     where s.of_tenant = whose and t.status not in ('failed', 'deleted')
$$;

-- The tenant, if this backup of it may be loaded into one more sandbox beside at most so many. Whoever asks of the same tenant waits for their
-- turn, and a backup is not removed before the transaction ends.
create function sandbox_that_may(whose uuid, from_backup uuid, at_most integer)
    returns table (id uuid, email text, region text, compliance text[], n8n_version text) language plpgsql volatile rows 1 as $$
begin
    perform from tenants t where t.id = whose for no key update;
    perform from backups b where b.id = from_backup for share;
    -- A statement of its own sees what was accepted while this one waited.
    return query
        select t.id, t.email, t.region, t.compliance, t.n8n_version
          from tenants t join backups b on b.tenant_id = t.id
         where t.id = whose and b.id = from_backup and b.status in ('verified', 'proven')
           and t.purpose = 'customer' and t.mode = 'dedicated' and t.status in ('active', 'suspended', 'migrating')
           and living_sandboxes(t.id) < at_most;
end $$;

-- Whoever follows a tenant is told what became of a restore of its data.
create function note_restore() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, data) values (
        'tenant.restore_' || new.status, new.tenant_id, new.operation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'restore', 'res_' || replace(new.id::text, '-', ''), 'backup', 'bak_' || replace(new.backup_id::text, '-', ''),
            'sandbox', (select s.name from sandboxes s where s.tenant_id = new.sandbox_id), 'rto_seconds', new.rto_seconds)));
    return null;
end $$;
create trigger restores_ended after update of status on restores for each row when (new.status <> old.status)
    execute function note_restore();
