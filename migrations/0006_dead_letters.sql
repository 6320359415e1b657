-- Messages that no service could handle, each with the reason, until a person sends them again or deletes them.
--
-- They are rows, not a stream: what is lost with the bus cannot be looked into, and a row can be listed, replayed
-- and deleted together with its audit entry.

create table dead_letters (
    id           uuid primary key,
    at           timestamptz not null default now(),
    -- Who could not handle it.
    service      text not null,
    subject      text not null,
    reason       text not null check (reason in ('malformed', 'unknown', 'expired', 'exhausted', 'refused')),
    detail       text not null,
    -- How often it was delivered.
    attempts     integer not null,
    headers      jsonb not null,
    payload      bytea not null,
    published_at timestamptz not null,
    -- As far as it could be read: whom it was about.
    tenant_id    uuid,
    operation_id uuid,
    -- Of the message: one whose acknowledgement was lost comes again, and is the same letter.
    digest       bytea not null unique,
    state        text not null default 'waiting' check (state in ('waiting', 'replaying', 'replayed')),
    replayed_at  timestamptz,
    check ((state = 'replayed') = (replayed_at is not null))
);
create index dead_letters_page on dead_letters (at desc, id desc);
create index dead_letters_replaying on dead_letters (at) where state = 'replaying';

create function note_dead_letter() returns trigger language plpgsql as $$
declare
    letter dead_letters := coalesce(new, old);
begin
    insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data) values (
        'dead_letter.' || case tg_op when 'INSERT' then 'arrived' when 'DELETE' then 'deleted' else 'replayed' end,
        letter.tenant_id, letter.operation_id, letter.headers ->> 'rp9-correlation-id',
        jsonb_build_object('dead_letter_id', 'dl_' || replace(letter.id::text, '-', ''),
            'service', letter.service, 'subject', letter.subject, 'reason', letter.reason));
    return null;
end $$;
create trigger dead_letters_came_or_went after insert or delete on dead_letters
    for each row execute function note_dead_letter();
create trigger dead_letters_replayed after update on dead_letters
    for each row when (new.state = 'replayed' and old.state <> 'replayed') execute function note_dead_letter();
