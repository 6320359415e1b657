-- What tenants use and do: how it is now, and how much it was in each hour and month.

-- Which replica of the collector looks at which part of a cluster's tenants. A tick is a quarter of a minute, counted since 1970: whoever takes
-- a part sets it to the present one, so each part is taken once a tick.
create table collector_shards (
    cluster_id text not null,
    shard      smallint not null,
    tick       bigint not null default 0,
    holder     uuid,
    primary key (cluster_id, shard)
);
call guard_table('collector_shards');

-- The part of a cluster that an instance belongs to, with all who share it.
create function shard_of(instance uuid, shards integer) returns integer language sql immutable parallel safe as
$$ select (get_byte(uuid_send(instance), 14) * 256 + get_byte(uuid_send(instance), 15)) % shards $$;

-- The last sample of each tenant. Not worth a log: it is there again a quarter of a minute after a crash. What could not be seen is null.
create unlogged table tenant_samples (
    tenant_id                  uuid primary key references tenants (id) on delete cascade,
    cluster_id                 text not null,
    at                         timestamptz not null,
    queue_wait_p95_seconds     double precision,
    duration_p95_seconds       double precision,
    cpu_percent                double precision,
    memory_percent             double precision,
    memory_bytes               bigint,
    executions_min             double precision,
    success_rate_percent       double precision,
    concurrent_executions      bigint,
    queue_depth                bigint,
    oldest_waiting_seconds     double precision,
    workers                    bigint,
    workers_idle_while_waiting boolean,
    storage_bytes              bigint,
    -- What is not seen, and since when: `containers`, `queue`, `executions`, `storage`.
    missing                    jsonb not null default '{}'
) with (fillfactor = 50);
call guard_table('tenant_samples');
call show_owners('tenant_samples', 'tenant_id', array[
    'tenant_id', 'at', 'queue_wait_p95_seconds', 'duration_p95_seconds', 'cpu_percent', 'memory_percent', 'memory_bytes', 'executions_min',
    'success_rate_percent', 'concurrent_executions', 'queue_depth', 'oldest_waiting_seconds', 'workers', 'workers_idle_while_waiting',
    'storage_bytes', 'missing']);

-- Executions by the hour (UTC) in which they began. `source` is the copy of n8n's database that counted them: within one, numbers only rise, and
-- those of several are added.
create table usage_rollups_hourly (
    tenant_id  uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    hour       timestamptz not null check (hour = date_trunc('hour', hour, 'UTC')),
    kind       text not null check (kind in ('production', 'manual', 'error', 'sub_workflow')),
    source     uuid not null,
    executions bigint not null,
    succeeded  bigint not null,
    failed     bigint not null,
    canceled   bigint not null,
    discarded  bigint not null,
    run_ms     bigint not null,
    primary key (tenant_id, hour, kind, source)
);
create index usage_rollups_hourly_hour on usage_rollups_hourly using brin (hour);
call guard_table('usage_rollups_hourly');
call show_owners('usage_rollups_hourly', 'tenant_id', array[
    'tenant_id', 'hour', 'kind', 'executions', 'succeeded', 'failed', 'canceled', 'discarded', 'run_ms']);

-- The same by the month (UTC): sums of the above, kept for longer.
create table usage_rollups_monthly (
    tenant_id  uuid not null references tenants (id) on delete cascade deferrable initially deferred,
    month      date not null check (extract(day from month) = 1),
    kind       text not null check (kind in ('production', 'manual', 'error', 'sub_workflow')),
    executions bigint not null,
    succeeded  bigint not null,
    failed     bigint not null,
    canceled   bigint not null,
    discarded  bigint not null,
    run_ms     bigint not null,
    primary key (tenant_id, month, kind)
);
call guard_table('usage_rollups_monthly');
call show_owners('usage_rollups_monthly', 'tenant_id', array[
    'tenant_id', 'month', 'kind', 'executions', 'succeeded', 'failed', 'canceled', 'discarded', 'run_ms']);

-- How far each instance's own count has been read.
create table usage_sources (
    instance_id uuid primary key references tenants (id) on delete cascade deferrable initially deferred,
    source      uuid not null,
    read_until  timestamptz not null,
    read_at     timestamptz not null default now()
);
call guard_table('usage_sources');

