-- What a cluster has, so that a tenant it cannot hold is refused before anything is made for it.

-- Ranges of a cluster that somebody else's network was found in. They are passed over for an hour and tried again then.
create table foreign_subnets (
    cluster_id text not null references clusters (id) on delete cascade,
    subnet     cidr not null,
    seen_at    timestamptz not null default now(),
    primary key (cluster_id, subnet)
);
call guard_table('foreign_subnets');

-- Told by each heartbeat; null until the first one that tells them.
alter table clusters
    -- Where the platform's own containers run; null: in the first cut of the cluster's range.
    add column platform_subnet cidr,
    -- What the engine can give to a single container.
    add column cpu_millis integer,
    add column memory_mb integer,
    -- Connections to the tenants' database server, and subnets: how many tenants may have, and how many they had.
    add column connections_usable integer,
    add column connections_committed integer,
    add column subnets_usable integer,
    add column subnets_committed integer,
    -- When that was counted: tenants accepted since come on top.
    add column counted_at timestamptz;

-- How many connections a tenant of this plan may open at most: the limit of its role, which the provisioner computes from
-- the plan's workers and executions (a test holds the two together).
alter table plans add column connections integer not null default 0 check (connections >= 0);
update plans set connections = case name when 'starter' then 15 when 'pro' then 18 when 'enterprise' then 32 else 0 end;

-- What every active cluster has left. What is not known is null. In the order of the index and with an end, so that nobody plans to
-- read all tenants for the few that came since the last heartbeat.
create function cluster_room()
    returns table (id text, cpu_millis integer, memory_mb integer, connections bigint, subnets bigint)
    language sql stable as $$
    select c.id, c.cpu_millis, c.memory_mb,
        c.connections_usable - c.connections_committed - recent.connections,
        c.subnets_usable - c.subnets_committed - recent.tenants
      from clusters c, lateral (
        select count(*) as tenants, coalesce(sum(p.connections), 0) as connections
          from (select plan, status from tenants
                 where created_at > c.counted_at order by created_at desc, id desc limit 1000) t
          join plans p on p.name = t.plan
         where t.status not in ('failed', 'deleted')) recent
     where c.state = 'active'
$$;
