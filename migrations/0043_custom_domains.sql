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

-- A customer's own domain is served once it is proven to be theirs (ADR 42). What a tenant asks for is a claim, and as many may claim a domain as
-- like; `tenants.custom_domain` is what is proven and served, and one living tenant's alone, as before.
create table custom_domains (
    tenant_id    uuid primary key references tenants (id) on delete cascade deferrable initially deferred,
    domain       text not null,
    -- What the domain's name servers are to say. 122 random bits.
    token        text not null default replace(gen_random_uuid()::text, '-', ''),
    -- A row stays when the claim is given up, so that whoever makes it again is not looked for more often.
    state        text not null default 'pending' check (state in ('pending', 'proven', 'lapsed', 'removed')),
    claimed_at   timestamptz not null default now(),
    proven_at    timestamptz,
    -- Of one that is proven and was not found when it was last looked for: until when it is served all the same.
    served_until timestamptz,
    -- How often it was looked for since it was claimed, or since somebody asked, without being found.
    looks        integer not null default 0,
    looked_at    timestamptz,
    -- Why the last look did not find it.
    reason       text,
    -- When it is looked for next. Null: when somebody asks.
    look_after   timestamptz default now(),
    constraint custom_domains_served_check check (served_until is null or state = 'proven')
);
create index custom_domains_due on custom_domains (look_after) where state <> 'removed';
call guard_table('custom_domains');
call show_owners('custom_domains', 'tenant_id', array[
    'tenant_id', 'domain', 'token', 'state', 'claimed_at', 'proven_at', 'served_until', 'looked_at', 'reason', 'look_after']);

create function note_custom_domain() returns trigger language plpgsql as $$
declare
    happened text := case
        when new.state = 'removed' then 'removed'
        -- Those that were served before there were proofs.
        when tg_op = 'INSERT' and new.state = 'proven' then 'unproven'
        when tg_op = 'INSERT' then 'claimed'
        when old.state = 'removed' or old.domain <> new.domain then 'claimed'
        when old.state <> new.state then new.state
        when new.served_until is not null then 'unproven'
        else 'found' end;
begin
    insert into event_outbox (kind, tenant_id, data) values (
        'tenant.domain_' || happened, new.tenant_id,
        jsonb_strip_nulls(jsonb_build_object('domain', new.domain, 'served_until', new.served_until, 'reason', new.reason)));
    return null;
end $$;
create trigger custom_domains_claimed after insert on custom_domains for each row execute function note_custom_domain();
create trigger custom_domains_turned after update on custom_domains for each row
    when (old.domain <> new.domain or old.state <> new.state or (old.served_until is null) <> (new.served_until is null))
    execute function note_custom_domain();

-- Those that are there stay as they are served, for a month: nobody has proven them, so whoever does is given theirs.
insert into custom_domains (tenant_id, domain, state, served_until, reason)
select id, custom_domain, 'proven', now() + interval '30 days', 'it was served before it had to be proven'
  from tenants where custom_domain is not null and status not in ('failed', 'deleted') and not address_released;

-- A tenant that is made with a domain claims it, whichever release's gateway makes it.
create function claim_custom_domain() returns trigger language plpgsql as $$
begin
    insert into custom_domains (tenant_id, domain) values (new.id, new.custom_domain);
    new.custom_domain := null;
    return new;
end $$;
create trigger tenants_claim before insert on tenants for each row when (new.custom_domain is not null)
    execute function claim_custom_domain();
