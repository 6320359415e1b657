-- An owner reads their own rows, whatever a statement asks for: the second line behind the filter in the statement itself.
--
-- Three roles, named and meant as Supabase's: `anon` sees nothing; `authenticated` is an owner, and sees the rows of the
-- tenants in the setting `rp9.tenant_ids`, or in the claim `tenant_ids` of a token that PostgREST has verified;
-- `service_role` sees everything. None of them changes anything. Whoever runs this owns the tables, and does.

do $$
declare
    name text;
    -- Being a member is enough to act as a role until 16, and a right of its own since.
    may_act constant text := case when current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end;
    remedy constant text := format(
        'an administrator has to run: create role anon nologin; create role authenticated nologin; '
        'create role service_role nologin; grant authenticated to %I;', current_user);
begin
    foreach name in array array['anon', 'authenticated', 'service_role'] loop
        continue when exists (select from pg_roles where rolname = name);
        begin
            execute format('create role %I nologin', name);
        exception
            -- Roles belong to the whole server: a migration of another of its databases was faster.
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise exception 'the role % is missing, and % may not create it; %', name, current_user, remedy;
        end;
    end loop;

    if exists (select from pg_roles where rolname in ('anon', 'authenticated') and (rolsuper or rolbypassrls))
        or pg_has_role('authenticated', current_user, 'MEMBER') or pg_has_role('anon', current_user, 'MEMBER') then
        raise exception 'a role that sees everything cannot stand for an owner: look at anon and authenticated';
    end if;

    -- The gateway's connections for owners act as it, from their first statement on.
    if not pg_has_role(current_user, 'authenticated', may_act) then
        begin
            execute format('grant authenticated to %I', current_user);
        exception when insufficient_privilege then
            raise exception '% may not act as authenticated; %', current_user, remedy;
        end;
    end if;
    execute format('grant usage on schema %I to authenticated, service_role', current_schema());
end $$;

-- Tenants named by a token. Whatever else is in their place is an error, and no row.
create function claimed_tenants() returns uuid[] language sql stable parallel safe as $$
    select array_agg(replace(id, 'ten_', '')::uuid)
      from jsonb_array_elements_text(
          nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'tenant_ids') as id
$$;

-- Whose rows are to be seen. Without a setting nobody's; a setting that is over is an empty text.
create function visible_tenants() returns uuid[] language sql stable parallel safe as $$
    select coalesce(nullif(current_setting('rp9.tenant_ids', true), '')::uuid[], claimed_tenants(), '{}')
$$;

-- A parameter of this type says whose rows its statement may see, until the end of its transaction: the server checks
-- parameters when they are bound, before the statement is planned, let alone run. So setting and question are one message
-- and no order of execution can part them. A statement without it sees nothing.
create domain tenant_scope as uuid[] check (set_config('rp9.tenant_ids', value::text, true) is not null);

-- What every table needs, also each that a later migration makes. Forced, so that the tables' owner is let through by a policy
-- that can be seen, and nobody by being the owner.
create procedure guard_table(guarded regclass) language plpgsql as $$
declare
    counter regclass;
begin
    execute format('alter table %s enable row level security', guarded);
    execute format('alter table %s force row level security', guarded);
    execute format('create policy services on %s to %I using (true) with check (true)', guarded, current_user);
    execute format('create policy staff on %s for select to service_role using (true)', guarded);
    -- Supabase gives its roles everything on whatever is made in `public`.
    execute format('revoke all on %s from public, anon, authenticated, service_role', guarded);
    execute format('grant select on %s to service_role', guarded);
    for counter in
        select d.objid from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S'
         where d.classid = 'pg_class'::regclass and d.refobjid = guarded and d.deptype in ('a', 'i')
    loop
        execute format('revoke all on sequence %s from public, anon, authenticated, service_role', counter);
    end loop;
end $$;

-- Lets owners see these columns of the rows that belong to their tenants. Whose those are is asked once for each table in a
-- statement, not for each row.
create procedure show_owners(shown regclass, tenant text, columns text[]) language plpgsql as $$
declare
    theirs constant text := format('%s = any ((select visible_tenants())::uuid[])', tenant);
begin
    execute format('create policy owners on %s to authenticated using (%s) with check (%s)', shown, theirs, theirs);
    execute format('grant select (%s) on %s to authenticated',
        (select string_agg(quote_ident(name), ', ') from unnest(columns) as name), shown);
end $$;

revoke execute on procedure guard_table(regclass), show_owners(regclass, text, text[]) from public;

-- By name: others may have tables beside ours. The last one says which of these files were applied.
do $$
declare
    guarded regclass;
begin
    foreach guarded in array array[
        'plans', 'clusters', 'tenants', 'tenant_limits', 'tenant_instances', 'tenant_secrets', 'routes', 'operations',
        'operation_steps', 'audit_logs', 'audit_head', 'idempotency_keys', 'request_signatures', 'event_outbox', 'events',
        'event_relay', 'schedules', 'schedule_firings', 'dead_letters', '_sqlx_migrations']::regclass[]
    loop
        call guard_table(guarded);
    end loop;
end $$;

-- What the API tells an owner, and nothing else: no request of an operation, no output of a step, no subnet.
call show_owners('tenants', 'id', array[
    'id', 'name', 'email', 'subdomain', 'mode', 'status', 'plan', 'region', 'custom_domain', 'compliance', 'metadata',
    'n8n_version', 'cluster_id', 'active_color', 'failure', 'address_released', 'created_at', 'updated_at']);
call show_owners('tenant_limits', 'tenant_id', array[
    'tenant_id', 'cpu_millis', 'memory_mb', 'workers', 'storage_gb', 'executions_per_month', 'concurrent_executions',
    'api_calls_per_hour']);
call show_owners('tenant_instances', 'tenant_id', array[
    'name', 'tenant_id', 'role', 'color', 'ordinal', 'generation', 'cpu_millis', 'memory_mb', 'state', 'health', 'seen_at']);
call show_owners('operations', 'tenant_id', array[
    'id', 'kind', 'tenant_id', 'status', 'error', 'cancellation', 'created_at', 'started_at', 'finished_at']);
-- A scalar query, so that it is never anything but a look at one row of the index.
call show_owners('operation_steps', '(select o.tenant_id from operations o where o.id = operation_id)', array[
    'seq', 'operation_id', 'ordinal', 'step', 'event', 'error', 'at']);
call show_owners('events', 'tenant_id', array[
    'id', 'at', 'kind', 'tenant_id', 'operation_id', 'correlation_id', 'data']);
-- Whether something of an operation is on its way still.
call show_owners('event_outbox', 'tenant_id', array['tenant_id', 'operation_id']);
