-- Each time that a backup was tried out (ADR 58): by the platform, in a sandbox that goes again, or by people who tell of it.
create table restore_drills (
    id             uuid primary key,
    tenant_id      uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    backup_id      uuid references backups (id),
    -- What holds it. Null: people did, and told of it.
    operation_id   uuid,
    asked_by       text not null,
    asked_at       timestamptz not null default now(),
    -- When it was held.
    drilled_at     timestamptz not null default now(),
    status         text not null default 'running' check (status in ('running', 'passed', 'failed')),
    ended_at       timestamptz,
    -- What was found that should not be: texts.
    issues         jsonb not null default '[]' check (jsonb_typeof(issues) = 'array'),
    -- From being asked for to an n8n that answers.
    rto_seconds    float8 check (rto_seconds >= 0),
    data_integrity text check (data_integrity in ('intact', 'damaged', 'not_checked')),
    -- What was looked at: workflows, credentials, executions.
    found          jsonb,
    constraint restore_drills_end_check check ((status = 'running') = (ended_at is null))
);
create index restore_drills_of_tenant on restore_drills (tenant_id, drilled_at desc, id desc);
create index restore_drills_of_operation on restore_drills (operation_id) where operation_id is not null;
-- Each look at how a tenant stands is one at one row.
create index restore_drills_passed on restore_drills (tenant_id, drilled_at desc) where status = 'passed';
call guard_table('restore_drills');
call show_owners('restore_drills', 'tenant_id', array[
    'id', 'tenant_id', 'backup_id', 'operation_id', 'asked_at', 'drilled_at', 'status', 'ended_at', 'issues', 'rto_seconds', 'data_integrity', 'found']);

alter table sandboxes add column drill_id uuid;

-- How many sandboxes a tenant has that people look into. What failed or was removed has left nothing.
create or replace function living_sandboxes(whose uuid) returns bigint language sql stable as $$
    select count(*) from sandboxes s join tenants t on t.id = s.tenant_id
     where s.of_tenant = whose and s.drill_id is null and t.status not in ('failed', 'deleted')
$$;

-- As before; a drill is held beside any number of them, and beside no other drill.
drop function sandbox_that_may(uuid, uuid, integer);
create function sandbox_that_may(whose uuid, from_backup uuid, at_most integer, for_drill uuid default null)
    returns table (id uuid, email text, region text, compliance text[], n8n_version text) language plpgsql volatile rows 1 as $$
begin
    perform from tenants t where t.id = whose for no key update;
    perform from backups b where b.id = from_backup for share;
    -- A statement of its own sees what was accepted while this one waited.
    return query
        select t.id, t.email, t.region, t.compliance, t.n8n_version
          from tenants t join backups b on b.tenant_id = t.id
         where t.id = whose and b.id = from_backup and b.status in ('verified', 'proven') and b.includes_database
           and t.purpose = 'customer' and t.mode = 'dedicated' and t.status in ('active', 'suspended', 'migrating')
           and case when for_drill is null then living_sandboxes(t.id) < at_most
                    else not exists (select from restore_drills d where d.tenant_id = t.id and d.status = 'running') end;
end $$;

-- A drill whose sandbox is undone, called off or given up has failed, for the reason that its operation gives.
create or replace function note_operation_over() returns trigger language plpgsql as $$
begin
    if new.kind = 'tenant.backup' then
        -- Of one that a person gave up something may be left.
        update backups set status = case new.status when 'abandoned' then 'removing' else 'failed' end, failed_at = coalesce(failed_at, now()),
                           failure = coalesce(failure, new.error ->> 'detail', 'It was called off.')
         where operation_id = new.id and status in ('queued', 'running', 'written');
    end if;
    if new.status = 'rolled_back' or new.kind = 'tenant.restore' then
        update restores set status = 'failed', ended_at = clock_timestamp() where operation_id = new.id and status = 'running';
    end if;
    if new.kind = 'tenant.create' then
        update restore_drills
           set status = 'failed', ended_at = clock_timestamp(),
               issues = issues || jsonb_build_array(coalesce(new.error ->> 'detail', 'It was called off.'))
         where operation_id = new.id and status = 'running';
    end if;
    return null;
end $$;

-- It passed once all that it had to show was shown, and nobody undoes that any more. Then nobody needs its sandbox.
create function note_drill_passed() returns trigger language plpgsql as $$
begin
    update restore_drills set status = 'passed', ended_at = clock_timestamp() where operation_id = new.id and status = 'running';
    update sandboxes set expires_at = now() where operation_id = new.id and drill_id is not null;
    return null;
end $$;
create trigger operations_pass_drills after update of status on operations
    for each row when (old.status <> new.status and new.status = 'succeeded' and new.kind = 'tenant.create' and new.request ? 'drill')
    execute function note_drill_passed();

-- Whoever follows a tenant is told what came of a drill.
create function note_drill() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, data) values (
        'tenant.drill_' || new.status, new.tenant_id, new.operation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'drill', 'drl_' || replace(new.id::text, '-', ''), 'backup', 'bak_' || replace(new.backup_id::text, '-', ''),
            'issues', new.issues, 'rto_seconds', new.rto_seconds)));
    return null;
end $$;
create trigger restore_drills_ended after update of status on restore_drills for each row when (new.status <> old.status)
    execute function note_drill();
create trigger restore_drills_told after insert on restore_drills for each row when (new.status <> 'running')
    execute function note_drill();
