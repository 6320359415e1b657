-- A month's price is that of the plan which its tenant had in it, and a month never shrinks because hours of it were forgotten.

-- The plan that a tenant had when the month was last counted while it lasted. Null, of months from before this: whichever it has now.
alter table usage_rollups_monthly add column plan text;

create or replace function count_usage(
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

    insert into usage_rollups_monthly as known (tenant_id, month, kind, plan, executions, succeeded, failed, canceled, discarded, run_ms)
    select h.tenant_id, m.month, h.kind, t.plan, sum(h.executions), sum(h.succeeded), sum(h.failed), sum(h.canceled), sum(h.discarded), sum(h.run_ms)
      from (select distinct u.tenant, date_trunc('month', u.hour, 'UTC') as since, month_of(u.hour) as month
              from unnest(tenants, hours) as u (tenant, hour)) m
      join tenants t on t.id = m.tenant
      join usage_rollups_hourly h on h.tenant_id = m.tenant and h.hour >= m.since and h.hour < (m.month + interval '1 month') at time zone 'UTC'
     group by h.tenant_id, m.month, h.kind, t.plan
    on conflict (tenant_id, month, kind) do update set
        plan = case when known.month = month_of(now()) then excluded.plan else coalesce(known.plan, excluded.plan) end,
        executions = excluded.executions, succeeded = excluded.succeeded, failed = excluded.failed, canceled = excluded.canceled,
        discarded = excluded.discarded, run_ms = excluded.run_ms
    -- Of a month whose first hours were forgotten the sum is smaller than it was.
    where excluded.executions >= known.executions;

    insert into usage_sources as known (instance_id, source, read_until)
    select counted_by, counted_source, counted_until from tenants t where t.id = counted_by
    on conflict (instance_id) do update set
        source = excluded.source, read_at = now(),
        read_until = case when known.source = excluded.source then greatest(known.read_until, excluded.read_until) else excluded.read_until end;
end $$;

-- What each tenant's months cost. A price that begins within a month holds from the next one on. Null where something was used that has no price;
-- what was not used costs nothing, whether it has one or not.
create or replace view tenant_costs_monthly with (security_invoker = true) as
select u.tenant_id, u.month, u.billable_executions, u.run_hours,
       case when u.billable_executions = 0 then 0
            else u.billable_executions / 1000.0 * metering_price('executions', coalesce(u.plan, t.plan), u.month) end
           + case when u.run_hours = 0 then 0
                  else u.run_hours * metering_price('run_time', coalesce(u.plan, t.plan), u.month) end as cost_usd
  from (select tenant_id, month, coalesce(sum(executions) filter (where kind = 'production'), 0) as billable_executions,
               sum(run_ms) / 3600000.0 as run_hours,
               coalesce(max(plan) filter (where kind = 'production'), max(plan)) as plan
          from usage_rollups_monthly group by tenant_id, month) u
  join tenants t on t.id = u.tenant_id;
