-- As 0048, of tenants: a lock of their own.
drop trigger tenants_claim on tenants;
drop trigger tenants_place on tenants;
drop function claim_custom_domain();
drop function tenants_are_placed();

-- What whoever writes a tenant leaves out: a domain becomes its claim, and one with a home of its own gets its cluster (0023, 0043).
create function complete_tenant() returns trigger language plpgsql as $$
begin
    if new.custom_domain is not null then
        insert into custom_domains (tenant_id, domain) values (new.id, new.custom_domain);
        new.custom_domain := null;
    end if;
    if new.cluster_id is null and new.mode = 'dedicated' and new.status = 'provisioning' then
        new.cluster_id := place_tenant(new.plan, new.region, new.compliance, 0);
    end if;
    return new;
end $$;
create trigger tenants_complete before insert on tenants for each row execute function complete_tenant();
