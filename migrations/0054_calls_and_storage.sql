-- What tenants use beside executions (ADR 52): calls that their n8n answered, and the disk that their database takes.

-- By the hour (UTC).
create table usage_measures_hourly (
    tenant_id     uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    hour          timestamptz not null check (hour = date_trunc('hour', hour, 'UTC')),
    -- Calls of its hosts that its n8n answered.
    api_calls     bigint not null default 0 check (api_calls >= 0),
    -- The most that was seen in that hour. Null: nobody measured, or it shares an n8n.
    storage_bytes bigint check (storage_bytes >= 0),
    primary key (tenant_id, hour)
);
create index usage_measures_hourly_hour on usage_measures_hourly using brin (hour);
call guard_table('usage_measures_hourly');
call show_owners('usage_measures_hourly', 'tenant_id', array['tenant_id', 'hour', 'api_calls', 'storage_bytes']);

-- The same by the month (UTC): sums of the above, kept for longer. What a month takes on average is storage_byte_hours / storage_hours; what would
-- be billed is storage_byte_hours.
create table usage_measures_monthly (
    tenant_id          uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    month              date not null check (extract(day from month) = 1),
    api_calls          bigint not null default 0 check (api_calls >= 0),
    -- The hours' storage_bytes added up.
    storage_byte_hours numeric not null default 0 check (storage_byte_hours >= 0),
    -- How many hours were measured.
    storage_hours      integer not null default 0 check (storage_hours >= 0),
    primary key (tenant_id, month)
);
call guard_table('usage_measures_monthly');
call show_owners('usage_measures_monthly', 'tenant_id', array['tenant_id', 'month', 'api_calls', 'storage_byte_hours', 'storage_hours']);

-- How far each cluster's edge has been read.
create table edge_readings (
    cluster_id text primary key,
    -- How many readings were counted. Whoever counts one says how many there were before it read.
    readings   bigint not null,
    -- When the edge's process began, by the edge's clock.
    started_at timestamptz not null,
    read_at    timestamptz not null
);
call guard_table('edge_readings');

-- What each of the edge's counters said in the last of them.
create table edge_counters (
    cluster_id text not null references edge_readings (cluster_id) on delete cascade,
    router     text not null,
    service    text not null,
    calls      bigint not null,
    primary key (cluster_id, router, service)
);
call guard_table('edge_counters');

create function month_of(hour timestamptz) returns date language sql immutable parallel safe as
$$ select (date_trunc('month', hour, 'UTC') at time zone 'UTC')::date $$;

-- Adds what a reading of the edge found since the one before it. False, and nothing is done, if another reading was counted meanwhile: that one
-- may be the later.
create function count_calls(
    of_cluster text, counted_before bigint, edge_started timestamptz, was_read timestamptz,
    changed_routers text[], changed_services text[], changed_calls bigint[], gone_routers text[], gone_services text[],
    hosts text[], hours timestamptz[], calls bigint[]
) returns boolean language plpgsql as $$
begin
    -- One after the other, whoever measures what: all of them write the same rows.
    perform pg_advisory_xact_lock(hashtextextended('rp9: measures', 0));
    insert into edge_readings as known (cluster_id, readings, started_at, read_at)
    values (of_cluster, counted_before + 1, edge_started, was_read)
    on conflict (cluster_id) do update set readings = excluded.readings, started_at = excluded.started_at, read_at = excluded.read_at
    where known.readings = counted_before;
    if not found then
        return false;
    end if;

    delete from edge_counters c using unnest(gone_routers, gone_services) as gone (router, service)
     where c.cluster_id = of_cluster and c.router = gone.router and c.service = gone.service;
    insert into edge_counters (cluster_id, router, service, calls)
    select of_cluster, c.router, c.service, c.calls
      from unnest(changed_routers, changed_services, changed_calls) as c (router, service, calls)
    on conflict (cluster_id, router, service) do update set calls = excluded.calls;

    -- A host that is nobody's by now is counted for nobody.
    with counted as (
        select t.id as tenant_id, c.hour, sum(c.calls)::bigint as calls
          from unnest(hosts, hours, calls) as c (host, hour, calls)
          join routes r on r.host = c.host
          join tenants t on t.id = r.tenant_id and t.purpose = 'customer'
         group by t.id, c.hour
    ), by_hour as (
        insert into usage_measures_hourly as known (tenant_id, hour, api_calls) select c.tenant_id, c.hour, c.calls from counted c
        on conflict (tenant_id, hour) do update set api_calls = known.api_calls + excluded.api_calls
    )
    insert into usage_measures_monthly as known (tenant_id, month, api_calls)
    select c.tenant_id, month_of(c.hour), sum(c.calls) from counted c group by c.tenant_id, month_of(c.hour)
    on conflict (tenant_id, month) do update set api_calls = known.api_calls + excluded.api_calls;
    return true;
end $$;

-- Puts the sizes that samples tell now into their hour. Measuring again changes nothing, unless it is more.
create function measure_storage(of_cluster text) returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('rp9: measures', 0));
    with seen as (
        select s.tenant_id, date_trunc('hour', s.at, 'UTC') as hour, s.storage_bytes
          from tenant_samples s join tenants t on t.id = s.tenant_id and t.purpose = 'customer'
         where s.cluster_id = of_cluster and s.storage_bytes is not null and s.at > now() - interval '1 minute'
    ), former as (
        select m.tenant_id, m.hour, m.storage_bytes from usage_measures_hourly m join seen s using (tenant_id, hour)
    ), by_hour as (
        insert into usage_measures_hourly as known (tenant_id, hour, storage_bytes) select s.tenant_id, s.hour, s.storage_bytes from seen s
        on conflict (tenant_id, hour) do update set storage_bytes = excluded.storage_bytes
        where known.storage_bytes is null or known.storage_bytes < excluded.storage_bytes
        returning known.tenant_id, known.hour, known.storage_bytes
    )
    insert into usage_measures_monthly as known (tenant_id, month, storage_byte_hours, storage_hours)
    select h.tenant_id, month_of(h.hour), h.storage_bytes - coalesce(f.storage_bytes, 0), (f.storage_bytes is null)::integer
      from by_hour h left join former f using (tenant_id, hour)
    on conflict (tenant_id, month) do update set
        storage_byte_hours = known.storage_byte_hours + excluded.storage_byte_hours,
        storage_hours = known.storage_hours + excluded.storage_hours;
end $$;
