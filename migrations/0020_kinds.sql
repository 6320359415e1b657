-- What an operation is follows from its kind, and is kept with it: who does it, beside what it may run, and how its tenant was before.

alter table operations
    add column service text not null default 'provisioner',
    -- Whose workers may do it; null: anybody's, and then that of whoever begins it.
    add column cluster_id text,
    -- One at a time in each lane of a tenant; what needs the tenant to itself waits for every lane.
    add column lane text not null default 'life' check (lane in ('life', 'copies')),
    add column alone boolean not null default false,
    -- The operation that has this done as a part of itself: it runs while its parent waits.
    add column parent_id uuid references operations (id) on delete cascade,
    -- What its tenant becomes when nothing comes of it. Null: it never gave its tenant another status.
    add column former_status text;

create index operations_of_parent on operations (parent_id) where parent_id is not null;

-- What needs the tenant to itself is in the way of either lane. The first name stays: replicas of a former release know it.
drop index operations_one_at_a_time;
create unique index operations_one_at_a_time on operations (tenant_id)
    where status in ('running', 'undoing', 'stuck') and parent_id is null and (lane = 'life' or alone);
create unique index operations_one_copy_at_a_time on operations (tenant_id)
    where status in ('running', 'undoing', 'stuck') and parent_id is null and (lane = 'copies' or alone);
create unique index operations_one_child_at_a_time on operations (parent_id)
    where status in ('running', 'undoing', 'stuck') and parent_id is not null;

-- A tenant settles: from here on it is what an operation made of it. If one that was accepted later has given it a status meanwhile,
-- it keeps that, and this is what it becomes when nothing comes of the later one.
create function settle_tenant(operation uuid, becomes text, why text) returns void language plpgsql as $$
declare
    this operations;
    later uuid;
begin
    select * into strict this from operations where id = operation;
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

-- What a former release accepts says nothing of the status before. It gave its tenant another one in the same statement, before or after.
create function note_former_status() returns trigger language plpgsql as $$
begin
    new.former_status := case new.kind
        when 'tenant.create' then 'failed'
        when 'tenant.delete' then
            (select case status when 'deleting' then coalesce(status_before_deleting, 'failed') else status end
               from tenants where id = new.tenant_id)
        end;
    return new;
end $$;
create trigger operations_former_status before insert on operations
    for each row when (new.former_status is null and new.kind in ('tenant.create', 'tenant.delete'))
    execute function note_former_status();

update operations o
   set former_status = case o.kind when 'tenant.create' then 'failed' else coalesce(t.status_before_deleting, 'failed') end
  from tenants t
 where t.id = o.tenant_id and o.kind in ('tenant.create', 'tenant.delete')
   and o.status in ('queued', 'running', 'undoing', 'stuck');
