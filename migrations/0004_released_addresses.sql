-- An address that was given up stays given up: a tenant that failed and is removed later does not claim it again.

alter table tenants add column address_released boolean not null default false;
update tenants set address_released = true where status = 'failed';

create function release_address() returns trigger language plpgsql as $$
begin
    new.address_released := true;
    return new;
end $$;
create trigger tenants_release_address before update of status on tenants
    for each row when (new.status = 'failed') execute function release_address();

drop index tenants_subdomain_taken;
drop index tenants_custom_domain_taken;
create unique index tenants_subdomain_taken on tenants (subdomain)
    where status <> 'deleted' and not address_released;
create unique index tenants_custom_domain_taken on tenants (custom_domain)
    where status <> 'deleted' and not address_released;