-- What an instance counted, put in the place of what was known of the same hours, and the months that they are in added up anew. Together:
-- a month is never another sum than that of its hours. Reading the same again changes nothing.
create function count_usage(
    counted_by uuid, counted_source uuid, counted_until timestamptz, tenants uuid[], hours timestamptz[], kinds text[],
    executions bigint[], succeeded bigint[], failed bigint[], canceled bigint[], discarded bigint[], run_ms bigint[]
) returns void language plpgsql as $$
begin
    -- One after the other: each adds up what the ones before it wrote.
    perform pg_advisory_xact_lock(hashtextextended('rp9: usage', 0));
    insert into usage_rollups_hourly as known (tenant_id, hour, kind, source, executions, succeeded, failed, canceled, discarded, run_ms)
    select c.tenant, c.hour, c.kind, counted_source, c.executions, c.succeeded, c.failed, c.canceled, c.discarded, c.run_ms
      from unnest(tenants, hours, kinds, executions, succeeded, failed, canceled, discarded, run_ms)
           as c (tenant, hour, kind, executions, succeeded, failed, canceled, discarded, run_ms)
      join tenants t on t.id = c.tenant
    on conflict (tenant_id, hour, kind, source) do update set
        executions = excluded.executions, succeeded = excluded.succeeded, failed = excluded.failed, canceled = excluded.canceled,
        discarded = excluded.discarded, run_ms = excluded.run_ms
    -- An answer that was overtaken by a later one is passed over.
    where excluded.executions >= known.executions
      and excluded.succeeded + excluded.failed + excluded.canceled + excluded.discarded
          >= known.succeeded + known.failed + known.canceled + known.discarded;

    insert into usage_rollups_monthly as known (tenant_id, month, kind, executions, succeeded, failed, canceled, discarded, run_ms)
    select h.tenant_id, m.month, h.kind, sum(h.executions), sum(h.succeeded), sum(h.failed), sum(h.canceled), sum(h.discarded), sum(h.run_ms)
      from (select distinct u.tenant, date_trunc('month', u.hour, 'UTC') as since, (date_trunc('month', u.hour, 'UTC') at time zone 'UTC')::date as month
              from unnest(tenants, hours) as u (tenant, hour)) m
      join usage_rollups_hourly h on h.tenant_id = m.tenant and h.hour >= m.since and h.hour < (m.month + interval '1 month') at time zone 'UTC'
     group by h.tenant_id, m.month, h.kind
    on conflict (tenant_id, month, kind) do update set
        executions = excluded.executions, succeeded = excluded.succeeded, failed = excluded.failed, canceled = excluded.canceled,
        discarded = excluded.discarded, run_ms = excluded.run_ms;

    insert into usage_sources as known (instance_id, source, read_until)
    select counted_by, counted_source, counted_until from tenants t where t.id = counted_by
    on conflict (instance_id) do update set
        source = excluded.source, read_at = now(),
        read_until = case when known.source = excluded.source then greatest(known.read_until, excluded.read_until) else excluded.read_until end;
end $$;

-- What is billed of an execution, for a plan or for all; the price that holds is the latest that has begun.
create table metering_prices (
    -- `executions`: a thousand of those that count (ADR 49). `run_time`: an hour of running, of every kind.
    measure    text not null check (measure in ('executions', 'run_time')),
    plan       text references plans (name),
    valid_from date not null,
    price_usd  numeric(14, 6) not null check (price_usd >= 0),
    unique nulls not distinct (measure, plan, valid_from)
);
call guard_table('metering_prices');

create function metering_price(of_measure text, of_plan text, at date) returns numeric language sql stable as $$
    select p.price_usd from metering_prices p
     where p.measure = of_measure and p.valid_from <= at and (p.plan is null or p.plan = of_plan)
     -- A plan's own goes before everybody's.
     order by p.plan is null, p.valid_from desc limit 1
$$;

-- What each tenant's months cost. Null where something was used that has no price.
create view tenant_costs_monthly with (security_invoker = true) as
select u.tenant_id, u.month, u.billable_executions, u.run_hours,
       u.billable_executions / 1000.0 * metering_price('executions', t.plan, u.month)
           + u.run_hours * metering_price('run_time', t.plan, u.month) as cost_usd
  from (select tenant_id, month, coalesce(sum(executions) filter (where kind = 'production'), 0) as billable_executions,
               sum(run_ms) / 3600000.0 as run_hours
          from usage_rollups_monthly group by tenant_id, month) u
  join tenants t on t.id = u.tenant_id;

-- Every customer's tenant that is there, how it is and what it has used this month: one row each, for whoever looks after them.
create view operations_overview with (security_invoker = true) as
select t.id as tenant_id, t.name, t.subdomain, t.status, t.mode, t.plan, t.cluster_id, s.at as sampled_at, s.queue_wait_p95_seconds,
       s.cpu_percent, s.memory_percent, s.executions_min, s.success_rate_percent, s.queue_depth, s.workers, s.storage_bytes,
       coalesce(u.executions, 0) as month_executions, l.executions_per_month,
       exists (select from tenant_troubles d where d.tenant_id = t.id and d.shown_at is not null) as is_unhealthy,
       (select count(*) from operations o where o.tenant_id = t.id and o.status in ('queued', 'running', 'undoing')) as open_operations,
       (select count(*) from operations o where o.tenant_id = t.id and o.status = 'stuck') as stuck_operations
  from tenants t
  join tenant_limits l on l.tenant_id = t.id
  left join tenant_samples s on s.tenant_id = t.id
  left join usage_rollups_monthly u on u.tenant_id = t.id and u.kind = 'production'
       and u.month = (date_trunc('month', now(), 'UTC') at time zone 'UTC')::date
 where t.purpose = 'customer' and t.status not in ('deleted', 'failed');
revoke all on tenant_costs_monthly, operations_overview from public, anon, authenticated, service_role;
grant select on tenant_costs_monthly, operations_overview to service_role;
