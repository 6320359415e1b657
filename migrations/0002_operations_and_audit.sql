-- Operations can be cancelled, resumed and abandoned; the audit log becomes a chain.

alter table operations
    -- Once set, it goes back at the next boundary between steps, and this becomes its error.
    add column cancellation jsonb,
    drop constraint operations_status_check,
    add constraint operations_status_check check (status in
        ('queued', 'running', 'undoing', 'succeeded', 'rolled_back', 'stuck', 'abandoned')),
    drop constraint operations_check,
    add constraint operations_finished_check check
        ((status in ('succeeded', 'rolled_back', 'abandoned')) = (finished_at is not null));
create index operations_page on operations (created_at desc, id desc);

-- A person let a stuck operation go on: from here on its attempts are counted anew.
alter table operation_steps
    drop constraint operation_steps_event_check,
    add constraint operation_steps_event_check check (event in
        ('started', 'succeeded', 'failed', 'undo_started', 'undone', 'undo_failed', 'resumed'));

-- What a tenant becomes again if its removal is cancelled before it starts.
alter table tenants add column status_before_deleting text;

alter table audit_logs
    -- Why, in the words of whoever did it.
    add column reason text,
    -- Null until the sealer has chained the row: its place, the hash of the row before it, and its own.
    add column position bigint,
    add column previous_hash bytea,
    add column hash bytea;
create unique index audit_logs_chain on audit_logs (position) where position is not null;
create index audit_logs_unsealed on audit_logs (at, id) where position is null;
drop index audit_logs_newest;
create index audit_logs_page on audit_logs (at desc, id desc);

-- Where the chain ends: rows cut off its tail are missed here.
create table audit_head (
    single   boolean primary key default true check (single),
    position bigint not null,
    hash     bytea not null
);
insert into audit_head (position, hash) values (0, decode(repeat('00', 32), 'hex'));
