-- Named API keys (docs/adr/0038-api-keys.md). Of a key's text only the SHA-256 is kept. Rows stay: the audit log names keys, and a key that
-- was made with another one is dead when that one is.
create table api_keys (
    id           uuid primary key,
    name         text not null,
    hash         bytea not null check (length(hash) = 32),
    role         text not null,
    -- The tenants that exist for an owner's key. Keys of other roles see all.
    tenants      uuid[],
    scopes       text[] not null,
    created_at   timestamptz not null default now(),
    created_by   text not null,
    -- The key it was made with, and those that that one was made with.
    ancestors    uuid[] not null default '{}',
    expires_at   timestamptz not null,
    -- Written now and then, not with every request.
    last_used_at timestamptz,
    revoked_at   timestamptz,
    revoked_by   text,
    -- Of all keys together when this one was last changed.
    revision     bigint not null,
    constraint api_keys_of_owners_name_tenants check ((role = 'owner') = (tenants is not null))
);
create index api_keys_page on api_keys (created_at desc, id desc);
create index api_keys_changed on api_keys (revision);
create index api_keys_tenants on api_keys using gin (tenants);
call guard_table('api_keys');

-- Counts the changes to keys. Each change holds the row until it is committed, so whoever has read one revision and asks for what came
-- after it misses nothing. A sequence would be seen before what it numbers.
create table api_key_revision (
    single   boolean primary key default true check (single),
    revision bigint not null
);
insert into api_key_revision (revision) values (0);
call guard_table('api_key_revision');

create function number_key() returns trigger language plpgsql as $$
begin
    update api_key_revision set revision = revision + 1 returning revision into new.revision;
    return new;
end $$;
create trigger api_keys_made before insert on api_keys for each row execute function number_key();
-- Also what somebody changes by hand. That a key was used is no change.
create trigger api_keys_changed before update on api_keys for each row
    when (to_jsonb(old) - 'last_used_at' is distinct from to_jsonb(new) - 'last_used_at') execute function number_key();

-- Nobody would be told of a row that is gone, and gateways would go on taking its key.
create function keep_key() returns trigger language plpgsql as $$
begin
    raise exception 'API keys are revoked, not deleted';
end $$;
create trigger api_keys_kept before delete on api_keys for each row execute function keep_key();
