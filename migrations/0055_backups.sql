-- Backups: sets of objects outside of the platform's servers (ADR 53). One counts once it was read back, and is proven once it was restored.

create table backups (
    id                   uuid primary key,
    tenant_id            uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    -- What makes it.
    operation_id         uuid not null,
    type                 text not null check (type in
        ('daily', 'weekly', 'monthly', 'manual', 'pre_migration', 'pre_upgrade', 'pre_restore', 'final')),
    -- `written`: its manifest is in the store. `verified`: all of it was read back and is what was written. `proven`: it was restored, and n8n ran on it.
    -- `failed`: nothing is left of it. `removing`: it is no backup any more, and is being removed. `removed`: nothing is left of it.
    status               text not null default 'queued' check (status in
        ('queued', 'running', 'written', 'verified', 'proven', 'failed', 'removing', 'removed')),
    includes_database    boolean not null,
    includes_workflows   boolean not null,
    includes_credentials boolean not null,
    includes_files       boolean not null,
    includes_executions  boolean not null,
    retention_days       integer not null check (retention_days between 1 and 3650),
    -- Not removed by anybody before it is let go.
    legal_hold           boolean not null default false,
    -- `s3://bucket/…/`.
    path                 text,
    -- The moment all of it is of.
    taken_at             timestamptz,
    written_at           timestamptz,
    verified_at          timestamptz,
    proven_at            timestamptz,
    failed_at            timestamptz,
    removed_at           timestamptz,
    -- Until when it is kept at least.
    kept_until           timestamptz,
    -- What all its objects take in the store.
    bytes                bigint check (bytes >= 0),
    -- Of the manifest as it was written: another one is not gone by.
    manifest_sha256      text,
    manifest             jsonb,
    failure              text,
    created_at           timestamptz not null default now(),
    constraint backups_written_check check (status not in ('written', 'verified', 'proven')
        or (taken_at is not null and written_at is not null and kept_until is not null and manifest_sha256 is not null and manifest is not null))
);
create index backups_of_tenant on backups (tenant_id, created_at desc);
create index backups_kept_until on backups (kept_until) where status in ('written', 'verified', 'proven');
create index backups_of_operation on backups (operation_id);
call guard_table('backups');
call show_owners('backups', 'tenant_id', array[
    'id', 'tenant_id', 'operation_id', 'type', 'status', 'includes_database', 'includes_workflows', 'includes_credentials', 'includes_files',
    'includes_executions', 'retention_days', 'legal_hold', 'path', 'taken_at', 'written_at', 'verified_at', 'proven_at', 'failed_at', 'removed_at',
    'kept_until', 'bytes', 'manifest', 'failure', 'created_at']);

-- Whoever asks for one, over whichever way: it is there from its acceptance on.
create function note_backup_asked_for() returns trigger language plpgsql as $$
declare
    includes jsonb := coalesce(new.request -> 'includes', '{}');
begin
    insert into backups (id, tenant_id, operation_id, type, includes_database, includes_workflows, includes_credentials, includes_files,
                         includes_executions, retention_days, created_at)
    values (substr(new.request ->> 'backup', 5)::uuid, new.tenant_id, new.id, new.request ->> 'type',
            (includes ->> 'database')::boolean, (includes ->> 'workflows')::boolean, (includes ->> 'credentials')::boolean,
            (includes ->> 'files')::boolean, (includes ->> 'executions')::boolean, (new.request ->> 'retention_days')::integer, new.created_at);
    return null;
end $$;
create trigger operations_ask_for_backup after insert on operations
    for each row when (new.kind = 'tenant.backup') execute function note_backup_asked_for();

create function note_backup() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, data) values (
        'backup.' || new.status, new.tenant_id, new.operation_id,
        jsonb_strip_nulls(jsonb_build_object('backup_id', 'bak_' || replace(new.id::text, '-', ''), 'type', new.type, 'bytes', new.bytes,
            'taken_at', new.taken_at, 'kept_until', new.kept_until, 'failure', new.failure)));
    return null;
end $$;
create trigger backups_noted after update of status on backups
    for each row when (old.status is distinct from new.status) execute function note_backup();
