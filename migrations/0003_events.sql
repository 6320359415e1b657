-- What happened, for whoever follows it live.
--
-- Triggers write each change into the outbox, in the transaction that makes it: no writer can forget it, and nothing is
-- told that did not happen. Transactions commit in another order than they draw numbers, so a number drawn there cannot
-- say "everything before me is known to you": a row with a lower one may still appear. Therefore the outbox is moved into
-- `events` by one transaction at a time (an advisory lock), and only there rows get the id that is told. Whoever has read
-- up to an id has read everything up to it, for good. No transaction of another database on this server delays that, as it
-- would if ids were held back until the oldest transaction of the server is over.

create table event_outbox (
    -- Changes of one row are numbered in the order they were made: its lock is held while the number is drawn.
    seq            bigint generated always as identity primary key,
    at             timestamptz not null default clock_timestamp(),
    -- A family and what happened, such as `step.failed`: two parts, because subjects are made of it.
    kind           text not null check (kind ~ '^[a-z_]+\.[a-z_]+$'),
    tenant_id      uuid,
    operation_id   uuid,
    correlation_id text,
    -- What the API would tell, and nothing else: no output of a step, no cause of an error.
    data           jsonb not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index event_outbox_of_operation on event_outbox (operation_id);

create table events (
    id             bigint generated always as identity primary key,
    at             timestamptz not null,
    kind           text not null,
    tenant_id      uuid,
    operation_id   uuid,
    correlation_id text,
    data           jsonb not null
);
create index events_of_tenant on events (tenant_id, id);
create index events_of_operation on events (operation_id, id);

-- How far events were published, and which are not kept any longer.
create table event_relay (
    single       boolean primary key default true check (single),
    published_id bigint not null default 0,
    forgotten_id bigint not null default 0
);
insert into event_relay default values;

create function event_error(error jsonb) returns jsonb language sql immutable as $$
    select case when error is not null
        then jsonb_build_object('kind', error -> 'kind', 'detail', error -> 'detail') end
$$;

create function note_operation() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data) values (
        'operation.' || case tg_op when 'INSERT' then 'accepted' else new.status end,
        new.tenant_id, new.id, new.correlation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'operation_kind', new.kind,
            'status', new.status,
            'ended', new.finished_at is not null or new.status = 'stuck',
            -- An operation that goes on, or went well, may still carry the failure of an earlier attempt.
            'error', case when new.status not in ('queued', 'running', 'succeeded')
                          then event_error(new.error) end)));
    return null;
end $$;
-- Deferred to the end of the transaction: an operation ends after the last step that is written with it.
create constraint trigger operations_accepted after insert on operations
    deferrable initially deferred for each row execute function note_operation();
create constraint trigger operations_turned after update on operations
    deferrable initially deferred for each row when (old.status is distinct from new.status)
    execute function note_operation();

create function note_step() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data)
    select 'step.' || new.event, o.tenant_id, o.id, o.correlation_id,
        jsonb_strip_nulls(jsonb_build_object(
            'operation_kind', o.kind, 'step', new.step, 'ordinal', new.ordinal, 'error', event_error(new.error)))
    from operations o where o.id = new.operation_id;
    return null;
end $$;
create trigger operation_steps_noted after insert on operation_steps
    for each row execute function note_step();

create function note_tenant() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, data) values (
        'tenant.' || new.status, new.id,
        jsonb_strip_nulls(jsonb_build_object(
            'status', new.status, 'failure', case new.status when 'failed' then new.failure end)));
    return null;
end $$;
create trigger tenants_came after insert on tenants for each row execute function note_tenant();
create trigger tenants_turned after update on tenants
    for each row when (old.status is distinct from new.status) execute function note_tenant();
