-- A tenant falls back from an n8n of its own into one that is shared (docs/adr/0066).

-- Each time that a tenant was to.
create table failovers (
    -- What does it, and what it is called by.
    operation_id uuid primary key,
    tenant_id    uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    asked_by     text not null,
    asked_at     timestamptz not null default now(),
    status       text not null default 'running' check (status in ('running', 'succeeded', 'failed')),
    -- What it was brought back from: its own database, or this backup.
    source       text check (source in ('database', 'backup')),
    backup_id    uuid references backups (id),
    -- The place that is taken for it until it lives there.
    instance     uuid,
    project      text,
    member       uuid,
    -- Since when its callers wait.
    held_at      timestamptz,
    ended_at     timestamptz,
    -- What came, and what did not, with why.
    workflows    bigint,
    credentials  bigint,
    missing      jsonb,
    -- What is left of its own n8n is kept until then; and is gone since.
    retire_at    timestamptz,
    retired_at   timestamptz,
    constraint failovers_end_check check ((status = 'running') = (ended_at is null)),
    constraint failovers_place_check check ((instance is null) = (project is null) and (instance is null) = (member is null))
);
create index failovers_of_tenant on failovers (tenant_id, asked_at desc);
create index failovers_to_retire on failovers (retire_at) where status = 'succeeded' and retired_at is null;
create index failovers_on_their_way on failovers (instance) where status = 'running';
create index failovers_of_backup on failovers (backup_id) where status = 'running';
call guard_table('failovers');
call show_owners('failovers', 'tenant_id', array[
    'operation_id', 'tenant_id', 'asked_at', 'status', 'source', 'backup_id', 'held_at', 'ended_at', 'workflows', 'credentials', 'missing', 'retire_at',
    'retired_at']);

-- Whoever asks for one, over whichever way: it is there from its acceptance on. Healing what is going to be left is called off, as a person would.
create function note_failover_asked_for() returns trigger language plpgsql as $$
declare
    why jsonb := jsonb_build_object('kind', 'cancelled', 'detail', 'The tenant falls back into a shared n8n.');
begin
    insert into failovers (operation_id, tenant_id, asked_by) values (new.id, new.tenant_id, new.actor);
    update operations
       set status = case status when 'queued' then 'rolled_back' else status end,
           finished_at = case status when 'queued' then now() else finished_at end,
           error = case status when 'queued' then why else error end,
           not_before = least(not_before, now()), cancellation = coalesce(cancellation, why)
     where tenant_id = new.tenant_id and kind = 'tenant.heal' and status in ('queued', 'running') and parent_id is null;
    return null;
end $$;
create trigger operations_ask_for_failover after insert on operations
    for each row when (new.kind = 'tenant.failover') execute function note_failover_asked_for();

-- What is called off before it begins, or undone, has failed. So has one that a person gave up, unless the tenant lives in the shared n8n by then: what
-- its own left goes as that of any other.
create function note_failover_over() returns trigger language plpgsql as $$
begin
    update failovers f set status = 'succeeded', ended_at = clock_timestamp(), retire_at = clock_timestamp() + interval '1 day'
      from tenants t
     where f.operation_id = new.id and f.status = 'running' and t.id = f.tenant_id and t.mode = 'shared' and f.instance is not null
       and new.status = 'abandoned';
    update failovers set status = 'failed', ended_at = clock_timestamp(), instance = null, project = null, member = null
     where operation_id = new.id and status = 'running';
    return null;
end $$;
create trigger operations_end_failovers after update of status on operations
    for each row when (old.status <> new.status and new.status in ('rolled_back', 'abandoned') and new.kind = 'tenant.failover')
    execute function note_failover_over();

-- Whoever follows a tenant is told what became of it.
create function note_failover() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, data) values (
        case when new.status = old.status then 'tenant.failover_retired' else 'tenant.failover_' || new.status end,
        new.tenant_id, new.operation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'source', new.source, 'held_seconds', extract(epoch from new.ended_at - new.held_at)::float8,
            'missing', jsonb_array_length(new.missing), 'retire_at', new.retire_at)));
    return null;
end $$;
create trigger failovers_changed after update on failovers
    for each row when (new.status <> old.status and new.status <> 'running' or new.retired_at is distinct from old.retired_at)
    execute function note_failover();

-- Where a tenant falls back to: in its own cluster, whose server has what it had, and into one that the platform runs. Where its callers' paths of an
-- earlier time lead is best. Whoever places somebody takes their turn, as in `place_in_shared`.
create function place_for_failover(of_tenant uuid) returns uuid language plpgsql volatile as $$
declare
    chosen uuid;
begin
    perform pg_advisory_xact_lock(hashtextextended('rp9 shared places', 0));
    select s.instance into chosen from tenants t join shared_n8ns(null, '{}') s on s.cluster_id = t.cluster_id
     where t.id = of_tenant and s.ready and s.tenants < s.capacity
       and not exists (select from external_n8ns x where x.tenant_id = s.instance)
     order by (s.instance is not distinct from t.former_instance) desc, s.tenants, s.instance limit 1;
    return chosen;
end $$;

-- As before; and who is on the way back into it.
create or replace function tenants_sharing(instance uuid) returns bigint language sql stable as $$
    select (select count(*) from tenants t where t.shared_instance = $1::text and t.status not in ('failed', 'deleted'))
         + (select count(*) from promotions p join tenants t on t.id = p.tenant_id
             where p.instance = $1 and p.status in ('running', 'succeeded') and p.retired_at is null and t.shared_instance is distinct from $1::text)
         + (select count(*) from failovers f join tenants t on t.id = f.tenant_id
             where f.instance = $1 and f.status = 'running' and t.shared_instance is distinct from $1::text)
$$;

-- As before; and what a tenant falls back from.
create or replace function backup_is_in_use(backup uuid) returns boolean language plpgsql volatile as $$
begin
    return exists (select from restores r where r.backup_id = backup and r.status = 'running')
        or exists (select from failovers f where f.backup_id = backup and f.status = 'running')
        or exists (select from backups b join operations o on o.id = b.operation_id
                    where b.id = backup and o.status in ('queued', 'running', 'stuck'));
end $$;
