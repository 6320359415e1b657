-- What is known of a tenant can change, and whoever follows it is told which of it did.

create function note_tenant_update() returns trigger language plpgsql as $$
begin
    insert into event_outbox (kind, tenant_id, data) values (
        'tenant.updated', new.id,
        jsonb_build_object('changed', to_jsonb(array_remove(array[
            case when old.name is distinct from new.name then 'name' end,
            case when old.email is distinct from new.email then 'email' end,
            case when old.region is distinct from new.region then 'region' end,
            case when old.compliance is distinct from new.compliance then 'compliance' end,
            case when old.metadata is distinct from new.metadata then 'metadata' end], null))));
    return null;
end $$;
create trigger tenants_updated after update of name, email, region, compliance, metadata on tenants
    for each row when ((old.name, old.email, old.region, old.compliance, old.metadata)
                       is distinct from (new.name, new.email, new.region, new.compliance, new.metadata))
    execute function note_tenant_update();
