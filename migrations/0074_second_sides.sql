-- A tenant has a second side beside the one that serves (docs/adr/0067).

-- What answers webhooks and forms without a main.
alter table tenant_instances
    drop constraint tenant_instances_role_check,
    add constraint tenant_instances_role_check check (role in ('main', 'worker', 'webhook'));

-- `active_color` and `n8n_version` are of the side that serves: the one with the main. Of the other one, which has the other color:
alter table tenants
    -- What it runs. Null: there is none.
    add column second_version text,
    -- How many of a hundred calls to webhooks it answers.
    add column second_weight smallint not null default 0,
    -- Whether it served before the one that serves now.
    add column second_is_former boolean not null default false,
    add constraint tenants_second_side_check
        check (second_weight between 0 and 100 and (second_version is not null or second_weight = 0 and not second_is_former)
               and (second_version is null or mode = 'dedicated'));
grant select (second_version, second_weight, second_is_former) on tenants to authenticated;

-- Whoever follows a tenant is told of each switch.
create function note_sides() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, data) values (
        'tenant.sides_changed', new.id,
        jsonb_strip_nulls(jsonb_build_object(
            'active', new.active_color, 'n8n_version', new.n8n_version, 'second_version', new.second_version,
            'second_weight', case when new.second_version is not null then new.second_weight end)));
    return null;
end $$;
create trigger tenants_sides_changed after update of active_color, second_version, second_weight on tenants
    for each row when ((old.active_color, old.second_version, old.second_weight)
                       is distinct from (new.active_color, new.second_version, new.second_weight))
    execute function note_sides();

-- What each side answered, as the cluster's edge counts it: of tenants with a second side, for as long as anybody compares the two.
create table side_readings (
    tenant_id  uuid not null references tenants (id) on delete cascade,
    host       text not null,
    color      text not null check (color in ('blue', 'green')),
    -- Whether it is of calls to webhooks and forms alone, which are counted by themselves while both sides get some, or of all others.
    webhooks   boolean not null,
    read_at    timestamptz not null,
    -- When the edge had begun to count.
    started_at timestamptz not null,
    answers    jsonb not null,
    primary key (tenant_id, read_at, host, color, webhooks)
);
create index side_readings_in_order on side_readings (read_at);
call guard_table('side_readings');
call show_owners('side_readings', 'tenant_id', array['tenant_id', 'host', 'color', 'webhooks', 'read_at', 'started_at', 'answers']);
