-- Operations that are done for others, and those on a cluster.

-- What is done to a cluster has no tenant, and the cluster says with what it takes turns. `not valid`: whatever is there has a tenant.
alter table operations
    alter column tenant_id drop not null,
    add constraint operations_subject_check check (tenant_id is not null or cluster_id is not null) not valid,
    -- A part of it has ended since it was last claimed: it does not rest.
    add column child_ended boolean not null default false;

create unique index operations_one_on_a_cluster on operations (cluster_id)
    where tenant_id is null and status in ('running', 'undoing', 'stuck') and parent_id is null and (lane = 'life' or alone);
create unique index operations_one_copy_on_a_cluster on operations (cluster_id)
    where tenant_id is null and status in ('running', 'undoing', 'stuck') and parent_id is null and (lane = 'copies' or alone);
create index operations_of_cluster on operations (cluster_id, created_at desc) where tenant_id is null;

-- Whoever accepted something that is done to a cluster. Null where it is a tenant's.
alter table audit_logs add column cluster_id text;

-- Whatever ends a part (a worker, a person who cancels it or gives it up) wakes the operation that waits for it. One that is stuck waits
-- for a person, and one that is over for nothing.
create function wake_parent() returns trigger language plpgsql as $$
begin
    update operations set not_before = least(not_before, now()), child_ended = true
     where id = new.parent_id and status in ('running', 'undoing');
    return null;
end $$;
create trigger operations_wake_parent after update of status on operations
    for each row when (new.parent_id is not null and old.finished_at is null and new.finished_at is not null)
    execute function wake_parent();

-- As in 0031, but for the first lines: a part leaves its tenant's status to the operation that it is a part of.
create or replace function settle_tenant(operation uuid, becomes text, why text) returns void language plpgsql as $$
declare
    this operations;
    later uuid;
begin
    select * into strict this from operations where id = operation;
    if this.parent_id is not null then
        return;
    end if;
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

-- What is told of an operation that has no tenant says of which cluster it is.
create or replace function note_operation() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data) values (
        'operation.' || case tg_op when 'INSERT' then 'accepted' else new.status end,
        new.tenant_id, new.id, new.correlation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'operation_kind', new.kind,
            'cluster_id', case when new.tenant_id is null then new.cluster_id end,
            'status', new.status,
            'ended', new.finished_at is not null or new.status = 'stuck',
            -- An operation that goes on, or went well, may still carry the failure of an earlier attempt.
            'error', case when new.status not in ('queued', 'running', 'succeeded')
                          then event_error(new.error) end)));
    return null;
end $$;

create or replace function note_steps() returns trigger language plpgsql set enable_seqscan = off as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data)
    select 'step.' || s.event, o.tenant_id, s.operation_id, o.correlation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'operation_kind', o.kind, 'cluster_id', case when o.tenant_id is null then o.cluster_id end,
            'step', s.step, 'ordinal', s.ordinal, 'error', event_error(s.error)))
    from written s,
        -- Its own plan (`offset 0`), once for each row: a join could be hashed, and that reads everything too.
        lateral (select tenant_id, cluster_id, correlation_id, kind from operations where id = s.operation_id offset 0) o
    order by s.seq;
    return null;
end $$;

create or replace function note_cancellation() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data) values (
        'operation.cancelled', new.tenant_id, new.id, new.correlation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'operation_kind', new.kind, 'cluster_id', case when new.tenant_id is null then new.cluster_id end,
            'status', new.status, 'ended', new.finished_at is not null)));
    return null;
end $$;
