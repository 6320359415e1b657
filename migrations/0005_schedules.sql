-- Distributed cron. What is to be done when, and what became of each time.

create table schedules (
    name           text primary key check (name ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    -- What runs: a job's name, known to the service that declares the schedule.
    job            text not null,
    service        text not null,
    tenant_id      uuid references tenants (id) on delete cascade,
    -- Five fields, read in this IANA zone.
    cron           text not null,
    zone           text not null,
    misses         text not null check (misses in ('catch_up', 'skip')),
    jitter_seconds integer not null check (jitter_seconds between 0 and 3600),
    paused_at      timestamptz,
    paused_by      text,
    paused_reason  text,
    -- Its service declares it no longer: it does not fire, and is forgotten after a while.
    retired_at     timestamptz,
    -- The first moment nobody has decided about yet, and when it is to fire: then, or by its jitter later. Whoever decides
    -- holds this row and moves both on in the same transaction, so no moment is decided twice.
    next_due       timestamptz not null,
    fires_at       timestamptz not null,
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    check (fires_at >= next_due),
    check ((paused_at is null) = (paused_by is null) and (paused_at is not null or paused_reason is null))
);
create index schedules_due on schedules (fires_at) where paused_at is null and retired_at is null;
create index schedules_of_tenant on schedules (tenant_id) where tenant_id is not null;

-- One row for each time a schedule fired. The key is what makes it once, whatever went wrong before.
create table schedule_firings (
    schedule    text not null references schedules (name) on delete cascade,
    due_at      timestamptz not null,
    fires_at    timestamptz not null,
    fired_at    timestamptz not null default now(),
    state       text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
    attempts    integer not null default 0,
    -- Not to be tried again before this moment.
    not_before  timestamptz not null default now(),
    lease_until timestamptz,
    -- Rises with every claim, as an operation's does.
    fence       bigint not null default 0,
    error       jsonb,
    finished_at timestamptz,
    primary key (schedule, due_at),
    check ((state in ('done', 'failed')) = (finished_at is not null))
);
create index schedule_firings_open on schedule_firings (schedule, due_at) where state in ('waiting', 'running');
create index schedule_firings_age on schedule_firings (finished_at) where finished_at is not null;

create function note_schedule() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, data) values (
        case when new.paused_at is null then 'schedule.resumed' else 'schedule.paused' end,
        new.tenant_id,
        jsonb_strip_nulls(jsonb_build_object(
            'schedule', new.name, 'job', new.job, 'by', new.paused_by, 'reason', new.paused_reason)));
    return null;
end $$;
create trigger schedules_turned after update on schedules
    for each row when ((old.paused_at is null) <> (new.paused_at is null)) execute function note_schedule();

create function note_failed_firing() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, data)
    select 'schedule.failed', s.tenant_id,
        jsonb_strip_nulls(jsonb_build_object(
            'schedule', s.name, 'job', s.job, 'due_at', new.due_at, 'attempts', new.attempts,
            'error', event_error(new.error)))
    from schedules s where s.name = new.schedule;
    return null;
end $$;
create trigger schedule_firings_failed after update on schedule_firings
    for each row when (new.state = 'failed' and old.state <> 'failed') execute function note_failed_firing();
