-- Which record this is. Engines and the edge remember it, so that services started on another database are recognised as strangers
-- and remove and serve nothing (docs/adr/0018-strangers.md).
create table record_identity (
    single     boolean primary key default true check (single),
    id         uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now()
);
insert into record_identity default values;
call guard_table('record_identity');
