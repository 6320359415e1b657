-- An n8n that somebody else runs and that tenants share (ADR 46): it is a row of `tenants` as those that the platform runs, with this beside it.
-- A cluster has one at most.
create table external_n8ns (
    cluster_id text primary key references clusters (id),
    tenant_id  uuid not null unique references tenants (id) on delete cascade,
    base_url   text not null,
    -- Which n8n tenants live in, once it was recognised: the id of its owner.
    owner      uuid,
    -- What keeps tenants out of it, as it was last seen: an array of {code, detail, passes}.
    obstacles  jsonb not null check (jsonb_typeof(obstacles) = 'array'),
    looked_at  timestamptz not null default now()
);
call guard_table('external_n8ns');

-- What keeps tenants out of it; null for one that the platform runs. When nobody who knows of it has looked for a minute, its settings were taken
-- away, or nobody is there to look.
create function external_obstacles(instance text) returns jsonb language plpgsql stable as $$
begin
    return (select case when x.looked_at > now() - interval '1 minute' then x.obstacles
                        when c.heartbeat_at > now() - interval '30 seconds' then jsonb_build_array(jsonb_build_object(
                            'code', 'not_configured', 'passes', false,
                            'detail', 'SHARED_N8N_BASE_URL is not set any more where the provisioners of its cluster run.'))
                        else jsonb_build_array(jsonb_build_object(
                            'code', 'unattended', 'passes', true,
                            'detail', 'No provisioner of its cluster is there to look at it.')) end
              from external_n8ns x join clusters c on c.id = x.cluster_id where x.tenant_id::text = instance);
end $$;

-- Whether something has to be done about it by a person before anything can be done to those who live in it.
create function external_refuses(instance text) returns boolean language plpgsql stable as $$
begin
    return exists (select from jsonb_array_elements(external_obstacles(instance)) obstacle
                    where not (obstacle ->> 'passes')::boolean);
end $$;

-- As before (0039), but that nobody is placed in an n8n of somebody else's while anything is in the way.
create or replace function shared_n8ns(asked_region text, asked_compliance text[])
    returns table (instance uuid, cluster_id text, tenants bigint, capacity integer, suits boolean, ready boolean)
    language sql stable rows 10 as $$
    select t.id, t.cluster_id, tenants_sharing(t.id), t.capacity, coalesce(cluster_suits(c, asked_region, asked_compliance), false),
           t.status = 'active' and not t.draining and coalesce(c.state = 'active', false)
           and coalesce(external_obstacles(t.id::text) = '[]', true)
      from tenants t left join clusters c on c.id = t.cluster_id
     where t.purpose = 'shared' and t.status not in ('failed', 'deleting', 'deleted')
$$;

-- As before (0036), but for an n8n of somebody else's: nothing is done to it, and it is forgotten once nobody has it in their settings and nobody
-- lives in it; and nothing is done in it that a person has to make possible first.
create or replace function tenant_that_may(tenant uuid, wanted text, begins_from text[], single boolean)
    returns table (id uuid, status text, cluster_id text) language plpgsql volatile rows 1 as $$
begin
    perform from tenants t where t.id = tenant for update;
    return query
        select t.id, t.status, t.cluster_id from tenants t, status_to_be(t.id) next
         where t.id = tenant and next.status = any (begins_from)
           and not (t.purpose = 'shared'
                    and (wanted = 'tenant.suspend'
                         or wanted = 'tenant.delete' and tenants_sharing(t.id) > 0
                         or external_obstacles(t.id::text) is not null
                            and not (wanted = 'tenant.delete'
                                     and coalesce(external_obstacles(t.id::text) -> 0 ->> 'code' = 'not_configured', false))))
           and not (t.shared_instance is not null and external_refuses(t.shared_instance))
           and not (single and exists (select from operations o
                                        where o.tenant_id = t.id and o.kind = wanted and o.parent_id is null
                                          and o.status in ('queued', 'running', 'undoing', 'stuck')));
end $$;
