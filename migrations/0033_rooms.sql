-- What tenants take of their clusters, and which clusters they may be in: each is said in one place, and everybody asks there.

-- Tags mean the same in capitals: they are kept in small letters, as they are read from now on.
update clusters set compliance = array(select distinct lower(tag) from unnest(compliance) tag order by 1)
 where compliance::text <> lower(compliance::text);
update tenants set compliance = array(select distinct lower(tag) from unnest(compliance) tag order by 1)
 where compliance::text <> lower(compliance::text);

-- How many connections its role may open: the plan's until the tenant was reserved, and what its containers want since.
alter table tenant_limits add column connections integer check (connections >= 0);
-- Those that were scaled have other than their plan's. As the provisioner has it, which writes the figure from now on.
update tenant_limits l
   set connections = 12 + (select count(*) from tenant_instances i where i.tenant_id = l.tenant_id and i.role = 'worker')
                          * (2 + (greatest((l.concurrent_executions + l.base_workers - 1) / l.base_workers, 5) + 4) / 5)
 where l.base_workers is not null;

-- A tenant's subnet holds so many workers (`wire::sizing`). `not valid`: what is offered already is cut down where it is read.
alter table plans add constraint plans_workers_fit_a_subnet check (workers * ceiling_percent / 100 <= 8) not valid;

-- Those that take something of a cluster. What is gone stays a row and is not looked at.
create index tenants_living on tenants (cluster_id) where mode = 'dedicated' and status not in ('failed', 'deleted');

-- How many tenants have something of their own in this cluster, and how many connections those may open. One that is in no cluster yet may
-- come into each. One that shares an n8n takes no subnet and no role.
create function cluster_committed(of_cluster text) returns table (tenants bigint, connections bigint)
    language sql stable as $$
    select count(*), coalesce(sum(coalesce(l.connections, p.connections)), 0)::bigint
      from tenants t join plans p on p.name = t.plan left join tenant_limits l on l.tenant_id = t.id
     where t.mode = 'dedicated' and t.status not in ('failed', 'deleted')
       and (t.cluster_id = of_cluster or t.cluster_id is null)
$$;

-- Whether a cluster is where a tenant asks to be and complies with what it must. A release before may have written capitals.
create function cluster_suits(its clusters, asked_region text, asked_compliance text[]) returns boolean
    language sql stable as $$
    select (asked_region is null or its.region = asked_region)
       and lower(its.compliance::text)::text[] @> lower(coalesce(asked_compliance, '{}')::text)::text[]
$$;

-- How many tenants of a plan fit beside what is taken. What is not known does not stand in the way.
create function cluster_places(its clusters, of_plan plans, tenants bigint, connections bigint) returns bigint
    language sql immutable as $$
    select case when its.cpu_millis < of_plan.cpu_millis or its.memory_mb < of_plan.memory_mb then 0
                else coalesce(least((its.connections_usable - connections) / nullif(of_plan.connections, 0),
                                    its.subnets_usable - tenants), 1000) end
$$;

-- As before, but for whose the recent ones are.
create or replace function cluster_room()
    returns table (id text, cpu_millis integer, memory_mb integer, connections bigint, subnets bigint)
    language sql stable as $$
    select c.id, c.cpu_millis, c.memory_mb,
        c.connections_usable - c.connections_committed - recent.connections,
        c.subnets_usable - c.subnets_committed - recent.tenants
      from clusters c, lateral (
        select count(*) as tenants, coalesce(sum(p.connections), 0) as connections
          from (select plan, mode, status, cluster_id from tenants
                 where created_at > c.counted_at order by created_at desc, id desc limit 1000) t
          join plans p on p.name = t.plan
         where t.mode = 'dedicated' and t.status not in ('failed', 'deleted')
           and (t.cluster_id = c.id or t.cluster_id is null)) recent
     where c.state = 'active'
$$;

-- How many tenants of this plan the cluster with most room takes of those that suit, as nobody else is being told meanwhile: until the
-- transaction ends, whoever asks waits. As long as no cluster is known, nothing stands in the way.
create function places_left(of_plan text, asked_region text, asked_compliance text[]) returns bigint
    language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('rp9 last places', 0));
    -- A statement of its own sees what was accepted while this one waited.
    return (
        select coalesce(max(case when cluster_suits(c, asked_region, asked_compliance)
                                 then cluster_places(c, p, given.tenants, given.connections) else 0 end), 1000)
          from plans p, clusters c, lateral cluster_committed(c.id) given
         where p.name = of_plan and c.state = 'active');
end $$;

-- What gateways of the release before ask.
create or replace function places_left(of_plan text) returns bigint language plpgsql volatile as $$
begin
    return places_left(of_plan, null, '{}');
end $$;

-- The cluster that a tenant goes to: one that suits, that can hold it as far as is known, and that somebody looks after; of several the one
-- with the most of its subnets left. Null when there is none (yet). Where few places are left, tenants are counted one by one, as
-- `places_left` counts them; `counted` of those are the one that is asked for.
create function place_tenant(tenant_plan text, tenant_region text, tenant_compliance text[], counted integer) returns text
    language plpgsql volatile as $$
begin return (
    select c.id
      from clusters c join plans p on p.name = tenant_plan
     where c.state = 'active' and cluster_suits(c, tenant_region, tenant_compliance)
       and case when cluster_places(c, p, c.subnets_committed, c.connections_committed) >= 200 then true
                else (select cluster_places(c, p, given.tenants - counted, given.connections - counted * p.connections) > 0
                        from cluster_committed(c.id) given) end
     order by c.heartbeat_at > now() - interval '30 seconds' desc,
              coalesce(c.subnets_committed::float8 / nullif(c.subnets_usable, 0), 0), c.id
     limit 1);
end $$;

create or replace function place_tenant(tenant_plan text, tenant_region text, tenant_compliance text[]) returns text
    language plpgsql volatile as $$
begin
    return place_tenant(tenant_plan, tenant_region, tenant_compliance, 0);
end $$;
