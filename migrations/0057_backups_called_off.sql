-- What accepting an operation noted elsewhere ends with it. One that is called off before it begins has no step that could undo that.

create function note_operation_over() returns trigger language plpgsql as $$
begin
    if new.kind = 'tenant.backup' then
        -- Of one that a person gave up something may be left.
        update backups set status = case new.status when 'abandoned' then 'removing' else 'failed' end, failed_at = coalesce(failed_at, now()),
                           failure = coalesce(failure, new.error ->> 'detail', 'It was called off.')
         where operation_id = new.id and status in ('queued', 'running', 'written');
    end if;
    if new.status = 'rolled_back' then
        update restores set status = 'failed', ended_at = clock_timestamp() where operation_id = new.id and status = 'running';
    end if;
    return null;
end $$;
create trigger operations_over after update of status on operations
    for each row when (old.status <> new.status and new.status in ('rolled_back', 'abandoned') and new.kind in ('tenant.backup', 'tenant.create'))
    execute function note_operation_over();
