-- A backup put in the place of what a tenant has: whoever calls it meanwhile is told so, and what was there before goes some time after.
alter table routes drop constraint routes_stand_in_check,
    add constraint routes_stand_in_check check (stand_in in ('suspended', 'restoring'));

alter table restores add column cleared_at timestamptz;
create index restores_uncleared on restores (tenant_id) where sandbox_id is null and status = 'succeeded' and cleared_at is null;

-- Whoever asks for one, over whichever way: it is there from its acceptance on.
create function note_restore_asked_for() returns trigger language plpgsql as $$
begin
    insert into restores (id, tenant_id, backup_id, operation_id, executions, asked_by)
    values (substr(new.request ->> 'restore', 5)::uuid, new.tenant_id, substr(new.request ->> 'backup', 5)::uuid, new.id,
            coalesce((new.request ->> 'executions')::boolean, true), new.actor);
    return null;
end $$;
create trigger operations_ask_for_restore after insert on operations
    for each row when (new.kind = 'tenant.restore') execute function note_restore_asked_for();

-- What is called off before it begins, or given up, has failed.
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
    return null;
end $$;
drop trigger operations_over on operations;
create trigger operations_over after update of status on operations
    for each row when (old.status <> new.status and new.status in ('rolled_back', 'abandoned')
        and new.kind in ('tenant.backup', 'tenant.create', 'tenant.restore'))
    execute function note_operation_over();
