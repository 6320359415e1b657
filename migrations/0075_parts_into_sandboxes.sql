-- A backup of one of those who share an n8n is restored into a sandbox too: an n8n of its own, of the release that the shared one runs.
create or replace function sandbox_that_may(whose uuid, from_backup uuid, at_most integer, for_drill uuid default null)
    returns table (id uuid, email text, region text, compliance text[], n8n_version text) language plpgsql volatile rows 1 as $$
begin
    perform from tenants t where t.id = whose for no key update;
    perform from backups b where b.id = from_backup for share;
    -- A statement of its own sees what was accepted while this one waited.
    return query
        select t.id, t.email, t.region, t.compliance, coalesce(s.n8n_version, t.n8n_version)
          from tenants t join backups b on b.tenant_id = t.id left join tenants s on s.id::text = t.shared_instance
         where t.id = whose and b.id = from_backup and b.status in ('verified', 'proven') and b.includes_database
           and t.purpose = 'customer' and t.status in ('active', 'suspended', 'migrating')
           and case when for_drill is null then living_sandboxes(t.id) < at_most
                    else not exists (select from restore_drills d where d.tenant_id = t.id and d.status = 'running') end;
end $$;
