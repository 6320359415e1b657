-- A backup that something is restored from, or that is still read back, is not removed under it.
--
-- Each call is a statement of its own: after the backup's row is locked, it sees every restore that was accepted before, since accepting one takes a
-- shared lock on that row.
create function backup_is_in_use(backup uuid) returns boolean language plpgsql volatile as $$
begin
    return exists (select from restores r where r.backup_id = backup and r.status = 'running')
        or exists (select from backups b join operations o on o.id = b.operation_id
                    where b.id = backup and o.status in ('queued', 'running', 'stuck'));
end $$;

create index restores_that_run on restores (backup_id) where status = 'running';

-- The one whose service is asked for what is in it.
grant select (cluster_id) on backups to authenticated;
