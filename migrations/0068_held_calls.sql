-- Calls to tenants' webhooks that came while nothing of the tenant's could take them. Each is here before it is answered, in the order of its coming,
-- and is delivered once the tenant's route leads to its n8n again (docs/adr/0062).
create table held_calls (
    -- What the caller is told.
    receipt        uuid primary key,
    -- The order of their coming, as far as one record can tell.
    number         bigint generated always as identity,
    tenant_id      uuid not null references tenants (id) on delete cascade,
    host           text not null,
    method         text not null,
    -- Path and query, as the caller wrote them.
    target         text not null,
    -- Of calls with the same one, none is delivered before those that came earlier.
    path           text not null,
    -- Name and value of each, in their order; a value's bytes are the code points of its text.
    headers        jsonb not null,
    body           bytea not null,
    bytes          integer not null,
    state          text not null default 'held' check (state in ('held', 'delivering', 'delivered', 'dead')),
    held_at        timestamptz not null default clock_timestamp(),
    -- Not to be delivered before.
    due_at         timestamptz not null default clock_timestamp(),
    -- How often it was sent to the tenant's n8n.
    deliveries     integer not null default 0,
    -- Whoever delivers it has died if this is over.
    lease_until    timestamptz,
    ended_at       timestamptz,
    answer_status  smallint,
    answer_headers jsonb,
    answer_body    bytea,
    failure        text,
    constraint held_calls_lease_check check ((state = 'delivering') = (lease_until is not null)),
    constraint held_calls_end_check check ((state in ('delivered', 'dead')) = (ended_at is not null))
);
-- The first of each path is looked for again and again.
create index held_calls_in_order on held_calls (tenant_id, path, number) where state in ('held', 'delivering');
create index held_calls_ended on held_calls (ended_at) where state in ('delivered', 'dead');
call guard_table('held_calls');
