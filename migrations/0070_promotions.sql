-- A tenant moves out of an n8n that it shares into one of its own (docs/adr/0064).

-- Where it lived: what its callers wrote into their paths goes on leading to it, for good.
alter table tenants
    add column former_instance uuid,
    add column former_project text,
    -- Executions that waited when it left, whose addresses were told with the shared n8n's host.
    add column former_waiting integer[],
    add constraint tenants_former_home_check
        check ((former_instance is null) = (former_project is null) and (former_instance is null or mode = 'dedicated'));

-- Each time that a tenant was to be moved.
create table promotions (
    id           uuid primary key,
    tenant_id    uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    -- What does it.
    operation_id uuid not null,
    asked_by     text not null,
    asked_at     timestamptz not null default now(),
    -- Whether executions go along.
    executions   boolean not null default true,
    -- The longest that callers wait, in seconds.
    ttl_seconds  integer not null check (ttl_seconds > 0),
    status       text not null default 'running' check (status in ('running', 'succeeded', 'failed', 'rolled_back')),
    -- How far back there is a way: what the tenant had where it lived is kept until then. Null: it is there no more, or never was left.
    instance     uuid,
    project      text,
    member       uuid,
    backup_id    uuid references backups (id),
    -- Callers waited from here to there.
    frozen_at    timestamptz,
    thawed_at    timestamptz,
    ended_at     timestamptz,
    retire_at    timestamptz,
    -- Nothing is left of where it does not live: in the n8n that it shared, or of its own once it is back there.
    retired_at   timestamptz,
    -- Back where it lived: since when, what it did in its own n8n, by name, and the backup that has all of that.
    rolled_back_at timestamptz,
    changes       jsonb,
    own_backup_id uuid references backups (id),
    constraint promotions_end_check check ((status = 'running') = (ended_at is null)),
    constraint promotions_place_check check ((instance is null) = (project is null) and (instance is null) = (member is null))
);
create index promotions_of_tenant on promotions (tenant_id, asked_at desc);
create index promotions_of_operation on promotions (operation_id);
create index promotions_to_retire on promotions (retire_at) where status in ('succeeded', 'rolled_back') and retired_at is null;
-- Whoever still has something in an n8n that others share keeps it from being removed.
create index promotions_in_instance on promotions (instance) where instance is not null and retired_at is null;
call guard_table('promotions');
call show_owners('promotions', 'tenant_id', array[
    'id', 'tenant_id', 'operation_id', 'asked_at', 'executions', 'ttl_seconds', 'status', 'backup_id', 'frozen_at', 'thawed_at', 'ended_at',
    'retire_at', 'retired_at', 'rolled_back_at', 'changes', 'own_backup_id']);

-- Whoever asks for one, over whichever way: it is there from its acceptance on.
create function note_promotion_asked_for() returns trigger language plpgsql as $$
begin
    insert into promotions (id, tenant_id, operation_id, executions, ttl_seconds, asked_by)
    values (substr(new.request ->> 'promotion', 5)::uuid, new.tenant_id, new.id,
            coalesce((new.request ->> 'executions')::boolean, true), (new.request ->> 'ttl_minutes')::integer * 60, new.actor);
    return null;
end $$;
create trigger operations_ask_for_promotion after insert on operations
    for each row when (new.kind = 'tenant.promote') execute function note_promotion_asked_for();

-- What is called off before it begins, or undone, has failed. So has one that a person gave up, unless the tenant lives in its own n8n by then: what it
-- had is there still, and goes as that of any other.
create function note_promotion_over() returns trigger language plpgsql as $$
begin
    update promotions p set status = 'succeeded', ended_at = clock_timestamp(), retire_at = clock_timestamp() + interval '1 day'
      from tenants t
     where p.operation_id = new.id and p.status = 'running' and t.id = p.tenant_id and t.mode = 'dedicated' and p.instance is not null
       and new.status = 'abandoned';
    update promotions set status = 'failed', ended_at = clock_timestamp(), instance = null, project = null, member = null
     where operation_id = new.id and status = 'running';
    return null;
end $$;
create trigger operations_end_promotions after update of status on operations
    for each row when (old.status <> new.status and new.status in ('rolled_back', 'abandoned') and new.kind = 'tenant.promote')
    execute function note_promotion_over();

-- Whoever follows a tenant is told what became of it.
create function note_promotion() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, data) values (
        case when new.status = old.status then 'tenant.promotion_retired' else 'tenant.promotion_' || new.status end,
        new.tenant_id, new.operation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'promotion', 'pro_' || replace(new.id::text, '-', ''),
            'freeze_seconds', extract(epoch from new.thawed_at - new.frozen_at)::float8, 'retire_at', new.retire_at)));
    return null;
end $$;
create trigger promotions_changed after update on promotions
    for each row when (new.status <> old.status and new.status <> 'running' or new.retired_at is distinct from old.retired_at)
    execute function note_promotion();

-- How many tenants have something in an n8n that they share. What failed or was deleted has left nothing in it; what was moved out is kept there for
-- a while, and needs the n8n to be removed.
create or replace function tenants_sharing(instance uuid) returns bigint language sql stable as $$
    select (select count(*) from tenants t where t.shared_instance = $1::text and t.status not in ('failed', 'deleted'))
         + (select count(*) from promotions p join tenants t on t.id = p.tenant_id
             where p.instance = $1 and p.status in ('running', 'succeeded') and p.retired_at is null and t.shared_instance is distinct from $1::text)
$$;

-- As before; and who is about to have something of its own, which was set aside already.
create or replace function cluster_committed(of_cluster text) returns table (tenants bigint, connections bigint)
    language sql stable rows 1 as $$
    select count(*), coalesce(sum(coalesce(l.connections, p.connections)), 0)::bigint
      from tenants t join plans p on p.name = t.plan left join tenant_limits l on l.tenant_id = t.id
     where (t.mode = 'dedicated' or t.subnet is not null) and t.status not in ('failed', 'deleted')
       and (t.cluster_id = of_cluster or t.cluster_id is null)
$$;

-- A set that is one tenant's part of a shared n8n, and no database: it cannot be loaded in place or into a sandbox.
alter table backups add column of_part boolean generated always as (coalesce(manifest @> '{"objects": [{"what": "member"}]}', false)) stored;
