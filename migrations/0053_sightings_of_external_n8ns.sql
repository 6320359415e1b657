-- Apart from 0052, which takes locks of tables: whoever reads this view and writes those meanwhile waits for one of them, and nobody for each other.

-- As before (0039), but for one of somebody else's, of which no container is seen. Whoever asks may not call functions that look at its row.
create or replace view shared_n8n_sightings as
    select t.id as tenant, s.n8n_version,
           case when current_user <> 'authenticated' then s.id end as instance,
           exists (select from tenant_troubles r where r.tenant_id = s.id and r.shown_at is not null) as troubled,
           case when x.tenant_id is not null then x.obstacles = '[]' and x.looked_at > now() - interval '1 minute'
                else (select coalesce(bool_or(i.role = 'main') and bool_or(i.role = 'worker'), false) from tenant_instances i
                       where i.tenant_id = s.id and i.color = s.active_color and i.state = 'running'
                         and i.health in ('healthy', 'none')) end as ready
      from tenants t join tenants s on s.id::text = t.shared_instance left join external_n8ns x on x.tenant_id = s.id
     where current_user <> 'authenticated' or t.id = any ((select visible_tenants())::uuid[]);
