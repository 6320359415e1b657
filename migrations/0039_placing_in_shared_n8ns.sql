-- Which n8n a new tenant shares is decided when it is accepted, with its cluster. Nobody is placed where there is no room, however many ask at
-- once, nor where nobody is to be placed any more.

-- The n8ns that tenants share, where and how full they are; `open` are those that another one may be placed in.
create function shared_n8ns(asked_region text, asked_compliance text[])
    returns table (instance uuid, cluster_id text, tenants bigint, capacity integer, suits boolean, ready boolean)
    language sql stable as $$
    select t.id, t.cluster_id, tenants_sharing(t.id), t.capacity, coalesce(cluster_suits(c, asked_region, asked_compliance), false),
           t.status = 'active' and not t.draining and coalesce(c.state = 'active', false)
      from tenants t left join clusters c on c.id = t.cluster_id
     where t.purpose = 'shared' and t.status not in ('failed', 'deleting', 'deleted')
$$;

-- The one with the fewest tenants of those with room; none, if there is none. Whoever places somebody takes their turn until their transaction
-- ends, and holds the row, as whoever has it removed does (`tenant_that_may`): each statement here sees what was decided before.
create function place_in_shared(asked_region text, asked_compliance text[])
    returns table (instance uuid, cluster_id text) language plpgsql volatile as $$
declare
    chosen record;
    passed uuid[] := '{}';
begin
    perform pg_advisory_xact_lock(hashtextextended('rp9 shared places', 0));
    loop
        select s.instance, s.cluster_id into chosen from shared_n8ns(asked_region, asked_compliance) s
         where s.suits and s.ready and s.tenants < s.capacity and s.instance <> all (passed)
         order by s.tenants, s.instance limit 1;
        if not found then
            return;
        end if;
        perform from tenants t where t.id = chosen.instance for no key update;
        if exists (select from shared_n8ns(asked_region, asked_compliance) s
                    where s.instance = chosen.instance and s.ready and s.tenants < s.capacity) then
            return query select chosen.instance, chosen.cluster_id;
            return;
        end if;
        passed := passed || chosen.instance;
    end loop;
end $$;

-- How the n8n is that a tenant shares: a view, as of clusters (0038). Owners see their own tenants' and not which one it is.
create view shared_n8n_sightings as
    select t.id as tenant, s.n8n_version,
           case when current_user <> 'authenticated' then s.id end as instance,
           exists (select from tenant_troubles r where r.tenant_id = s.id and r.shown_at is not null) as troubled,
           (select coalesce(bool_or(i.role = 'main') and bool_or(i.role = 'worker'), false) from tenant_instances i
             where i.tenant_id = s.id and i.color = s.active_color and i.state = 'running' and i.health in ('healthy', 'none')) as ready
      from tenants t join tenants s on s.id::text = t.shared_instance
     where current_user <> 'authenticated' or t.id = any ((select visible_tenants())::uuid[]);
revoke all on shared_n8n_sightings from public, anon, authenticated, service_role;
grant select on shared_n8n_sightings to authenticated, service_role;
