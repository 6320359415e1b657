-- Many tenants get a later release of n8n, in waves (docs/adr/0065).

-- To compare releases by. Null: it is not written as three numbers.
create function n8n_release(version text) returns integer[] language sql immutable as $$
    select case when version ~ '^[0-9]{1,9}(\.[0-9]{1,9}){2}$' then string_to_array(version, '.')::integer[] end
$$;

create table rollouts (
    id             uuid primary key,
    n8n_version    text not null,
    -- Who was meant, as it was asked for. Who they are is in `rollout_tenants`.
    selection      jsonb not null,
    -- The most that are upgraded at once, and the most that may fail without ending it.
    concurrency    integer not null check (concurrency > 0),
    max_failures   integer not null check (max_failures >= 0),
    asked_by       text not null,
    role           text not null,
    correlation_id text not null,
    reason         text,
    created_at     timestamptz not null default clock_timestamp(),
    status         text not null default 'running' check (status in ('running', 'succeeded', 'stopped', 'cancelled')),
    -- How many have begun.
    waves          integer not null default 0,
    ended_at       timestamptz,
    constraint rollouts_end_check check ((status = 'running') = (ended_at is null))
);
create unique index rollouts_one_at_a_time on rollouts ((true)) where status = 'running';
create index rollouts_in_order on rollouts (created_at desc, id desc);
call guard_table('rollouts');

-- Whose turn comes when, and what became of them.
create table rollout_tenants (
    rollout_id   uuid not null references rollouts (id) on delete cascade,
    tenant_id    uuid not null references tenants (id) on delete cascade,
    ordinal      integer not null,
    status       text not null default 'waiting' check (status in ('waiting', 'running', 'succeeded', 'failed', 'skipped')),
    wave         integer,
    operation_id uuid,
    -- Why it failed or was passed over.
    detail       text,
    -- Something else is done to it at the moment: it is looked at again then.
    not_before   timestamptz not null default '-infinity',
    ended_at     timestamptz,
    primary key (rollout_id, tenant_id),
    constraint rollout_tenants_wave_check check ((wave is null) = (operation_id is null))
);
create index rollout_tenants_in_order on rollout_tenants (rollout_id, ordinal) where status = 'waiting';
create index rollout_tenants_begun on rollout_tenants (rollout_id) where status in ('running', 'failed');
create index rollout_tenants_of_tenant on rollout_tenants (tenant_id);
call guard_table('rollout_tenants');

-- How many of its tenants are how. Of those that wait, `due` are the ones that nothing else is done to as far as is known.
create function rollout_counts(rollout uuid)
    returns table (waiting bigint, due bigint, running bigint, succeeded bigint, failed bigint, skipped bigint) language sql stable rows 1 as $$
    select count(*) filter (where i.status = 'waiting'), count(*) filter (where i.status = 'waiting' and i.not_before <= now()),
           count(*) filter (where i.status = 'running'), count(*) filter (where i.status = 'succeeded'),
           count(*) filter (where i.status = 'failed'), count(*) filter (where i.status = 'skipped')
      from rollout_tenants i where i.rollout_id = rollout
$$;

-- Whoever follows the platform is told how it ended.
create function note_rollout() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, correlation_id, data)
    select 'rollout.' || new.status, new.correlation_id,
           jsonb_build_object('rollout', 'rol_' || replace(new.id::text, '-', ''), 'n8n_version', new.n8n_version, 'waves', new.waves,
               'succeeded', n.succeeded, 'failed', n.failed, 'skipped', n.skipped, 'waiting', n.waiting)
      from rollout_counts(new.id) n;
    return null;
end $$;
create trigger rollouts_ended after update of status on rollouts
    for each row when (old.status <> new.status) execute function note_rollout();
-- One without tenants is over at once.
create trigger rollouts_empty after insert on rollouts
    for each row when (new.status <> 'running') execute function note_rollout();
