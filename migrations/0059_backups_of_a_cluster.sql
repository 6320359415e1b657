-- A backup is in the store of the cluster that its tenant was in when it was made: a tenant that is removed is in none any more, and its backups are
-- to be removed all the same once they were kept long enough.
alter table backups add column cluster_id text references clusters (id);
update backups b set cluster_id = coalesce(t.cluster_id, (select o.cluster_id from operations o where o.id = b.operation_id))
  from tenants t where t.id = b.tenant_id;
-- Where nothing says so any more and there is one cluster, it was that.
update backups set cluster_id = (select id from clusters) where cluster_id is null and (select count(*) from clusters) = 1;

create or replace function note_backup_asked_for() returns trigger language plpgsql as $$
declare
    includes jsonb := coalesce(new.request -> 'includes', '{}');
begin
    insert into backups (id, tenant_id, cluster_id, operation_id, type, includes_database, includes_workflows, includes_credentials, includes_files,
                         includes_executions, retention_days, created_at)
    values (substr(new.request ->> 'backup', 5)::uuid, new.tenant_id,
            coalesce(new.cluster_id, (select t.cluster_id from tenants t where t.id = new.tenant_id)), new.id, new.request ->> 'type',
            (includes ->> 'database')::boolean, (includes ->> 'workflows')::boolean, (includes ->> 'credentials')::boolean,
            (includes ->> 'files')::boolean, (includes ->> 'executions')::boolean, (new.request ->> 'retention_days')::integer, new.created_at);
    return null;
end $$;
