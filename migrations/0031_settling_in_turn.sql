-- A tenant gets its status from one after the other. Two operations of one tenant that ended in the same moment, a creation that was rolled
-- back and a removal that was called off, each left it to the other one, and nobody said that the tenant had failed.

create or replace function settle_tenant(operation uuid, becomes text, why text) returns void language plpgsql as $$
declare
    this operations;
    later uuid;
begin
    select * into strict this from operations where id = operation;
    -- What was accepted or called off while this one waited is seen by the statements after it.
    perform from tenants where id = this.tenant_id for update;
    select o.id into later from operations o
     where o.tenant_id = this.tenant_id and o.id <> this.id and o.former_status is not null
       and o.status in ('queued', 'running', 'undoing', 'stuck')
       and (o.created_at, o.id) > (this.created_at, this.id)
     order by o.created_at, o.id limit 1;
    if later is null then
        update tenants set status = becomes, status_before_deleting = null, failure = why, updated_at = now()
         where id = this.tenant_id;
    else
        update operations set former_status = becomes where id = later;
        -- `status_before_deleting` is for replicas of a former release.
        update tenants set status_before_deleting = becomes, failure = why, updated_at = now()
         where id = this.tenant_id and status = 'deleting';
    end if;
end $$;

-- Whoever settles holds its tenant before it changes another operation, so whoever calls one off that has not begun, and settles with that,
-- takes them in the same order. What runs is settled by its worker, which holds it already.
create function lock_tenant_of(operation uuid) returns void language plpgsql volatile as $$
begin
    perform from tenants t
      where t.id = (select o.tenant_id from operations o where o.id = operation and o.status = 'queued') for update;
end $$;
