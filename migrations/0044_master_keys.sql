-- Which master keys there are (docs/adr/0044-where-secrets-come-from-and-how-they-change.md). Those from before this table are noted by the
-- provisioner that has them.
create table master_keys (
    id          integer primary key,
    -- Tells another key under this id from it. A key is 256 random bits: its digest says nothing of it.
    fingerprint bytea not null check (length(fingerprint) = 32),
    noted_at    timestamptz not null default now(),
    -- Since then nothing is wrapped with it, and nothing can be.
    retired_at  timestamptz
);
call guard_table('master_keys');

-- Whoever wraps with a key holds its row until it is committed; whoever retires it waits for them, and looks then. So nothing is left under a
-- retired key, however late somebody hears of the next one. It counts as a thing that passes: their next try has the new key.
create function refuse_retired_master_key() returns trigger language plpgsql as $$
declare
    retired timestamptz;
begin
    select retired_at into retired from master_keys where id = new.key_id for share;
    if retired is not null then
        raise exception 'master key % is retired', new.key_id using errcode = 'object_not_in_prerequisite_state';
    end if;
    return new;
end $$;
create trigger tenant_secrets_master_key before insert or update of key_id on tenant_secrets
    for each row execute function refuse_retired_master_key();

create index tenant_secrets_of_key on tenant_secrets (key_id);
