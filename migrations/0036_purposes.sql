-- What a tenant is there for: somebody's own n8n, or one that the platform runs itself and that others share (ADR 39). It is a tenant like
-- any other to whatever makes, heals, scales and removes it, and none to customers and the portal.
alter table tenants
    add column purpose text not null default 'customer' constraint tenants_purpose_check check (purpose in ('customer', 'shared')),
    -- Of an n8n that tenants share: how many may live in it, and whether no more are placed in it.
    add column capacity integer,
    add column draining boolean not null default false,
    -- Of a tenant that shares one, beside `shared_instance` (the id of that one's row, as text) and `shared_project`: who it is in there.
    add column shared_user uuid,
    add constraint tenants_shared_n8n_check check (
        case purpose when 'customer' then capacity is null and not draining and plan <> 'shared'
                     else mode = 'dedicated' and coalesce(capacity > 0, false) and custom_domain is null end),
    add constraint tenants_shared_user_check check (mode = 'shared' or shared_user is null);
grant select (purpose) on tenants to authenticated;

-- They are few, and looked for to be left out.
create index tenants_not_of_customers on tenants (id) where purpose <> 'customer';
create index tenants_of_shared_n8n on tenants (shared_instance) where shared_instance is not null;

-- Plans that nobody can ask for. What such an n8n takes of its cluster: main and two workers of 1,344 MB are within 4 GB. 500 idle users were
-- seen to take 600 MB of its main and 460 MB of each worker. Ten executions at once in each worker.
alter table plans add column offered boolean not null default true;
insert into plans (name, cpu_millis, memory_mb, workers, storage_gb, executions_per_month, concurrent_executions, api_calls_per_hour,
                   ceiling_percent, connections, offered)
values ('shared', 2000, 1344, 2, 200, 1000000000, 20, 1000000, 400, 28, false);

-- How many tenants live in an n8n that they share. What failed or was deleted has left nothing in it.
create function tenants_sharing(instance uuid) returns bigint language sql stable as $$
    select count(*) from tenants t
     where t.shared_instance = instance::text and t.status not in ('failed', 'deleted')
$$;

-- As before (0030), but for an n8n that others live in: it is neither removed nor let rest. Whoever places a tenant in it locks its row, too.
create or replace function tenant_that_may(tenant uuid, wanted text, begins_from text[], single boolean)
    returns table (id uuid, status text, cluster_id text) language plpgsql volatile as $$
begin
    perform from tenants t where t.id = tenant for update;
    return query
        select t.id, t.status, t.cluster_id from tenants t, status_to_be(t.id) next
         where t.id = tenant and next.status = any (begins_from)
           and not (t.purpose = 'shared' and (wanted = 'tenant.suspend'
                                              or wanted = 'tenant.delete' and tenants_sharing(t.id) > 0))
           and not (single and exists (select from operations o
                                        where o.tenant_id = t.id and o.kind = wanted and o.parent_id is null
                                          and o.status in ('queued', 'running', 'undoing', 'stuck')));
end $$;
