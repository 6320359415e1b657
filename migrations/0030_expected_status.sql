-- Something is asked of a tenant as it will be when everything that was accepted before has been done: whoever lets it rest and wakes it
-- again at once finds it awake, and nobody restarts one that is about to rest.

-- How the tenant is after it, where it keeps its status until then. What gives it another one at once (`former_status`) needs none.
alter table operations add column next_status text;

-- A former release does not say it.
create function note_next_status() returns trigger language plpgsql as $$
begin
    new.next_status := case new.kind when 'tenant.suspend' then 'suspended' else 'active' end;
    return new;
end $$;
create trigger operations_next_status before insert on operations
    for each row when (new.next_status is null and new.parent_id is null and new.kind in ('tenant.suspend', 'tenant.resume'))
    execute function note_next_status();

update operations set next_status = case kind when 'tenant.suspend' then 'suspended' else 'active' end
 where kind in ('tenant.suspend', 'tenant.resume') and status in ('queued', 'running', 'undoing', 'stuck');

-- The status that this tenant will have, and the operation that gives it; none, if it has it. What goes back, or will, gives nothing.
create function status_to_be(tenant uuid) returns table (status text, operation uuid) language sql stable as $$
    select coalesce(next.next_status, t.status), next.id
      from tenants t left join lateral (
            select case when o.former_status is null then o.next_status end as next_status,
                   case when o.former_status is null then o.id end as id
              from operations o
             where o.tenant_id = t.id and o.status in ('queued', 'running') and o.cancellation is null
               and (o.next_status is not null or o.former_status is not null)
             order by o.created_at desc, o.id desc limit 1) next on true
     where t.id = tenant
$$;

-- The tenant, if something of this kind may be accepted for it; until the transaction ends, whoever asks waits. Each statement in here
-- sees what was accepted while this one waited; in one statement, only the row that was waited for would be read anew.
create function tenant_that_may(tenant uuid, wanted text, begins_from text[], single boolean)
    returns table (id uuid, status text, cluster_id text) language plpgsql volatile as $$
begin
    perform from tenants t where t.id = tenant for update;
    return query
        select t.id, t.status, t.cluster_id from tenants t, status_to_be(t.id) next
         where t.id = tenant and next.status = any (begins_from)
           and not (single and exists (select from operations o
                                        where o.tenant_id = t.id and o.kind = wanted and o.parent_id is null
                                          and o.status in ('queued', 'running', 'undoing', 'stuck')));
end $$;
