-- Several who ask for the last place together each see it free. So where few are left, one is accepted after the other, and tenants are
-- counted one by one: those that a heartbeat had not seen are neither in its figure nor newer than it.

-- How many tenants of this plan the cluster with most room takes, as nobody else is being told meanwhile: until the transaction ends,
-- whoever asks waits. What is not known of a cluster does not stand in the way. The figures are those of `cluster_room()`.
create function places_left(of_plan text) returns bigint language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('rp9 last places', 0));
    -- A statement of its own sees what was accepted while this one waited.
    return (
        select coalesce(max(case when c.cpu_millis < p.cpu_millis or c.memory_mb < p.memory_mb then 0
                                 else coalesce(least((c.connections_usable - given.connections) / nullif(p.connections, 0),
                                                     c.subnets_usable - given.tenants), 1000) end), 1000)
          from plans p, clusters c, lateral (
            select count(*) as tenants, coalesce(sum(q.connections), 0) as connections
              from tenants t join plans q on q.name = t.plan
             where t.status not in ('failed', 'deleted')
               and (t.cluster_id = c.id or t.cluster_id is null)) given
         where p.name = of_plan and c.state = 'active');
end $$;
