-- What is unwell says so: how often containers began anew and why, how old what was seen is, and which tenants healing does not help.

alter table tenant_instances
    -- How often the engine started it again by itself, since this row was made.
    add column restarts        bigint not null default 0,
    -- The engine's own count, which begins anew whenever somebody starts the container. Null until it was first read.
    add column engine_restarts bigint,
    add column last_restart_at timestamptz,
    -- Of the last time it ended without being asked to.
    add column last_exit_code  bigint,
    add column oom_killed      boolean not null default false,
    -- How often a process in it was killed for want of memory, and when the last time, by the engine's clock.
    add column oom_kills       bigint not null default 0,
    add column last_oom_at     timestamptz,
    -- When its beginning anew was last told as an event.
    add column told_at         timestamptz;
grant select (restarts, last_restart_at, last_exit_code, oom_killed, oom_kills) on tenant_instances to authenticated;

-- When the cluster's containers were last looked at. A row of `tenant_instances` changes only when what is seen does, so this says how
-- old it is.
alter table clusters add column observed_at timestamptz;

-- Owners see nothing of clusters but this, for their own tenant's.
create function cluster_observed_at(cluster text) returns timestamptz
    language plpgsql stable security definer set search_path from current as $$
begin
    return (select observed_at from clusters where id = cluster);
end $$;
revoke execute on function cluster_observed_at(text) from public;
grant execute on function cluster_observed_at(text) to authenticated, service_role;

-- Tenants that had to be healed and have not been well for a while since.
create table tenant_troubles (
    tenant_id  uuid primary key references tenants (id) on delete cascade,
    since      timestamptz not null default now(),
    reasons    text[] not null,
    -- How often it was healed, and when it may be again.
    heals      integer not null,
    heal_after timestamptz not null,
    -- Healing did not help in time: from here on it is told and shown.
    shown_at   timestamptz
);
call guard_table('tenant_troubles');
call show_owners('tenant_troubles', 'tenant_id', array['tenant_id', 'since', 'reasons', 'shown_at']);

create function note_trouble() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, data)
    select case tg_op when 'DELETE' then 'tenant.recovered' else 'tenant.unhealthy' end, t.id,
        jsonb_build_object('since', old.since, 'reasons', to_jsonb(coalesce(new.reasons, old.reasons)))
    from tenants t where t.id = old.tenant_id and t.status = 'active';
    return null;
end $$;
create trigger tenant_troubles_shown after update on tenant_troubles
    for each row when (old.shown_at is null and new.shown_at is not null) execute function note_trouble();
create trigger tenant_troubles_over after delete on tenant_troubles
    for each row when (old.shown_at is not null) execute function note_trouble();

-- Tenants that are gone and whose remains the reconciler removed: it removes those of a few in an hour.
create table removals (
    tenant_id  uuid primary key references tenants (id) on delete cascade,
    cluster_id text not null,
    at         timestamptz not null default now()
);
call guard_table('removals');
