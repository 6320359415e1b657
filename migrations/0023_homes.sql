-- Where a tenant lives: a cluster from its acceptance on, and within it what is its own, or a project of a shared n8n.

-- Of a tenant in shared mode: which n8n of its cluster, and which project of that.
alter table tenants
    add column shared_instance text,
    add column shared_project text,
    add constraint tenants_shared_home_check
        check (mode = 'shared' or (shared_instance is null and shared_project is null));

-- The cluster that a new tenant goes to: one that it asks for, that can hold it as far as is known, and that somebody looks after; of
-- several the one with the most of its subnets left. Null when there is none (yet): then it is the first that sets something aside for it.
-- What came since a cluster's last heartbeat is not counted, so several in a row go to the same one: balance is for the long run, and that
-- there is room at all was decided when the tenant was accepted.
create function place_tenant(tenant_plan text, tenant_region text, tenant_compliance text[]) returns text
    language plpgsql stable as $$
begin return (
    select c.id
      from clusters c join plans p on p.name = tenant_plan
     where c.state = 'active'
       and (tenant_region is null or c.region = tenant_region)
       and c.compliance @> tenant_compliance
       and (c.cpu_millis >= p.cpu_millis and c.memory_mb >= p.memory_mb
            and c.connections_usable - c.connections_committed >= p.connections
            and c.subnets_usable > c.subnets_committed) is not false
     order by c.heartbeat_at > now() - interval '30 seconds' desc,
              coalesce(c.subnets_committed::float8 / nullif(c.subnets_usable, 0), 0), c.id
     limit 1);
end $$;

-- In a trigger, so that a gateway of the release before, which knows nothing of clusters, places its tenants as well.
create function tenants_are_placed() returns trigger language plpgsql as $$
begin
    new.cluster_id := place_tenant(new.plan, new.region, new.compliance);
    return new;
end $$;
create trigger tenants_place before insert on tenants
    for each row when (new.cluster_id is null and new.mode = 'dedicated' and new.status = 'provisioning')
    execute function tenants_are_placed();

-- So are its operations: one that nobody placed would be anybody's, and then that of a cluster which can do nothing for it.
create function operations_are_placed() returns trigger language plpgsql as $$
begin
    new.cluster_id := (select cluster_id from tenants where id = new.tenant_id);
    return new;
end $$;
create trigger operations_place before insert on operations
    for each row when (new.cluster_id is null and new.tenant_id is not null)
    execute function operations_are_placed();
